"""Windows of an answer in MongoDB: which ids stand in some of its rows, walked to from the nearer end."""

from __future__ import annotations

from typing import Final

from core.query import Query
from core.stores.base import Window
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import OURS, Document
from core.stores.mongo_first import MOST, first_rows
from core.stores.mongo_queries import BINARY, ID, OWNED, known_part, matching, order, unknown_part

_NEAR: Final = 10_000
"""Rows that are walked over sooner than all are counted."""

_By = list[tuple[str, int]]


async def window(at: MongoConnection, query: Query, offset: int, limit: int) -> Window:
    """The ids of one window of a query's answer, and how many movies the whole answer has."""
    if offset >= _NEAR and limit > 0:
        return await _deep_window(at, query, offset, limit)
    ids = await rows(at, query, offset, limit) if limit > 0 else ()
    # A window that ends the answer knows how long it is.
    complete = len(ids) < limit and (ids or offset == 0)
    return Window(ids=ids, total=offset + len(ids) if complete else await count(at, matching(query)))


async def rows(at: MongoConnection, query: Query, offset: int, limit: int) -> tuple[str, ...]:
    """The ids of one window, without counting how many movies there are where that can be done without."""
    if query.selective and offset + limit <= MOST:
        found = await first_rows(at, query, offset + limit)
        if found is not None:
            return found[offset:]
    known = await _part(at, known_part(query), order(query, known=True), offset, limit)
    rest = unknown_part(query)
    if len(known) == limit or rest is None:
        return known
    before = offset + len(known) if known or offset == 0 else await count(at, known_part(query))
    skip = max(0, offset - before)
    return known + await _part(at, rest, order(query, known=False), skip, limit - len(known))


async def count(at: MongoConnection, chosen: Document = OWNED) -> int:
    """How many movies a filter lets through."""
    return await at.movies.count_documents(chosen, collation=BINARY)


async def _deep_window(at: MongoConnection, query: Query, offset: int, limit: int) -> Window:
    """A window that is walked to from the nearer end of the known or the unknown part."""
    first, rest = known_part(query), unknown_part(query)
    known = total = await count(at, first)
    if rest is not None:
        total = await count(at, matching(query))
    ids = await _slice(at, first, order(query, known=True), known, offset, limit)
    if rest is not None and (lacking := limit - len(ids)):
        ids += await _slice(at, rest, order(query, known=False), total - known, max(0, offset - known), lacking)
    return Window(ids=ids, total=total)


async def _slice(at: MongoConnection, chosen: Document, by: _By, size: int, skip: int, limit: int) -> tuple[str, ...]:
    """Some of so many movies."""
    after = max(0, size - skip - limit)
    if skip >= size:
        return ()
    if skip <= after:
        return await _part(at, chosen, by, skip, limit)
    return (await _part(at, chosen, [(path, -way) for path, way in by], after, min(limit, size - skip)))[::-1]


async def _part(at: MongoConnection, chosen: Document, by: _By, skip: int, limit: int) -> tuple[str, ...]:
    cursor = at.movies.find(
        chosen,
        {"_id": 0, ID: 1},
        sort=by,
        skip=skip,
        limit=limit,
        batch_size=limit,
        collation=BINARY,
        allow_disk_use=True,
    )
    return tuple([document[OURS]["id"] async for document in cursor])
