"""When the indexes of the movies are made: not document by document while an empty collection is filled."""

from __future__ import annotations

import asyncio
from typing import Final

from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_queries import INDEX_PREFIX, WORDS, indexes

_SMALL: Final = 10_000
"""Documents of which the indexes are made in no time."""


async def small(at: MongoConnection) -> bool:
    """Whether next to nothing is in the collection."""
    return await at.movies.count_documents({}, limit=_SMALL) < _SMALL


async def take_away(at: MongoConnection, most: int) -> bool:
    """Drop our indexes if no more than so many documents are in the collection; tells whether that was done."""
    if await at.movies.count_documents({}, limit=most + 1) > most:
        return False
    for name in await at.movies.index_information():
        if name.startswith(INDEX_PREFIX):
            await at.movies.drop_index(name)
    return True


async def make_missing(at: MongoConnection) -> None:
    """Make the indexes that are not there, and drop those of ours that nothing asks; readers and writers go on.

    That of the words, which has most of all entries, beside all others: the server gives each pass one core."""
    wanted = indexes()
    words = [index for index in wanted if index.document["name"] == WORDS]
    others = [index for index in wanted if index.document["name"] != WORDS]
    passes = [asyncio.create_task(at.movies.create_indexes(each)) for each in (words, others)]
    try:
        await asyncio.gather(*passes)
    finally:
        for each in passes:
            each.cancel()
        await asyncio.wait(passes)
    for name in await at.movies.index_information():
        if name.startswith(INDEX_PREFIX) and all(name != index.document["name"] for index in wanted):
            await at.movies.drop_index(name)  # an older program's
