"""The envelope around a cached payload: a fixed-width ASCII header that Lua can read without decoding anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

FORMAT: Final = "1"
HEADER_BYTES: Final = 39
MAX_VERSION: Final = (1 << 63) - 1
_MAX_FRESH_UNTIL: Final = (1 << 48) - 1
_MAX_LOAD_MS: Final = (1 << 32) - 1
_HEADER: Final = re.compile(
    rb"1(?P<kind>[VN])(?P<version>[0-7][0-9a-f]{15})(?P<fresh_until>[0-9a-f]{12})"
    rb"(?P<load_ms>[0-9a-f]{8})(?P<codec>[!-~])"
)
_VALUE: Final = re.compile(rb"1V[0-7][0-9a-f]{15}([0-9a-f]{12})([0-9a-f]{8})([!-~])")
_HEADER_SLICE: Final = slice(HEADER_BYTES)
_FRESH_UNTIL: Final = slice(18, 30)
_PAYLOAD: Final = slice(HEADER_BYTES, None)
_SHORT_LOAD_MS: Final = 0xFF
_FEW: Final = 4
"""Entries that are sooner judged one by one."""


class UnreadableEntry(ValueError):
    """Bytes that are no envelope of this format: written by another release, or by another program. Treat as a miss."""


class Entry(msgspec.Struct, frozen=True):
    """What the cache knows of one key.

    `known` is True for a value (V) and False for a known absence (N); an absence has version 0 and no payload.
    `fresh_until` is in Redis milliseconds since 1970, `load_ms` is how long the load took, `codec` is one
    printable character that names the encoding of the payload.
    """

    known: bool
    version: int
    fresh_until: int
    load_ms: int
    codec: str
    payload: bytes


def hexadecimal(version: int) -> str:
    """A version as 16 hex digits, so that the order of strings is the order of numbers. Raises ValueError."""
    if not 0 <= version <= MAX_VERSION:
        raise ValueError(f"a version has 63 bits, not {version}")
    return f"{version:016x}"


def pack(entry: Entry) -> bytes:
    """The envelope as bytes. Raises ValueError on a version or codec that has no place in it."""
    if len(entry.codec) != 1 or not "!" <= entry.codec <= "~":
        raise ValueError(f"a codec is one printable ASCII character, not {entry.codec!r}")
    if not 0 <= entry.version <= MAX_VERSION:
        raise ValueError(f"a version has 63 bits, not {entry.version}")
    fresh_until, load_ms = entry.fresh_until, entry.load_ms
    if not (0 <= fresh_until <= _MAX_FRESH_UNTIL and 0 <= load_ms <= _MAX_LOAD_MS):
        fresh_until = min(max(fresh_until, 0), _MAX_FRESH_UNTIL)
        load_ms = min(max(load_ms, 0), _MAX_LOAD_MS)
    # The three as one number: each time that digits are made costs as much.
    numbers = entry.version << 80 | fresh_until << 32 | load_ms
    header = f"{FORMAT}{'V' if entry.known else 'N'}{numbers:036x}{entry.codec}"
    return header.encode("ascii") + entry.payload


def entry_in(data: bytes | None) -> Entry | None:
    """The entry in these bytes; None where there is none of this format."""
    try:
        return None if data is None else unpack(data)
    except UnreadableEntry:
        return None


class FreshPayloads:
    """Tells which of many entries are values in this codec that are fresh for more than `loads` times their load.

    What `unpack` would tell of each, for the commonest read there is and at a tenth of the price: their headers are
    looked at as one, and hex digits of one width are in the order of their numbers."""

    __slots__ = ("_all_of_short_load", "_codec", "_loads")

    def __init__(self, codec: bytes, loads: int) -> None:
        self._codec = codec
        self._loads = loads
        of_short_load = rb"1V[0-7][0-9a-f]{27}0{6}[0-9a-f]{2}" + re.escape(codec)
        self._all_of_short_load = re.compile(rb"(?:%b)*" % of_short_load).fullmatch

    def __call__(self, values: Sequence[bytes | None], now: int) -> list[bytes | None]:
        """The payload of each that is so, and None for each other one; `now` in Redis milliseconds since 1970."""
        if len(values) <= _FEW:
            return [self._payload(value, now) for value in values]
        present = [value for value in values if value]
        heads = b"".join([value[_HEADER_SLICE] for value in present])
        soon = b"%012x" % min(now + _SHORT_LOAD_MS * self._loads, _MAX_FRESH_UNTIL)
        if (
            self._all_of_short_load(heads)
            and len(heads) == HEADER_BYTES * len(present)
            and min([value[_FRESH_UNTIL] for value in present], default=b"") > soon
        ):
            return [value[_PAYLOAD] if value else None for value in values]
        return [self._payload(value, now) for value in values]

    def _payload(self, value: bytes | None, now: int) -> bytes | None:
        if value is None or (head := _VALUE.match(value)) is None:
            return None
        fresh_until, load_ms, codec = head.groups()
        if codec != self._codec or int(fresh_until, 16) - now <= int(load_ms, 16) * self._loads:
            return None
        return value[_PAYLOAD]


def unpack(data: bytes) -> Entry:
    """The entry in these bytes. Raises UnreadableEntry."""
    header = _HEADER.match(data)
    if header is None:
        raise UnreadableEntry(f"no envelope of format {FORMAT}: {data[:HEADER_BYTES]!r}")
    kind, version, fresh_until, load_ms, codec = header.groups()
    return Entry(
        known=kind == b"V",
        version=int(version, 16),
        fresh_until=int(fresh_until, 16),
        load_ms=int(load_ms, 16),
        codec=codec.decode("ascii"),
        payload=data[HEADER_BYTES:],
    )
