"""Inspector: what a key in Redis is made of, whatever its type: how it is stored, for how long, what is in it.

It only reads, by the commands in READS and no others, so that a user with no more rights can look at everything. All
that it fetches is bounded: a page of names, an excerpt of a value. The bookkeeping of the cache never waits for it, and
what it is refused speaks against nobody.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from core.cache.keys import PREFIX
from core.cache.wire import Command, Refused, Reply

Look = Callable[[Sequence[Command]], Awaitable[list[Reply]]]
"""One round trip; refusals are among the replies. Raises CacheUnavailable."""
READS: Final = (
    *("scan", "type", "object|encoding", "pttl", "memory|usage", "strlen", "getrange"),
    *("hlen", "hscan", "hpttl", "zcard", "zrange", "geopos", "xlen", "xrange", "xrevrange"),
    *("llen", "lrange", "scard", "sscan"),
)
"""Every command that is ever sent, as Redis' access lists name them."""
MOST_BYTES: Final = 65_536
"""Bytes of a string that are fetched."""
MOST_ELEMENTS: Final = 100
"""Elements of anything else."""
_STEP: Final = 500
"""Names that one SCAN looks at."""
_STEPS: Final = 40
"""SCANs for one page: of a server full of other programs' keys a page may come back empty, with more to follow."""
_GLOB: Final = re.compile(r"[*?\[]")
_PLACES: Final = re.compile(rb"geo|place|theater|venue", re.IGNORECASE)
"""Names of sorted sets whose scores are places: nothing else tells them apart."""


class Listed(msgspec.Struct, frozen=True):
    """A key in a list. `ttl_ms` is None where it never expires, `memory` (bytes) where the server does not say."""

    name: bytes
    type: str
    ttl_ms: int | None
    memory: int | None


class Listing(msgspec.Struct, frozen=True):
    """A page of keys, in no order. `cursor` goes on behind it, and is empty at the end."""

    keys: tuple[Listed, ...]
    cursor: str


class Element(msgspec.Struct, frozen=True):
    """One part of a value: a field and its content, a member and its score, an entry's id and its fields, or an index.

    `ttl_ms` is that of a field, where it has one; `place` longitude and latitude, in a set of places."""

    name: bytes
    content: bytes
    ttl_ms: int | None = None
    place: tuple[float, float] | None = None


