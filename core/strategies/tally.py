"""Tally: how often each value of a field occurs in a query's answer, in memory, with what each movie was counted for.

A change takes back what its movie was counted for and counts what it has now. So nothing is counted twice, however
often one change is told of, and no change that is not yet known of can lead another one astray.
"""

from __future__ import annotations

import sys
import zlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import sub
from typing import Final

import msgspec

from core.query import ValueCount
from core.strategies.packed import Packing

CHUNK: Final = 512
"""Movies of a chunk when it is made; one that has grown to twice as many is halved."""
_WINDOW: Final = 10
_EFFORT: Final = 5
Values = tuple[str, ...]
_Name = int | str
"""An id, or the number that it has."""
_decode: Final = msgspec.msgpack.Decoder(tuple[bool, list[int | str], list[int]]).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Tally:
    """The counts of one field's values over the answer to one filter."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._packing = Packing()
        self._chunks: list[_Chunk] = []
        self._lists: list[Values] = []
        """Every list of values that some movie was ever counted for: a movie keeps its number."""
        self._numbers: dict[Values, int] = {}
        self.size = 0
        """Bytes of memory that it takes, nearly."""

    def counts(self) -> tuple[ValueCount, ...]:
        """How many movies have each value, most first; ties by name in code-point order."""
        found = (ValueCount(name, count) for name, count in self._counts.items() if count)
        return tuple(sorted(found, key=lambda value: (-value.count, value.name)))

    def append(self, rows: Sequence[tuple[str, Values]]) -> None:
        """Count movies that come after all that are there, ascending by id."""
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            numbers = [self._number(values) for _, values in part]
            self._put(len(self._chunks), 0, [self._named(id) for id, _ in part], numbers)
            for number, times in Counter(numbers).items():
                self._count(number, times)

    def replace(self, ids: Iterable[str], found: Mapping[str, Values]) -> None:
        """Of these movies, have those counted that `found` names, each for its values, and no other."""
        for id in ids:
            place = max(0, bisect_right(self._chunks, id, key=lambda chunk: chunk.first) - 1)
            names, numbers = self._chunks[place].rows() if self._chunks else ([], [])
            name = self._named(id)
            if name in names:
                at = names.index(name)
                self._count(numbers[at], -1)
                del names[at], numbers[at]
            else:
                at = bisect_left(names, id, key=self._id)
            if id in found:
                number = self._number(found[id])
                self._count(number, 1)
                names.insert(at, name)
                numbers.insert(at, number)
            middle = len(names) // 2 if len(names) >= 2 * CHUNK else len(names)
            self._put(place, 1, names[:middle], numbers[:middle])
            self._put(place + 1, 0, names[middle:], numbers[middle:])

    def _named(self, id: str) -> _Name:
        number = self._packing.number(id)
        return id if number is None else number

    def _id(self, name: _Name) -> str:
        return name if isinstance(name, str) else self._packing.ids((name,))[0]

    def _number(self, values: Values) -> int:
        number = self._numbers.get(values)
        if number is None:
            # Some thousand lists are made of some twenty names: each name is there once.
            values = tuple(map(sys.intern, values))
            number = self._numbers[values] = len(self._lists)
            self._lists.append(values)
            self.size += 250 + sum(map(len, values))
        return number

    def _count(self, number: int, times: int) -> None:
        for value in self._lists[number]:
            self._counts[value] += times

    def _put(self, place: int, instead_of: int, names: list[_Name], numbers: list[int]) -> None:
        """Have these movies as one chunk in the place of so many others."""
        old = self._chunks[place : place + instead_of]
        new = [_Chunk(self._id(names[0]), names, numbers)] if names else []
        self._chunks[place : place + instead_of] = new
        self.size += sum(len(chunk.packed) + 160 for chunk in new) - sum(len(chunk.packed) + 160 for chunk in old)


class _Chunk:
    """Neighbours by id, each with the number of its list of values, compressed: where all ids have numbers, how far
    each is from the one before, for most neighbours have neighbouring ones."""

    __slots__ = ("first", "packed")

    def __init__(self, first: str, names: list[_Name], numbers: list[int]) -> None:
        self.first = first
        # In calls that go through all of them at once: an edit waits for this.
        stepped = str not in set(map(type, names))
        steps = list(map(sub, names, [0, *names])) if stepped else names
        # For so few bytes a window of 1 kB does; zlib's own takes 270 kB for each chunk, between all that stays.
        shrinking = zlib.compressobj(level=1, wbits=_WINDOW, memLevel=_EFFORT)
        self.packed = shrinking.compress(_encode((stepped, steps, numbers))) + shrinking.flush()

    def rows(self) -> tuple[list[_Name], list[int]]:
        stepped, names, numbers = _decode(zlib.decompress(self.packed))
        return list(accumulate(names)) if stepped else names, numbers
