"""Whole answers of MongoDB in order: every id with its sort key, read from indexes alone where many movies pass.

A document that is looked at costs as much as some thirty keys of an index, and half a million of them a minute. So the
record ids of those who pass each clause are noted, one bit each, and the sort's index is walked along for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

import msgspec
from pymongo.errors import OperationFailure

from core.query import Query
from core.stores.base import SortKey
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import OURS, Document
from core.stores.mongo_queries import (
    BINARY,
    ID,
    IDS,
    NO_FIELD,
    NO_SUCH_INDEX,
    OWNED,
    RECORD,
    clause_of,
    clauses,
    key_in,
    key_projection,
    known_part,
    order,
    sort_index,
    unknown_part,
    walked,
)

_FEW: Final = 20_000
"""Movies whose documents are looked at sooner than an index of all movies is walked along for them."""
_FETCHED: Final = 500
"""Rows that come at once: to read some more of them would keep others waiting for longer than a frame."""
_NOTED: Final = 3_000
"""Record ids likewise: they are all that comes."""
_PAGE: Final = 13
"""Bits of a record id within its page of one kilobyte."""

Rows = Sequence[tuple[str, SortKey]]


class Records:
    """A set of record ids: numbers that the server gave one after the other, so that a bit is enough for each."""

    def __init__(self) -> None:
        self._pages: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(1 << _PAGE >> 3))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, record: int) -> bool:
        page = self._pages.get(record >> _PAGE)
        return page is not None and bool(page[(record & 0x1FFF) >> 3] >> (record & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for number, page in self._pages.items():
            for place, byte in enumerate(page):
                for bit in range(8):
                    if byte >> bit & 1:
                        yield number << _PAGE | place << 3 | bit

    def update(self, records: Iterable[int]) -> None:
        """Take these in."""
        for record in records:
            page, place, bit = self._pages[record >> _PAGE], (record & 0x1FFF) >> 3, 1 << (record & 7)
            if not page[place] & bit:
                page[place] |= bit
                self._count += 1


async def whole_order(at: MongoConnection, query: Query) -> AsyncGenerator[Rows]:
    """Every movie of the query's answer as (id, key), ascending whatever its direction, the unknown ones last."""
    ascending = msgspec.structs.replace(query, descending=False)
    began = False
    try:
        passing = await _passing(at, ascending)
        if passing is not None and len(passing) >= _FEW:
            async with aclosing(_joined(at, ascending, passing)) as parts:
                async for rows in parts:
                    began = True
                    yield rows
            return
    except OperationFailure as problem:
        if began or problem.code not in NO_SUCH_INDEX:
            raise
    async with aclosing(_looked_at(at, ascending)) as parts:
        async for rows in parts:
            yield rows


async def _looked_at(at: MongoConnection, query: Query) -> AsyncGenerator[Rows]:
    """As the server finds them."""
    for chosen, known in ((known_part(query), True), (unknown_part(query), False)):
        if chosen is not None:
            async with aclosing(_read(at, query, chosen, known=known)) as parts:
                async for part in parts:
                    yield [key_in(document, query.sort) for document in part]


async def _joined(at: MongoConnection, query: Query, passing: Records) -> AsyncGenerator[Rows]:
    """Those of these records along the sort's index, and behind them those that were not met there, along the ids."""
    met = Records()
    async with aclosing(_read(at, query, walked(query), known=True, index=sort_index(query.sort))) as parts:
        async for part in parts:
            found = [document for document in part if document[RECORD] in passing]
            met.update(document[RECORD] for document in found)
            yield [key_in(document, query.sort) for document in found]
    if unknown_part(query) is None or len(met) == len(passing):
        return
    async with aclosing(_read(at, query, OWNED, known=False, index=IDS)) as parts:
        async for part in parts:
            left = [document for document in part if document[RECORD] in passing and document[RECORD] not in met]
            yield [(document[OURS]["id"], None) for document in left]


async def _read(
    at: MongoConnection, query: Query, chosen: Document, *, known: bool, index: str | None = None
) -> AsyncGenerator[Sequence[Document]]:
    """The ids and keys of those who pass, in order; along an index with their record ids, and no document is read."""
    wanted = key_projection(query.sort) if known or index is None else {"_id": 0, ID: 1}
    cursor = at.movies.find(
        chosen,
        wanted,
        sort=order(query, known=known),
        show_record_id=index is not None,
        hint=index,
        batch_size=_FETCHED,
        collation=BINARY,
        allow_disk_use=True,
    )
    async with cursor:
        while documents := await cursor.to_list(_FETCHED):
            yield documents


async def _passing(at: MongoConnection, query: Query) -> Records | None:
    """The records of those who pass all clauses that the sort's own index does not tell of; None where there are no
    such clauses, or the server's record ids are of another kind."""
    elsewhere = [clause for clause in clauses(query) if clause[0] != sort_index(query.sort)]
    try:
        found = await _all_of(at, elsewhere, None)
        for choice in query.choices:
            either = Records()
            for words in choice:
                either.update(await _all_of(at, map(clause_of, words), found) or ())
            found = either
    except _OtherRecords:
        return None
    return found


async def _all_of(
    at: MongoConnection, clauses: Iterable[tuple[str, Document]], among: Records | None
) -> Records | None:
    """The records of those who pass several, all or among some; `among` where there is no clause."""
    for index, clause in clauses:
        among = await _noted(at, index, clause, among)
    return among


async def _noted(at: MongoConnection, index: str, clause: Document, among: Records | None) -> Records:
    """The records of those who pass a clause, all or among some."""
    noted = Records()
    cursor = at.movies.find(clause, NO_FIELD, show_record_id=True, hint=index, batch_size=_NOTED, collation=BINARY)
    async with cursor:
        while keys := await cursor.to_list(_NOTED):
            records = [key[RECORD] for key in keys]
            if not isinstance(records[0], int):
                raise _OtherRecords
            noted.update(records if among is None else [record for record in records if record in among])
    return noted


class _OtherRecords(Exception):
    """The collection is clustered, so that its record ids are no numbers."""
