"""Packed ids: neighbouring ids in a few bytes each, in which one is found at once.

Most ids are some letters and a number of some digits: such a shape gets a range of the numbers of 32 bits when it is
first seen, and each of its ids four bytes, or three in a run of low numbers alone. The identifiers of MongoDB take
twelve. A run that holds any other id is kept as text.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

_DIGITS: Final = "0123456789"
_MOST_DIGITS: Final = 9
_LAST: Final = 1 << 32
_NUMBER: Final = "I"
_TEXT: Final = 0
_OBJECT: Final = 12
_NUMBERED: Final = array(_NUMBER).itemsize
_LOW: Final = 3
_LOWER: Final = 1 << 8 * _LOW
_LITTLE: Final = sys.byteorder == "little"
_object = re.compile(r"[0-9a-f]{24}", re.ASCII).fullmatch


class Packing:
    """How ids are packed, for as long as any of what it packed is kept. A run begins with the width of its ids."""

    def __init__(self) -> None:
        self._lows_by_shape: dict[tuple[str, int], int] = {}
        self._lows: list[int] = []
        self._shapes: list[tuple[int, int, str]] = []
        """The first number of each shape, the first one behind it, and how its ids are written."""
        self._next = 0

    def pack(self, ids: Sequence[str]) -> bytes:
        """These ids as a run. No id holds a line end."""
        numbers = [number for id in ids if (number := self.number(id)) is not None]
        if len(numbers) == len(ids):
            if ids and max(numbers) < _LOWER:
                return bytes((_LOW,)) + _narrowed(numbers)
            return bytes((_NUMBERED,)) + array(_NUMBER, numbers).tobytes()
        if all(map(_object, ids)):
            return bytes((_OBJECT,)) + bytes.fromhex("".join(ids))
        return bytes((_TEXT,)) + f"\n{chr(10).join(ids)}\n".encode()

    def unpack(self, run: bytes, start: int = 0, stop: int | None = None) -> list[str]:
        """The ids of a run, from the one at `start` to before that at `stop`."""
        width = run[0]
        if width == _TEXT:
            return run[1:].decode().split("\n")[1:-1][start:stop]
        rows = run[1 + start * width : None if stop is None else 1 + stop * width]
        if width == _OBJECT:
            return [rows[at : at + width].hex() for at in range(0, len(rows), width)]
        return self.ids(_widened(rows) if width == _LOW else array(_NUMBER, rows))

    def ids(self, numbers: Iterable[int]) -> list[str]:
        """The ids of these numbers."""
        low, high, form = 0, 0, ""
        found = list[str]()
        for number in numbers:
            if not low <= number < high:
                low, high, form = self._shapes[bisect_right(self._lows, number) - 1]
            found.append(form % (number - low))
        return found

    def sought(self, id: str) -> dict[int, bytes]:
        """What a run holds of this id if it is in it, by the run's width."""
        found = {_TEXT: f"\n{id}\n".encode()}
        number = self.number(id)
        if number is not None:
            found[_NUMBERED] = array(_NUMBER, [number]).tobytes()
            if number < _LOWER:
                found[_LOW] = _narrowed([number])
        if _object(id):
            found[_OBJECT] = bytes.fromhex(id)
        return found

    def number(self, id: str) -> int | None:
        """The number of an id that has one."""
        letters = id.rstrip(_DIGITS)
        digits = len(id) - len(letters)
        low = self._lows_by_shape.get((letters, digits))
        if low is None:
            if not 0 < digits <= _MOST_DIGITS or self._next + 10**digits > _LAST:
                return None
            low = self._lows_by_shape[letters, digits] = self._next
            self._next += 10**digits
            self._lows.append(low)
            self._shapes.append((low, self._next, f"{letters.replace('%', '%%')}%0{digits}d"))
        return low + int(id[-digits:])


def without(run: bytes, sought: dict[int, bytes]) -> bytes | None:
    """A run without what is `sought`; None where it is not in it."""
    width = run[0]
    needle = sought.get(width)
    at = -1 if needle is None else run.find(needle, 1)
    while needle and at > 0 and width and (at - 1) % width:
        at = run.find(needle, at + 1)
    if not needle or at < 0:
        return None
    return run[:at] + run[at + (width or len(needle) - 1) :]


def joined(run: bytes, sought: dict[int, bytes], at: int) -> bytes | None:
    """A run with what is `sought` before its id at a place; None where it has to be packed anew for that."""
    width = run[0]
    if not width or width not in sought:
        return None
    return run[: 1 + at * width] + sought[width] + run[1 + at * width :]


def _narrowed(numbers: Sequence[int]) -> bytes:
    """Numbers in three bytes each, the lowest first."""
    wide = array(_NUMBER, numbers)
    if not _LITTLE:
        wide.byteswap()
    every, narrow = wide.tobytes(), bytearray(_LOW * len(numbers))
    for place in range(_LOW):
        narrow[place::_LOW] = every[place::_NUMBERED]
    return bytes(narrow)


def _widened(rows: bytes) -> array[int]:
    wide = bytearray(len(rows) // _LOW * _NUMBERED)
    for place in range(_LOW):
        wide[place::_NUMBERED] = rows[place::_LOW]
    numbers = array(_NUMBER, bytes(wide))
    if not _LITTLE:
        numbers.byteswap()
    return numbers