class Anatomy(msgspec.Struct, frozen=True):
    """What a key is made of. A `type` of "none" says that there is no such key.

    `length` counts bytes of a string, elements of anything else; `data` and `elements` hold its beginning (of a sorted
    set the highest, of a stream the newest). `refused` names the commands that Redis did not carry out, and why.
    """

    name: bytes
    type: str
    encoding: str = ""
    ttl_ms: int | None = None
    memory: int | None = None
    length: int = 0
    data: bytes = b""
    elements: tuple[Element, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all of it was fetched."""
        return self.length <= (len(self.data) if self.type == "string" else len(self.elements))


def glob_of(text: str) -> str:
    """The pattern of SCAN for what somebody typed: a glob, or words that stand anywhere in a name."""
    head = "" if text.startswith(PREFIX) else f"{PREFIX}*"
    return f"{head}{text}" if _GLOB.search(text) else f"{head}{text}{'*' if text else ''}"


async def listing(look: Look, text: str = "", cursor: str = "", limit: int = 200) -> Listing:
    """About `limit` keys of ours whose names match, behind the cursor of an earlier page. Raises CacheUnavailable."""
    pattern = glob_of(text).encode("utf-8", "surrogateescape")
    at, names = cursor.encode() or b"0", dict[bytes, None]()
    for _ in range(_STEPS):
        at, found = _accepted((await look([("SCAN", at, "MATCH", pattern, "COUNT", min(_STEP, limit))]))[0])
        names.update(dict.fromkeys(name for name in found if name.startswith(PREFIX.encode())))
        if at == b"0" or len(names) >= limit:
            break
    if not names:
        return Listing((), "" if at == b"0" else at.decode())
    replies = await look([
        command
        for name in names
        for command in (("TYPE", name), ("PTTL", name), ("MEMORY", "USAGE", name))
    ])  # fmt: skip
    rows = zip(names, replies[::3], replies[1::3], replies[2::3], strict=True)
    keys = tuple(
        Listed(name, _text(kind), _ttl(ttl), memory if isinstance(memory, int) else None)
        for name, kind, ttl, memory in rows
        if kind != b"none"
    )
    return Listing(keys, "" if at == b"0" else at.decode())


async def anatomy(look: Look, name: bytes) -> Anatomy:
    """What is under a name, in two round trips. Raises CacheUnavailable."""
    asked: list[Command] = [("TYPE", name), ("OBJECT", "ENCODING", name), ("PTTL", name), ("MEMORY", "USAGE", name)]
    kind, encoding, ttl, memory = replies = await look(asked)
    seen = Anatomy(
        name=name,
        type=_text(kind),
        encoding=_text(encoding),
        ttl_ms=_ttl(ttl),
        memory=memory if isinstance(memory, int) else None,
        refused=tuple(_refusal(command, reply) for command, reply in zip(asked, replies, strict=True) if _bad(reply)),
    )
    if (commands := _inside(seen.type, name)) is None:
        return seen
    counted, begun = replies = await look(commands)
    refused = tuple(_refusal(command, reply) for command, reply in zip(commands, replies, strict=True) if _bad(reply))
    seen = msgspec.structs.replace(
        seen, length=counted if isinstance(counted, int) else 0, refused=(*seen.refused, *refused)
    )
    if _bad(begun) or begun is None:
        return seen
    if seen.type == "string":
        return msgspec.structs.replace(seen, data=begun)
    elements = _elements(seen.type, begun)[:MOST_ELEMENTS]
    if seen.type == "hash" and elements:
        elements = await _with_lives(look, name, elements)
    if seen.type == "zset" and elements and _PLACES.search(name):
        elements = await _with_places(look, name, elements)
    return msgspec.structs.replace(seen, elements=tuple(elements))


def _inside(kind: str, name: bytes) -> list[Command] | None:
    """What asks for the length and for the beginning of a value."""
    last = MOST_ELEMENTS - 1
    commands: dict[str, list[Command]] = {
        "string": [("STRLEN", name), ("GETRANGE", name, 0, MOST_BYTES - 1)],
        "hash": [("HLEN", name), ("HSCAN", name, 0, "COUNT", MOST_ELEMENTS)],
        "zset": [("ZCARD", name), ("ZRANGE", name, 0, last, "REV", "WITHSCORES")],
        "stream": [("XLEN", name), ("XREVRANGE", name, "+", "-", "COUNT", MOST_ELEMENTS)],
        "list": [("LLEN", name), ("LRANGE", name, 0, last)],
        "set": [("SCARD", name), ("SSCAN", name, 0, "COUNT", MOST_ELEMENTS)],
    }
    return commands.get(kind)


def _elements(kind: str, reply: Reply) -> list[Element]:
    match kind:
        case "hash":
            fields = reply[1]
            return [Element(*pair) for pair in zip(fields[::2], fields[1::2], strict=True)]
        case "zset":
            return [Element(*pair) for pair in _pairs(reply)]
        case "stream":
            return [
                Element(id, b" ".join(b"%b=%b" % pair for pair in zip(fields[::2], fields[1::2], strict=True)))
                for id, fields in reply
            ]
        case "set":
            return [Element(b"", member) for member in reply[1]]
        case _:
            return [Element(b"%d" % n, value) for n, value in enumerate(reply)]


def _pairs(reply: Reply) -> list[tuple[bytes, bytes]]:
    """Members and scores, which the newer protocol has in pairs, as numbers."""
    rows = reply if reply and isinstance(reply[0], list) else list(zip(reply[::2], reply[1::2], strict=True))
    return [(member, score if isinstance(score, bytes) else f"{score:.17g}".encode()) for member, score in rows]


async def _with_lives(look: Look, name: bytes, elements: list[Element]) -> list[Element]:
    """The fields with the time that each has left, where the server knows such a thing (7.4)."""
    reply = (await look([("HPTTL", name, "FIELDS", len(elements), *(element.name for element in elements))]))[0]
    if not isinstance(reply, list):
        return elements
    return [
        msgspec.structs.replace(element, ttl_ms=_ttl(ttl)) for element, ttl in zip(elements, reply, strict=True)
    ]  # fmt: skip


async def _with_places(look: Look, name: bytes, elements: list[Element]) -> list[Element]:
    reply = (await look([("GEOPOS", name, *(element.name for element in elements))]))[0]
    if not isinstance(reply, list):
        return elements
    return [
        msgspec.structs.replace(element, place=(float(at[0]), float(at[1])) if at else None)
        for element, at in zip(elements, reply, strict=True)
    ]


def _accepted(reply: Reply) -> Reply:
    if isinstance(reply, Exception):
        raise reply
    return reply


def _bad(reply: Reply) -> bool:
    return isinstance(reply, Exception)


def _text(reply: Reply) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else "unknown" if _bad(reply) else ""


def _ttl(reply: Reply) -> int | None:
    return reply if isinstance(reply, int) and reply >= 0 else None


def _refusal(command: Command, reply: Reply) -> str:
    words = command[:2] if command[0] in ("OBJECT", "MEMORY") else command[:1]
    return f"{' '.join(map(str, words))}: {reply if isinstance(reply, Refused) else type(reply).__name__}"
