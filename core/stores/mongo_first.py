"""The first rows of a filtered answer in MongoDB: found by the way that is short, whichever the planner would try.

A document that is looked at costs as much as some thirty keys of an index, so that three ways are told apart. Where
many movies pass the filter, the documents of the first keys of the sort's index are looked at. Where few pass one of
its clauses, theirs are, and sorted. Between these two indexes are joined, with no document looked at: a clause's gives
the record ids of those who pass it, and the sort's is walked along until enough of them were met. By title, the sort's
index tells by the beginnings of words who need not be looked at: it is walked along while few are sought beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from core.query import Query
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
    begun,
    clauses,
    keys_of,
    known_part,
    matching,
    order,
    sort_index,
    unknown_part,
    walked,
)
from core.stores.mongo_sample import Sample
from core.stores.mongo_titles import along_titles, first_by_title

MOST: Final = 1_000
"""The longest beginning of an answer that is found so."""
_GLANCE: Final = 400
"""Keys of the sort's index whose documents are looked at before anything is known."""
_FEW: Final = 1_000
"""Documents that are looked at and sorted sooner than an index is walked along for them."""
_MANY: Final = 30_000
"""Those who pass a clause are told apart up to so many; where more do, documents are met sooner along the sort."""
_KEYS: Final = 30
"""Keys that cost as much as one document."""
_PATIENCE: Final = 1.5
"""Seconds of a walk from document to document, before all who pass a clause are told apart after all."""
_FETCHED: Final = 3_000
"""Keys that come at once."""
_T = TypeVar("_T")
_U = TypeVar("_U")
Records = frozenset[Any]


async def first_rows(at: MongoConnection, sample: Sample, query: Query, limit: int) -> tuple[str, ...] | None:
    """The ids of the first rows, at most MOST, of an answer that filters; None where no index tells who passes."""
    if not clauses(query):
        return None
    try:
        return await _first(at, sample, query, limit)
    except OperationFailure as problem:
        if problem.code not in NO_SUCH_INDEX:
            raise
    # That of the words is made last, and without it the titles' still tells of most who need not be looked at.
    if begun(query) is None:
        return None
    try:
        return await along_titles(at, query, limit, at.timeout)
    except OperationFailure as problem:
        if problem.code not in NO_SUCH_INDEX:
            raise
        return None


async def _first(at: MongoConnection, sample: Sample, query: Query, limit: int) -> tuple[str, ...]:
    if begun(query) is not None and (found := await first_by_title(at, sample, query, limit)) is not None:
        return found
    glance, fewest = await _both(_glance(at, query, limit), _fewest(at, query, _FEW))
    if len(glance) == limit:
        return glance
    if fewest is None and limit * _GLANCE * _KEYS > len(glance) * _MANY:
        fewest = await _fewest(at, query, _MANY)
    if fewest is None:
        try:
            with pymongo.timeout(_PATIENCE):
                return await _looked_at(at, query, limit, known=sort_index(query.sort), unknown=IDS)
        except PyMongoError as problem:
            if not problem.timeout:
                raise
        fewest = await _fewest(at, query, None)
        assert fewest is not None
    index, records = fewest
    if len(records) > _FEW:
        within = None if len(records) > _MANY else _KEYS * len(records)
        joined = await _joined(at, query, limit, records, within)
        if joined is not None:
            return joined
    return await _looked_at(at, query, limit, known=index, unknown=index)


async def _glance(at: MongoConnection, query: Query, limit: int) -> tuple[str, ...]:
    """The first rows among the movies of the first keys of the sort, and of the first ids where no key is known."""
    seen, rest = walked(query), unknown_part(query)
    found = await _glanced(at, query, seen, known_part(query), limit, known=True)
    if rest is None or len(found) == limit:
        return found
    known = await at.movies.count_documents(seen, limit=_GLANCE, hint=sort_index(query.sort), collation=BINARY)
    if known == _GLANCE:
        return found
    return found + await _glanced(at, query, OWNED, rest, limit - len(found), known=False)


