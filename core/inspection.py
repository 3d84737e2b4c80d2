"""Inspection: what a key of ours in Redis is for, in words, and what its value says once it is decoded. Reads only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from core.cache.entry import HEADER_BYTES, Entry, entry_in
from core.cache.inspector import Anatomy, Look, anatomy
from core.cache.journal import JOURNAL
from core.cache.keys import PREFIX, Key, Namespace, Placed, placed
from core.cache.protocol import Gate, Holder
from core.cache.tracking import BELL, LIST
from core.errors import InvalidQuery
from core.strategies.codec import CODEC, decode_movie
from core.strategies.keys import COLLECTION

_ROLES: Final = {"e": "The entry", "g": "The gate", "r": "The lease"}
_PARTS: Final = {"e": "string", "g": "hash", "r": "string"}
"""What an entry, a gate and a lease are stored as, by the letter of `placed`."""
_HEX: Final = re.compile(rb"[0-9a-f]{16}")


class Inspection(msgspec.Struct, frozen=True):
    """What there is to know of one key.

    `what` says what it is for, `standing` sentence by sentence what holds of it now: how an entry counts, who holds its
    gate. `version` is that of the entry, or the gate's floor; None where there is none. `value` is what is in it,
    decoded to plain values (None where nothing can be), `entry` and `gate` what the cache's protocol has of it.
    """

    name: str
    what: str
    standing: tuple[str, ...]
    anatomy: Anatomy
    version: int | None = None
    value: Any = None
    entry: Entry | None = None
    gate: Gate | None = None


def wire_name(name: str) -> bytes:
    """The name as Redis has it. Raises InvalidQuery where it is none of ours."""
    if not name.startswith(PREFIX):
        raise InvalidQuery(f"{name[:80]!r} is no key of Reelcache.", remedy=f"Its keys begin with {PREFIX}")
    return name.encode("utf-8", "surrogateescape")


def shown_name(name: bytes) -> str:
    """The name as text, from which `wire_name` makes the same bytes again."""
    return name.decode("utf-8", "surrogateescape")


async def inspection(look: Look, name: bytes, ours: Namespace, now_ms: int) -> Inspection:
    """Look at one key, and at those beside it where it is an entry, a gate or a lease. Raises CacheUnavailable."""
    seen, at = await anatomy(look, name), placed(name)
    shown = shown_name(name)
    # Structures of other kinds stand under such names, too: they have no entry's header, and nothing holds their gate.
    if at is None or at.key == JOURNAL or seen.type not in (_PARTS.get(at.role), "none"):
        return Inspection(shown, _purpose(name, at, ours, seen), _absent(seen), seen, value=_plain(seen))
    others = zip(_PARTS, at.namespace.all_keys(at.key), strict=True)
    parts = {role: seen if role == at.role else await anatomy(look, other) for role, other in others}
    entry = entry_in(parts["e"].data) if parts["e"].type == "string" else None
    gate = _gate(parts["g"], parts["r"], now_ms)
    versions = {"e": entry.version if entry else None, "g": gate.floor or None}
    return Inspection(
        shown,
        _purpose(name, at, ours, seen),
        (*_absent(seen), *_entry_in_words(entry, parts["e"], now_ms), *_gate_in_words(gate, now_ms)),
        seen,
        version=versions.get(at.role),
        value=_decoded(at.key, entry, seen) if at.role == "e" else _plain(seen),
        entry=entry,
        gate=gate if gate != Gate() else None,
    )


def _purpose(name: bytes, at: Placed | None, ours: Namespace, seen: Anatomy) -> str:
    if at is None:
        if name == LIST:
            return "The copies of the program that keep a near tier, each with its lease and the last ring it heard"
        if name == BELL:
            return "The bell that a writer rings, so that every near tier hears what changed before it commits"
        return f"A {seen.type} of the program's own" if seen.type != "none" else "No such key"
    whose = "" if at.namespace == ours else f", of another store ({at.namespace.store})"
    key = at.key
    if key == JOURNAL:
        return f"The journal: the ids of the last changes, in the order in which the cache was told{whose}"
    of = {
        "movie": f"movie {key.id}",
        "answer": "a window or histogram, by the hash of its question",
        "collection": "the collection's generation: answers count only under the one they name",
    }.get(key.kind, f"{key.kind} {key.id}")
    if seen.type not in (_PARTS.get(at.role), "none"):
        return f"A {seen.type} of {of}{whose}"
    return f"{_ROLES.get(at.role, 'What is kept')} of {of}{whose}"


def _absent(seen: Anatomy) -> tuple[str, ...]:
    return ("There is no such key at this moment: it expired, was evicted or dropped, or never was.",) * (
        seen.type == "none"
    )


# ------------------------------------------------------------------------------------------------- entries and gates


def _entry_in_words(entry: Entry | None, seen: Anatomy, now_ms: int) -> tuple[str, ...]:
    if entry is None:
        foreign = seen.type not in ("none", "unknown")
        return ("The entry is not of this program's format: nobody reads it.",) if foreign else (
            "No entry: the next read asks the store.",
        )  # fmt: skip
    if not entry.known:
        what = "The entry says that there is no such record"
    else:
        what = f"The entry holds version {entry.version}{moment(entry.version)}"
    left = entry.fresh_until - now_ms
    fresh = f"fresh for another {_span(left)}" if left > 0 else f"past its soft time to live for {_span(-left)}"
    took = f", loaded in {entry.load_ms} ms" if entry.load_ms else ""
    size = len(entry.payload) if seen.whole else seen.length - HEADER_BYTES
    lines = [f"{what}, {fresh}{took}; payload of {size:,} bytes."]
    if left <= 0:
        lines.append("It is served all the same, and loaded anew behind that: under the protocol it is not outdated.")
    if entry.codec != CODEC:
        lines.append(f"Its encoding is {entry.codec!r}, which this release does not read: it counts as a miss.")
    return tuple(lines)


def _gate_in_words(gate: Gate, now_ms: int) -> tuple[str, ...]:
    if gate == Gate():
        return ("No gate: nobody loads or writes it through the cache now, and no late write is remembered.",)
    lines = []
    if gate.reader is not None:
        span = _span(gate.reader.deadline - now_ms)
        lines.append(f"A reader has the lease {gate.reader.token} to fill it, for another {span}: others wait.")
    for writer in sorted(gate.writers, key=lambda writer: writer.deadline):
        left = writer.deadline - now_ms
        void = " Its token is void, for the cache was cleared or changed meanwhile: what it brings is dropped."
        lines.append(
            f"A writer announced a change ({writer.token}): until it ends, or for {_span(left)} at most, nobody fills."
            f"{void if writer.void else ''}"
            if left > 0
            else f"A writer vanished ({writer.token}), its time was up {_span(-left)} ago: it may have committed, so"
            " the next who comes drops the entry."
        )
    if gate.floor:
        lines.append(f"The gate's floor is version {gate.floor}{moment(gate.floor)}: nothing older may enter.")
    return tuple(lines)


def _gate(seen: Anatomy, lease: Anatomy, now_ms: int) -> Gate:
    """The gate in a hash and the lease beside it; fields that a gate cannot have are passed over."""
    reader, writers, floor = None, set(), 0
    if lease.type == "string":
        reader = Holder(_text(lease.data), now_ms + (lease.ttl_ms or 0))
    for field in seen.elements:
        if field.name == b"f" and _HEX.fullmatch(field.content):
            floor = int(field.content, 16)
        elif field.name.startswith((b"w:", b"v:")) and field.content.isdigit() and len(field.content) < 19:
            writers.add(Holder(_text(field.name[2:]), int(field.content), field.name.startswith(b"v:")))
    return Gate(reader, frozenset(writers), floor)


def moment(version: int) -> str:
    """When a version was given: it counts microseconds since 1970. Empty where that cannot be."""
    if not 10**15 < version < 4 * 10**15:
        return ""
    return f" (of {datetime.fromtimestamp(version / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC)"


def _span(milliseconds: int) -> str:
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    return (
        f"{seconds:.1f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5_400
        else f"{seconds / 3600:.0f} h"
    )


# ------------------------------------------------------------------------------------------------------- their values


def _decoded(key: Key, entry: Entry | None, seen: Anatomy) -> Any:
    if entry is None:
        return _plain(seen)
    if not entry.known or entry.codec != CODEC or not seen.whole:
        return None
    if key == COLLECTION:
        return entry.payload.hex()
    try:
        if key.kind == "movie":
            return msgspec.to_builtins(decode_movie(entry.payload))
        return _readable(msgspec.msgpack.decode(entry.payload))
    except (msgspec.MsgspecError, ValueError):
        return None


def _plain(seen: Anatomy) -> Any:
    """What no codec is needed for: text, and names with their contents."""
    if seen.type == "string":
        return _readable(seen.data)
    if seen.type == "zset":
        return [[_text(each.name), float(each.content)] for each in seen.elements]
    if seen.type in ("hash", "stream"):
        return {_text(each.name): _text(each.content) for each in seen.elements}
    return [_text(each.content) for each in seen.elements] if seen.elements else None


def _readable(value: Any) -> Any:
    """Bytes as text, or in hexadecimal digits where they are none, at any depth."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if isinstance(value, dict):
        return {str(_readable(name)): _readable(each) for name, each in value.items()}
    return value


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
