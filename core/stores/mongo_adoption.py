"""Adopting a foreign collection: our sub-document is added to each movie, and can be taken away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from core.stores.mongo_calls import Cancellation
from core.stores.mongo_documents import NAMEABLE, OURS, PROJECTION, Document, movie_of, stamped
from core.stores.mongo_queries import INDEX_PREFIX, LACKING

_BATCH: Final = 500


async def adopt_documents(
    movies: AsyncCollection[Document], cancellation: Cancellation, progress: Callable[[int, int], None] | None
) -> int:
    """Add the sub-document to every movie that lacks it; returns to how many. Cancelled, it can be taken up again.

    `progress` is told how many are done, of how many.
    """
    total = await movies.count_documents(LACKING)
    done = 0
    # By _id, so that what is written on the way is not met again.
    async with movies.find(LACKING, PROJECTION, batch_size=_BATCH).sort("_id").hint([("_id", 1)]) as cursor:
        while batch := await cursor.to_list(_BATCH):
            result = await movies.bulk_write([_adoption(document) for document in batch], ordered=False)
            done += result.modified_count
            if progress is not None:
                progress(min(done, total), total)
            cancellation.heed()
    return done


async def disown_documents(movies: AsyncCollection[Document], cancellation: Cancellation) -> int:
    """Take the sub-document and our indexes away; returns from how many documents."""
    done = 0
    ours: dict[str, Any] = {OURS: {"$exists": True}, **NAMEABLE}
    async with movies.find(ours, {"_id": 1}, batch_size=_BATCH).sort("_id").hint([("_id", 1)]) as cursor:
        while batch := await cursor.to_list(_BATCH):
            keys = [document["_id"] for document in batch]
            result = await movies.update_many({"_id": {"$in": keys}}, {"$unset": {OURS: ""}})
            done += result.modified_count
            cancellation.heed()
    for name in await movies.index_information():
        if name.startswith(INDEX_PREFIX):
            await movies.drop_index(name)
    return done


def _adoption(document: Document) -> UpdateOne:
    # Again under the condition: another process may have adopted or edited it meanwhile.
    lacking = {"_id": {"$eq": document["_id"]}, f"{OURS}.id": {"$exists": False}}
    return UpdateOne(lacking, [{"$set": {OURS: stamped(movie_of(document))}}])
