"""Order: every movie of a query's answer with its sort key, sorted, in memory: a window at any depth costs the same.

It is kept right by the ids of what changed alone, whose keys are asked for anew: each row stands where its own kept key
puts it, so that rows whose change is not yet known of cannot mislead those that are moved.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from core.stores.base import SortKey, Window

CHUNK: Final = 250
"""Rows of a chunk when it is made; one that has grown to twice as many is halved. A change makes two chunks anew."""
_DRAWERS: Final = 1 << 14
"""A power of two."""
_Row = tuple[str | int | float, str]
_decode: Final = msgspec.msgpack.Decoder(list[str | int | float]).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Order:
    """The answer to one filter in one sort, in both directions: known and unknown rows are read from either end."""

    def __init__(self) -> None:
        self._known = _Rows()
        self._unknown = _Rows()

    def __len__(self) -> int:
        """How many movies there are."""
        return len(self._known) + len(self._unknown)

    @property
    def size(self) -> int:
        """Bytes of memory that the rows take, nearly."""
        return self._known.size + self._unknown.size

    def append(self, rows: Iterable[tuple[str, SortKey]]) -> None:
        """Add rows that come after all that are there: ascending by key and id, those without a key last."""
        known: list[_Row] = []
        unknown: list[_Row] = []
        for id, key in rows:
            if key is None:
                unknown.append((0, id))
            else:
                known.append((key, id))
        self._known.append(known)
        self._unknown.append(unknown)

    def replace(self, ids: Iterable[str], keys: Mapping[str, SortKey]) -> None:
        """Of these movies, have those that `keys` names, each with its key, and no other."""
        for id in ids:
            self._known.remove(id)
            self._unknown.remove(id)
            if id in keys:
                key = keys[id]
                if key is None:
                    self._unknown.insert((0, id))
                else:
                    self._known.insert((key, id))

    def window(self, offset: int, limit: int, *, descending: bool) -> Window:
        """The ids of rows `offset` to `offset + limit`, and how many there are in all."""
        known = self._known.slice(offset, offset + limit, descending)
        if (lacking := limit - len(known)) > 0:
            start = max(0, offset - len(self._known))
            known += self._unknown.slice(start, start + lacking, descending)
        return Window(tuple(known), len(self))


class _Chunk:
    """Neighbouring rows, packed: their ids between line ends, which no id holds, so that one is found at once; and
    their keys, which neighbours share most of, compressed."""

    __slots__ = ("count", "first", "ids", "keys", "number")

    def __init__(self, rows: Sequence[_Row], number: int) -> None:
        self.count = len(rows)
        self.first = rows[0]
        self.ids = f"\n{chr(10).join([id for _, id in rows])}\n".encode()
        self.keys = zlib.compress(_encode([key for key, _ in rows]), 1)
        self.number = number

    def names(self) -> list[str]:
        return self.ids.decode().split("\n")[1:-1]

    def rows(self) -> list[_Row]:
        return list(zip(_decode(zlib.decompress(self.keys)), self.names(), strict=True))


class _Drawers:
    """In which chunks an id may stand: the numbers of chunks, by the hash of the ids that were ever put there."""

    def __init__(self) -> None:
        self._drawers: list[array[int] | None] = [None] * _DRAWERS
        self.size = 8 * _DRAWERS

    def put(self, id: str, number: int) -> None:
        place = hash(id) & _DRAWERS - 1
        drawer = self._drawers[place]
        if drawer is None:
            drawer = self._drawers[place] = array("I")
            self.size += 80
        drawer.append(number)
        self.size += drawer.itemsize

    def numbers(self, id: str) -> set[int]:
        return set(self._drawers[hash(id) & _DRAWERS - 1] or ())


class _Rows:
    """Rows of (key, id) in ascending order. Keys are all texts or all numbers."""

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []
        self._numbered: dict[int, _Chunk] = {}
        self._numbers = 0
        self._drawers = _Drawers()
        self._ends: list[int] | None = []
        """How many rows there are up to the end of each chunk; None when that is to be counted anew."""
        self._packed = 0

    def __len__(self) -> int:
        ends = self._counted()
        return ends[-1] if ends else 0

    @property
    def size(self) -> int:
        return self._packed + self._drawers.size if self._chunks else 0

    def append(self, rows: Sequence[_Row]) -> None:
        for start in range(0, len(rows), CHUNK):
            self._put(len(self._chunks), rows[start : start + CHUNK])

    def insert(self, row: _Row) -> None:
        if not self._chunks:
            self._put(0, [row])
            return
        place = max(0, bisect_right(self._chunks, row, key=lambda chunk: chunk.first) - 1)
        rows = self._chunks[place].rows()
        rows.insert(bisect_left(rows, row), row)
        middle = len(rows) // 2
        if len(rows) < 2 * CHUNK:
            self._instead(place, rows)
            self._drawers.put(row[1], self._chunks[place].number)
        else:
            self._instead(place, rows[:middle])
            self._drawers.put(row[1], self._chunks[place].number)
            self._put(place + 1, rows[middle:])

    def remove(self, id: str) -> None:
        sought = f"\n{id}\n".encode()
        for number in self._drawers.numbers(id):
            chunk = self._numbered.get(number)
            if chunk is not None and sought in chunk.ids:
                self._instead(self._chunks.index(chunk), [row for row in chunk.rows() if row[1] != id])

    def slice(self, start: int, stop: int, descending: bool) -> list[str]:
        total = len(self)
        if descending:
            start, stop = max(0, total - stop), max(0, total - start)
        stop = min(stop, total)
        ends, found = self._counted(), list[str]()
        place = bisect_right(ends, start)
        while start + len(found) < stop:
            chunk = self._chunks[place]
            before = ends[place] - chunk.count
            found += chunk.names()[max(0, start - before) : stop - before]
            place += 1
        return found[::-1] if descending else found

    def _put(self, place: int, rows: Sequence[_Row]) -> None:
        """Have these rows as a new chunk in this place."""
        self._numbers += 1
        chunk = self._numbered[self._numbers] = _Chunk(rows, self._numbers)
        for _, id in rows:
            self._drawers.put(id, chunk.number)
        self._chunks.insert(place, chunk)
        self._packed += _size(chunk)
        self._ends = None

    def _instead(self, place: int, rows: Sequence[_Row]) -> None:
        """Have these rows in the chunk in this place; one that is left without rows goes."""
        old = self._chunks[place]
        self._packed -= _size(old)
        self._ends = None
        if rows:
            new = self._chunks[place] = self._numbered[old.number] = _Chunk(rows, old.number)
            self._packed += _size(new)
        else:
            del self._chunks[place], self._numbered[old.number]

    def _counted(self) -> list[int]:
        if self._ends is None:
            self._ends = list(accumulate(chunk.count for chunk in self._chunks))
        return self._ends


def _size(chunk: _Chunk) -> int:
    return len(chunk.ids) + len(chunk.keys) + 400
