"""Order: the ids of every movie of a query's answer, sorted, in memory: a window at any depth costs the same.

Of the sort keys one row in some hundred has its own kept, as the bound of a block. A change is placed in a block by the
present keys of the rows there, which whoever makes it gives. A row of another key than it stands for has a change that
is still to be told: it may stand in the wrong place among the others until then, but misleads none of them, for a
block is sorted anew as a whole and its bounds stay.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from core.stores.base import SortKey, Window
from core.strategies.packed import Packing, joined, without

BLOCK: Final = 256
"""Rows of a block when it is made; one that has grown to twice as many is halved."""
_MARKS: Final = 255
_SPREAD: Final = 1.5
"""Cells for each id: with fewer, more blocks are looked through for one that moves."""
_SPARE: Final = 1_024
_BESIDES: Final = 220
"""Bytes that a block takes besides its ids, nearly."""
_Row = tuple[str | int | float, str]
_decode: Final = msgspec.msgpack.Decoder(tuple[str | int | float, str]).decode
_encode: Final = msgspec.msgpack.Encoder().encode


class Order:
    """The answer to one filter in one sort, in both directions: known and unknown rows are read from either end.

    `expected`: how many rows there will be, nearly."""

    def __init__(self, expected: int = 0) -> None:
        self._packing = Packing()
        self._whereabouts = _Whereabouts(expected)
        self._known = _Part(self._packing, self._whereabouts, known=True)
        self._unknown = _Part(self._packing, self._whereabouts, known=False)

    def __len__(self) -> int:
        """How many movies there are."""
        return len(self._known) + len(self._unknown)

    @property
    def size(self) -> int:
        """Bytes of memory that the rows take, nearly."""
        return self._known.size + self._unknown.size + self._whereabouts.size

    @property
    def worn(self) -> bool:
        """Whether so much was added or moved that it should be made anew."""
        return self._whereabouts.full

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

    def beside(self, keys: Mapping[str, SortKey]) -> set[str]:
        """The movies whose present keys `replace` needs to place those of these keys: some hundred for each."""
        places = {self._known.place((key, id)) for id, key in keys.items() if key is not None}
        return {other for place in places for other in self._known.ids(place)} - keys.keys()

    def replace(self, ids: Iterable[str], keys: Mapping[str, SortKey], beside: Mapping[str, SortKey]) -> None:
        """Of these movies, have those that `keys` names, each with its key, and no other; `beside` are the keys of the
        others that it asks for, as they were then or later."""
        for id in ids:
            self._remove(id)
        self._known.insert([(key, id) for id, key in keys.items() if key is not None], beside)
        self._unknown.insert([(0, id) for id, key in keys.items() if key is None], None)
        # Not before: with a block gone, a row would belong beside others than those that were asked for.
        self._known.drop_emptied()
        self._unknown.drop_emptied()

    def window(self, offset: int, limit: int, *, descending: bool) -> Window:
        """The ids of rows `offset` to `offset + limit`, and how many there are in all."""
        known = self._known.slice(offset, offset + limit, descending)
        if (lacking := limit - len(known)) > 0:
            start = max(0, offset - len(self._known))
            known += self._unknown.slice(start, start + lacking, descending)
        return Window(tuple(known), len(self))

    def _remove(self, id: str) -> None:
        sought = self._packing.sought(id)
        for block in self._whereabouts.blocks(id):
            while (rest := without(block.run, sought)) is not None:
                (self._known if block.known else self._unknown).shorten(block, rest)


class _Block:
    """Neighbouring rows: their packed ids, and the row below which none of them belongs. Its `mark` says, with those of
    others, which ids may be in it.

    It knows of its part whether its keys are known, not itself: in a circle a dropped order would keep its megabytes
    until garbage is looked for."""

    __slots__ = ("count", "known", "low", "mark", "run")

    def __init__(self, low: bytes, run: bytes, count: int, mark: int, *, known: bool) -> None:
        self.known = known
        self.low = low
        self.mark = mark
        self.count = count
        self.run = run


class _Whereabouts:
    """In which blocks an id may stand: a table with a mark of one byte for each id that was ever put there, at the
    first free cell from that of its hash on. What was there and left is found in vain."""

    def __init__(self, expected: int) -> None:
        self._starts = int(_SPREAD * expected) + _SPARE
        self._cells = bytearray(self._starts + _SPARE)
        self._room = int(0.8 * self._starts)
        self._marked: list[list[_Block]] = [[] for _ in range(_MARKS + 1)]
        self._next = 0

    @property
    def size(self) -> int:
        return len(self._cells)

    @property
    def full(self) -> bool:
        return self._room <= 0

    def new(self, low: bytes, run: bytes, ids: Sequence[str], *, known: bool) -> _Block:
        """A block with these ids."""
        self._next = self._next % _MARKS + 1
        block = _Block(low, run, len(ids), self._next, known=known)
        self._marked[block.mark].append(block)
        for id in ids:
            self.put(id, block)
        return block

    def gone(self, block: _Block) -> None:
        self._marked[block.mark].remove(block)

    def put(self, id: str, block: _Block) -> None:
        cells = self._cells
        start = hash(id) % self._starts
        end = cells.find(0, start)
        if cells.find(block.mark, start, end) >= 0:
            return
        if end < 0 or self._room <= 0:
            self._room = 0
            return
        self._cells[end] = block.mark
        self._room -= 1

    def blocks(self, id: str) -> list[_Block]:
        start = hash(id) % self._starts
        marks = set(self._cells[start : self._cells.find(0, start)])
        return [block for mark in marks for block in self._marked[mark]]


class _Part:
    """Rows of (key, id) in ascending order. Keys are all texts or all numbers."""

    def __init__(self, packing: Packing, whereabouts: _Whereabouts, *, known: bool) -> None:
        self._packing = packing
        self._known = known
        self._whereabouts = whereabouts
        self._blocks: list[_Block] = []
        self._ends: list[int] | None = []
        """How many rows there are up to the end of each block; None when that is to be counted anew."""
        self._packed = 0
        self._emptied: list[_Block] = []

    def __len__(self) -> int:
        ends = self._counted()
        return ends[-1] if ends else 0

    @property
    def size(self) -> int:
        return self._packed + _BESIDES * len(self._blocks)

    def append(self, rows: Sequence[_Row]) -> None:
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            self._put(len(self._blocks), part[0], [id for _, id in part])

    def place(self, row: _Row) -> int:
        """The number of the block in which a row belongs."""
        return max(0, bisect_right(self._blocks, row, key=lambda block: _decode(block.low)) - 1)

    def ids(self, place: int) -> list[str]:
        """The ids in a block."""
        return self._packing.unpack(self._blocks[place].run) if self._blocks else []

    def insert(self, rows: Iterable[_Row], beside: Mapping[str, SortKey] | None) -> None:
        """Add rows, where each belongs among the others in its block as they are now; None: all of one key."""
        coming: dict[int, list[_Row]] = {}
        for row in rows:
            coming.setdefault(self.place(row), []).append(row)
        for place in sorted(coming, reverse=True):
            if not self._blocks:
                self._put(0, min(coming[place]), [])
            keyed = [(0 if beside is None else beside.get(id), id) for id in self.ids(place)]
            there = [(key, id) for key, id in keyed if key is not None]
            # These left, which is still to be told.
            self._merge(place, coming[place], there, [id for key, id in keyed if key is None])
            for _, id in coming[place]:
                self._whereabouts.put(id, self._blocks[place])

    def _merge(self, place: int, coming: list[_Row], there: list[_Row], left: list[str]) -> None:
        """Sort rows into a block, and those that left to its end; halve it where it has grown too large."""
        block = self._blocks[place]
        rows = sorted(there)
        if len(coming) == 1 and rows == there and len(rows) + 1 < 2 * BLOCK:
            ((_, id),) = coming
            run = joined(block.run, self._packing.sought(id), bisect_right(rows, coming[0]))
            if run is not None and not left:
                self._have(block, run, block.count + 1)
                return
        rows = sorted([*rows, *coming])
        middle = len(rows) // 2
        below = place + 1 == len(self._blocks) or rows[middle] < _decode(self._blocks[place + 1].low)
        if len(rows) >= 2 * BLOCK and below and (place == 0 or rows[middle] > _decode(block.low)):
            self._put(place + 1, rows[middle], [*(id for _, id in rows[middle:]), *left])
            rows, left = rows[:middle], []
        ids = [*(id for _, id in rows), *left]
        self._have(block, self._packing.pack(ids), len(ids))

    def shorten(self, block: _Block, run: bytes) -> None:
        """Have one row less in a block."""
        self._have(block, run, block.count - 1)
        if not block.count:
            self._emptied.append(block)

    def drop_emptied(self) -> None:
        """Have no block that was left without rows."""
        while self._emptied:
            block = self._emptied.pop()
            if not block.count and block in self._blocks:
                self._packed -= len(block.run)
                self._blocks.remove(block)
                self._whereabouts.gone(block)
                self._ends = None

    def slice(self, start: int, stop: int, descending: bool) -> list[str]:
        total = len(self)
        if descending:
            start, stop = max(0, total - stop), max(0, total - start)
        stop = min(stop, total)
        ends, found = self._counted(), list[str]()
        place = bisect_right(ends, start)
        while start + len(found) < stop:
            block = self._blocks[place]
            before = ends[place] - block.count
            found += self._packing.unpack(block.run, max(0, start - before), min(block.count, stop - before))
            place += 1
        return found[::-1] if descending else found

    def _put(self, place: int, low: _Row, ids: Sequence[str]) -> None:
        block = self._whereabouts.new(_encode(low), self._packing.pack(ids), ids, known=self._known)
        self._blocks.insert(place, block)
        self._packed += len(block.run)
        self._ends = None

    def _have(self, block: _Block, run: bytes, count: int) -> None:
        self._packed += len(run) - len(block.run)
        block.run, block.count = run, count
        self._ends = None

    def _counted(self) -> list[int]:
        if self._ends is None:
            self._ends = list(accumulate(block.count for block in self._blocks))
        return self._ends
