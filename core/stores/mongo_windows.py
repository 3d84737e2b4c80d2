"""Windows of an answer in MongoDB: which ids stand in some of its rows, walked to from the nearer end."""

from __future__ import annotations

from typing import Final

from pymongo.errors import OperationFailure

from core.query import ANY_BEGINNING, Query
from core.stores.base import Window
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import OURS, Document
from core.stores.mongo_first import MOST, first_rows
from core.stores.mongo_queries import (
    BEGINNINGS,
    BINARY,
    ID,
    NO_SUCH_INDEX,
    OWNED,
    begun_anyhow,
    begun_so,
    known_part,
    matching,
    order,
    sort_index,
    told_by_beginnings,
    unknown_part,
)
from core.stores.mongo_sample import Sample

_NEAR: Final = 10_000
"""Rows that are walked over sooner than all are counted."""
_RARE: Final = 0.03
"""The share of all movies that is looked at sooner than the index of the titles is walked along as a whole."""

_By = list[tuple[str, int]]


async def window(at: MongoConnection, sample: Sample, query: Query, offset: int, limit: int) -> Window:
    """The ids of one window of a query's answer, and how many movies the whole answer has.

    What counts takes as long as it takes: of the commonest words that is more than a call's time limit."""
    if offset >= _NEAR and limit > 0:
        with at.long_call():
            return await _deep_window(at, sample, query, offset, limit)
    with at.call():
        ids = await rows(at, sample, query, offset, limit) if limit > 0 else ()
    # A window that ends the answer knows how long it is.
    if len(ids) < limit and (ids or offset == 0):
        return Window(ids=ids, total=offset + len(ids))
    with at.long_call():
        return Window(ids=ids, total=await length(at, sample, query))


async def rows(at: MongoConnection, sample: Sample, query: Query, offset: int, limit: int) -> tuple[str, ...]:
    """The ids of one window, without counting how many movies there are where that can be done without."""
    if query.selective and offset + limit <= MOST:
        found = await first_rows(at, sample, query, offset + limit)
        if found is not None:
            return found[offset:]
    known = await _part(at, known_part(query), order(query, known=True), offset, limit)
    rest = unknown_part(query)
    if len(known) == limit or rest is None:
        return known
    before = offset + len(known) if known or offset == 0 else await count(at, known_part(query))
    skip = max(0, offset - before)
    return known + await _part(at, rest, order(query, known=False), skip, limit - len(known))


async def length(at: MongoConnection, sample: Sample, query: Query) -> int:
    """How many movies a query's answer has.

    Of several short words that are all common the index of the titles tells it sooner than the movies of any one."""
    if told_by_beginnings(query) and len(query.words) > 1:
        drawn = await sample.drawn()
        if drawn.movies and all(drawn.share(word) > _RARE for word in query.words):
            try:
                return await _along_titles(at, query)
            except OperationFailure as problem:
                if problem.code not in NO_SUCH_INDEX:
                    raise
    return await count(at, matching(query))


async def count(at: MongoConnection, chosen: Document = OWNED) -> int:
    """How many movies a filter lets through."""
    return await at.movies.count_documents(chosen, collation=BINARY)


async def _along_titles(at: MongoConnection, query: Query) -> int:
    """How many movies have such beginnings of words, and how many pass of those that have too many to be kept."""
    crowded = {"$eq": [f"${BEGINNINGS}", ANY_BEGINNING]}
    stages: list[Document] = [{"$match": begun_so(query)}, {"$group": {"_id": crowded, "count": {"$sum": 1}}}]
    index = sort_index("title")
    cursor = await at.movies.aggregate(stages, hint=index, collation=BINARY)
    found = {group["_id"]: int(group["count"]) for group in await cursor.to_list()}
    passing = found.get(False, 0)
    if True in found:
        passing += await at.movies.count_documents(begun_anyhow(query), hint=index, collation=BINARY)
    return passing


async def _deep_window(at: MongoConnection, sample: Sample, query: Query, offset: int, limit: int) -> Window:
    """A window that is walked to from the nearer end of the known or the unknown part."""
    first, rest = known_part(query), unknown_part(query)
    if rest is None:
        known = total = await length(at, sample, query)
    else:
        known, total = await count(at, first), await length(at, sample, query)
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
