"""Tombstones: the versions of removed movies, which whatever takes their id again must exceed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bson import Int64
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from core.stores.mongo_connection import TOMBSTONES, MongoConnection
from core.stores.mongo_documents import OURS, Document, next_version
from core.stores.mongo_errors import outcome_unknown
from core.stores.mongo_queries import still

_EVERY_ID: Final = ""
"""The tombstone that stands for all ids: no movie's id is empty."""


async def bury(at: MongoConnection, id: str, version: int) -> int:
    """Note that the movie is about to be removed at this version; returns the version of the removal."""
    tombstone = await at.tombstones.find_one_and_update(
        {"_id": {"$eq": id}},
        [{"$set": {"version": next_version("$version", version), "at": "$$NOW"}}],
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return int((tombstone or {})["version"])


async def bury_all(at: MongoConnection) -> None:
    """Note that all movies are about to be removed."""
    highest = [{"$group": {"_id": None, "version": {"$max": f"${OURS}.version"}}}]
    found = await (await at.movies.aggregate(highest)).to_list()
    raised = next_version("$version", found[0]["version"] if found else 0)
    await at.tombstones.update_one(
        {"_id": {"$eq": _EVERY_ID}}, [{"$set": {"version": raised, "at": "$$NOW"}}], upsert=True
    )


async def removals(at: MongoConnection, ids: Sequence[str]) -> dict[str, int]:
    """The versions of the last removals of these ids, as far as they are known."""
    if not ids:
        return {}
    return {found["_id"]: int(found["version"]) async for found in at.tombstones.find({"_id": {"$in": list(ids)}})}


async def last_removal(at: MongoConnection, id: str) -> int:
    """The version that whatever has this id now must exceed; 0 where nothing was ever removed."""
    return max((await removals(at, (id, _EVERY_ID))).values(), default=0)


async def first_versions(
    at: MongoConnection, ids: Sequence[str], session: AsyncClientSession | None = None
) -> dict[str, int]:
    """The version for each of these ids when inserted now: above its removal, and not behind the server's clock."""
    buried = {"_id": {"$in": [*ids, _EVERY_ID]}}
    stages: list[Document] = [
        {"$documents": [{"clock": next_version()["$max"][0]}]},
        {"$lookup": {"from": TOMBSTONES, "pipeline": [{"$match": buried}], "as": "buried"}},
    ]
    [answer] = await (await at.database.aggregate(stages, session=session)).to_list()
    floors: dict[str, int] = {tombstone["_id"]: int(tombstone["version"]) for tombstone in answer["buried"]}
    least = max(int(answer["clock"]), floors.pop(_EVERY_ID, 0) + 1)
    return {id: max(least, floors.get(id, 0) + 1) for id in ids}


async def above_removal(at: MongoConnection, id: str, version: int) -> int:
    """The version of a movie just inserted; raised where the id was inserted and removed since it was chosen.

    Whoever removes writes the tombstone first: the last one was there when the insert succeeded."""
    try:
        if await last_removal(at, id) < version:
            return version
        above = (await first_versions(at, (id,)))[id]
        raised = await at.movies.update_one(still(id, version), {"$set": {f"{OURS}.version": Int64(above)}})
    except PyMongoError as problem:
        raise outcome_unknown(at.address) from problem
    return above if raised.modified_count else version
