"""Standing: who says, for all copies of the program to see, that the cache may be outdated, and which Redis it is."""

from __future__ import annotations

from typing import Final

from pymongo.errors import DuplicateKeyError

from core.stores.base import Standing
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import literal

_CACHE: Final = "note:cache"


async def standing(at: MongoConnection) -> Standing:
    """How many suspensions there are. How many changes are pending a change stream does not tell."""
    alive = {"$expr": {"$gt": ["$until", "$$NOW"]}}
    suspended = len(await at.suspensions.find(alive, {"_id": 1}).to_list())
    cache = await at.notes.find_one({"_id": {"$eq": _CACHE}})
    return Standing(suspended=suspended, cache=None if cache is None else str(cache["text"]))


async def name_cache(at: MongoConnection, before: str | None, after: str) -> bool:
    """Replace the note of which Redis is the cache, where it still says what it said before."""
    if before is not None:
        said = {"_id": {"$eq": _CACHE}, "text": {"$eq": before}}
        return (await at.notes.update_one(said, {"$set": {"text": after}})).matched_count == 1
    try:
        await at.notes.insert_one({"_id": _CACHE, "text": after})
    except DuplicateKeyError:
        return False
    return True


async def suspend(at: MongoConnection, holder: str, seconds: float) -> None:
    """Keep the holder's suspension for these seconds of the server's clock."""
    until = {"$add": ["$$NOW", literal(round(seconds * 1_000))]}
    await at.suspensions.update_one({"_id": {"$eq": holder}}, [{"$set": {"until": until}}], upsert=True)


async def resume(at: MongoConnection, holder: str) -> None:
    """Take the holder's suspension back."""
    await at.suspensions.delete_one({"_id": {"$eq": holder}})
