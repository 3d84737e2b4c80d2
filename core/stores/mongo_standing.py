"""Suspensions: who says, for all copies of the program to see, that the cache may be outdated."""

from __future__ import annotations

from core.stores.base import Standing
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import literal


async def standing(at: MongoConnection) -> Standing:
    """How many suspensions there are. How many changes are pending a change stream does not tell."""
    alive = {"$expr": {"$gt": ["$until", "$$NOW"]}}
    return Standing(suspended=len(await at.suspensions.find(alive, {"_id": 1}).to_list()))


async def suspend(at: MongoConnection, holder: str, seconds: float) -> None:
    """Keep the holder's suspension for these seconds of the server's clock."""
    until = {"$add": ["$$NOW", literal(round(seconds * 1_000))]}
    await at.suspensions.update_one({"_id": {"$eq": holder}}, [{"$set": {"until": until}}], upsert=True)


async def resume(at: MongoConnection, holder: str) -> None:
    """Take the holder's suspension back."""
    await at.suspensions.delete_one({"_id": {"$eq": holder}})
