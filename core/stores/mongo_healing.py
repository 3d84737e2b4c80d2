"""Healing: what others wrote into a movie's document gets our sub-document anew, with a version of its own.

Without it their edit would leave the version, so that nobody could tell a conflict, and the old words to search by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from bson import Int64
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import (
    NAMEABLE,
    OURS,
    SEALED,
    Document,
    id_of,
    intact,
    literal,
    movie_of,
    ours_of,
    version_of,
)
from core.stores.mongo_removals import first_versions

_BATCH: Final = 500


async def heal(at: MongoConnection, keys: Sequence[Any]) -> dict[str, int]:
    """Make our sub-documents of these documents fit what they hold; returns the present versions by movie id.

    A newer write of ours is never overwritten. What the collection's own rules refuse stays as it is.
    """
    tried: dict[str, object] = {}
    while True:
        documents = await at.movies.find({"_id": {"$in": list(keys)}}, SEALED).to_list()
        broken = [
            document
            for document in documents
            if not intact(document) and tried.get(id_of(document["_id"]), ...) != _raw_version(document)
        ]
        if not broken:
            return {id_of(document["_id"]): version_of(document) for document in documents}
        tried |= {id_of(document["_id"]): _raw_version(document) for document in broken}
        least = await first_versions(at, [id_of(document["_id"]) for document in broken])
        try:
            await at.movies.bulk_write(
                [_healing(document, least[id_of(document["_id"])]) for document in broken], ordered=False
            )
        except BulkWriteError as problem:
            if not problem.details.get("writeErrors"):
                raise


async def heal_all(at: MongoConnection) -> None:
    """The same for the whole collection, after changes by others that nobody saw; what comes later is not asked for.

    Downwards: a load that goes on mostly adds at the upper end, and is not to be followed."""
    async with at.movies.find(NAMEABLE, SEALED, batch_size=_BATCH).sort("_id", -1).hint([("_id", 1)]) as cursor:
        while batch := await cursor.to_list(_BATCH):
            broken = await asyncio.to_thread(_broken, batch)
            if broken:
                await heal(at, broken)


def _broken(documents: Sequence[Document]) -> list[Any]:
    return [document["_id"] for document in documents if not intact(document)]


def _healing(document: Document, least: int) -> UpdateOne:
    movie = movie_of(document)
    version = Int64(max(least, movie.version + 1))
    # Equal to None is what is missing, too.
    chosen = {"_id": {"$eq": document["_id"]}, f"{OURS}.version": {"$eq": _raw_version(document)}}
    # By a pipeline, which logs what differs: that the version does marks it as ours.
    return UpdateOne(chosen, [{"$set": {OURS: literal({**ours_of(movie), "version": version})}}])


def _raw_version(document: Document) -> object:
    ours = document.get(OURS)
    return ours.get("version") if isinstance(ours, dict) else None
