"""When the indexes of the movies are made: not document by document while an empty collection is filled.

Whoever opens the store, follows its changes or ends a load makes what is missing, whatever goes on elsewhere; whoever
took the indexes away looks each second whether they are there again. So no process needs to know of another one's load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from pymongo.errors import OperationFailure

from core.errors import StoreUnavailable
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_queries import INDEX_PREFIX, LARGE, indexes

_SMALL: Final = 10_000
"""Documents of which the indexes are made in no time."""
_LOOK: Final = 1.0
"""Seconds between two looks whether indexes that were taken away are there again."""
_NOT_DROPPED: Final = (26, 27, 12_587)
"""It is gone already, it or another one is being made."""
_TAKEN_AWAY: Final = 276
"""How the making of an index ends that is dropped meanwhile."""


async def small(at: MongoConnection, most: int = _SMALL) -> bool:
    """Whether no more than so many documents are in the collection: next to nothing, where that is not said."""
    return await at.movies.count_documents({}, limit=most + 1) <= most


@asynccontextmanager
async def taken_away(at: MongoConnection) -> AsyncIterator[None]:
    """Within it our indexes are not there, whoever makes them; afterwards they are to be made."""
    with at.long_call():
        await _drop(at)
    dropping = asyncio.create_task(_drop_again(at))
    try:
        yield
    finally:
        dropping.cancel()
        await asyncio.wait([dropping])


async def _drop_again(at: MongoConnection) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        with suppress(StoreUnavailable), at.long_call():
            await _drop(at)


async def _drop(at: MongoConnection) -> None:
    """Drop our indexes, also those that are being made."""
    names = [name for name in await at.movies.index_information() if name.startswith(INDEX_PREFIX)]
    # Of one that is being made, all must be named that are made by the same command.
    for each in (*names, [name for name in names if name not in LARGE], names) if names else ():
        try:
            await at.database.command("dropIndexes", at.movies.name, index=each)
        except OperationFailure as problem:
            if problem.code not in _NOT_DROPPED:
                raise


async def made(at: MongoConnection) -> bool:
    """Whether our indexes are there or are being made, as they are to be, and none of ours that nothing asks."""
    there = {
        name: told for name, told in (await at.movies.index_information()).items() if name.startswith(INDEX_PREFIX)
    }
    wanted = {index.document["name"]: index.document for index in indexes()}
    return there.keys() == wanted.keys() and all(
        there[name]["key"] == list(index["key"].items())
        and there[name].get("partialFilterExpression") == index.get("partialFilterExpression")
        for name, index in wanted.items()
    )


async def make_missing(at: MongoConnection) -> bool:
    """Make the indexes that are not there, and drop those of ours that nothing asks; readers and writers go on. False
    where a load took them away meanwhile, at the end of which they are made.

    Those of the words, which have most of all entries, beside all others: the server gives each pass one core."""
    wanted = indexes()
    large = [[index] for index in wanted if index.document["name"] in LARGE]
    others = [index for index in wanted if index.document["name"] not in LARGE]
    # None is called off because another one failed: a driver that is cancelled while it looks for a server that went
    # away may wait for ever afterwards.
    for ended in await asyncio.gather(
        *(at.movies.create_indexes(each) for each in (*large, others)), return_exceptions=True
    ):
        if isinstance(ended, OperationFailure) and ended.code == _TAKEN_AWAY:
            return False
        if isinstance(ended, BaseException):
            raise ended
    for name in await at.movies.index_information():
        if name.startswith(INDEX_PREFIX) and all(name != index.document["name"] for index in wanted):
            await at.movies.drop_index(name)  # an older program's
    return True
