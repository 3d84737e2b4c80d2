"""When the indexes of the movies are made: not document by document while an empty collection is filled."""

from __future__ import annotations

from typing import Final

from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_queries import INDEX_PREFIX, indexes

_SMALL: Final = 10_000
"""Documents up to which a collection counts as empty: their indexes are made anew in no time."""


async def small(at: MongoConnection) -> bool:
    """Whether next to nothing is in the collection."""
    return len(await at.movies.find({}, {"_id": 1}, limit=_SMALL).to_list()) < _SMALL


async def take_away(at: MongoConnection) -> bool:
    """Drop our indexes if next to nothing is in the collection; tells whether that was done."""
    if not await small(at):
        return False
    for name in await at.movies.index_information():
        if name.startswith(INDEX_PREFIX):
            await at.movies.drop_index(name)
    return True


async def make_missing(at: MongoConnection) -> None:
    """Make the indexes that are not there, in one pass; readers and writers go on meanwhile."""
    await at.movies.create_indexes(indexes())