async def _glanced(
    at: MongoConnection, query: Query, seen: Document, chosen: Document, limit: int, *, known: bool
) -> tuple[str, ...]:
    stages: list[Document] = [
        {"$match": seen},
        {"$sort": dict(order(query, known=known))},
        {"$limit": _GLANCE},
        {"$match": chosen},
        {"$limit": limit},
        {"$project": {"_id": 0, ID: 1}},
    ]
    index = sort_index(query.sort) if known else IDS
    cursor = await at.movies.aggregate(stages, hint=index, collation=BINARY, batchSize=limit + 1)
    return tuple([document[OURS]["id"] for document in await cursor.to_list()])


async def _looked_at(at: MongoConnection, query: Query, limit: int, *, known: str, unknown: str) -> tuple[str, ...]:
    """The first rows, found document by document along these indexes."""
    found: tuple[str, ...] = ()
    for chosen, is_known, index in ((known_part(query), True, known), (unknown_part(query), False, unknown)):
        if chosen is not None and (lacking := limit - len(found)):
            by = order(query, known=is_known)
            cursor = at.movies.find(chosen, {"_id": 0, ID: 1}, sort=by, limit=lacking, batch_size=lacking)
            cursor = cursor.hint(index).collation(BINARY).allow_disk_use(True)
            found += tuple([document[OURS]["id"] async for document in cursor])
    return found


async def _fewest(at: MongoConnection, query: Query, most: int | None) -> tuple[str, Records] | None:
    """The clause that fewest movies pass, as its index and their record ids; None where more than `most` pass each."""
    least: tuple[str, Records] | None = None
    for index, clause in clauses(query):
        enough = 0 if most is None else most + 1
        cursor = at.movies.find(clause, NO_FIELD, show_record_id=True, limit=enough, batch_size=_FETCHED)
        passing = frozenset([key[RECORD] async for key in cursor.hint(index).collation(BINARY)])
        if not enough or len(passing) < enough:
            least, most = (index, passing), len(passing) - 1
            if most < _FEW:
                break
    return least


async def _joined(
    at: MongoConnection, query: Query, limit: int, records: Records, within: int | None
) -> tuple[str, ...] | None:
    """The first rows among these records, met along the sort; None where they are not met within so many keys."""
    left, met, keys = set(records), list[str](), 0
    async with aclosing(_along(at, query)) as walk:
        async for part in walk:
            keys += len(part)
            found = [key for key in part if key[RECORD] in left]
            left.difference_update([key[RECORD] for key in found])
            ids = [key[OURS]["id"] for key in found]
            while ids and len(met) < limit:
                met += await _passing(at, query, ids[:limit])
                del ids[:limit]
            if len(met) >= limit or not left:
                return tuple(met[:limit])
            if within is not None and keys > within:
                return None
    return tuple(met)


async def _along(at: MongoConnection, query: Query) -> AsyncGenerator[Sequence[Document]]:
    """The ids and record ids along the sort: of all whose key is known, then of all there are."""
    parts = [(walked(query), True, sort_index(query.sort))]
    if unknown_part(query) is not None:
        parts.append((OWNED, False, IDS))
    for chosen, known, index in parts:
        by = order(query, known=known)
        cursor = at.movies.find(chosen, {"_id": 0, ID: 1}, sort=by, show_record_id=True, batch_size=_FETCHED)
        async with cursor.hint(index).collation(BINARY) as keys:
            while part := await keys.to_list(_FETCHED):
                yield part


async def _passing(at: MongoConnection, query: Query, ids: Sequence[str]) -> list[str]:
    """Those among these movies that pass the whole filter, in their order."""
    chosen: Document = {"$and": [{"_id": {"$in": keys_of(ids)}}, matching(query)]}
    cursor = at.movies.find(chosen, {"_id": 0, ID: 1}, batch_size=len(ids) + 1).hint("_id_").collation(BINARY)
    passing = {document[OURS]["id"] async for document in cursor}
    return [id for id in ids if id in passing]


async def _both(one: Coroutine[Any, Any, _T], other: Coroutine[Any, Any, _U]) -> tuple[_T, _U]:
    """The results of two calls at once; where one fails, the other is given up."""
    tasks = (asyncio.create_task(one), asyncio.create_task(other))
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
