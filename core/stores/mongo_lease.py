"""The lease: of all processes that follow the changes one leads, and another soon after it is gone.

One document holds it, and the place in the stream of changes up to which they were applied: whoever lost the lease can
not set that back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from core.errors import StoreUnavailable
from core.stores.mongo_connection import RELAY, MongoConnection
from core.stores.mongo_documents import Document, literal

LEASE: Final = "lease"
"""The `_id` of the document."""
_LIFE: Final = 3.0
"""Seconds that a lease lasts. The server's clock judges the others, the holder's own judges itself, from an earlier
moment: so it stops before another can begin."""
_RENEWED: Final = 1.0
_LOOK: Final = 0.2
_NOBODY: Final = ""
_FREE_SINCE_EVER: Final = datetime(1970, 1, 1)
_BARRED: Final = timedelta(hours=1)


async def make_lease(at: MongoConnection) -> None:
    """Create the lease, held by nobody, where it is missing or was barred.

    The first leader begins with what happens from now on: nothing was cached of what was before."""
    holder = {"$ifNull": ["$holder", _NOBODY]}
    free = {"$cond": [{"$eq": [holder, _NOBODY]}, _FREE_SINCE_EVER, "$until"]}
    begin = {"origin": literal(await origin(at)), "after": {"startAtOperationTime": "$$CLUSTER_TIME"}}
    made = {"holder": holder, "until": free, "place": {"$ifNull": ["$place", begin]}}
    await at.relay.update_one({"_id": {"$eq": LEASE}}, [{"$set": made}], upsert=True)


async def origin(at: MongoConnection) -> bytes:
    """Whose places these are: one that was restored into another server means nothing there."""
    return await at.uuid(RELAY)


async def bar_leaders(at: MongoConnection) -> None:
    """See to it that nobody leads, and nobody will for an hour, or until `make_lease`."""
    before = await at.relay.find_one_and_update(
        {"_id": {"$eq": LEASE}},
        [{"$set": {"holder": _NOBODY, "until": {"$add": ["$$NOW", round(_BARRED.total_seconds() * 1_000)]}}}],
        projection={"holder": 1, "left": {"$subtract": ["$until", "$$NOW"]}},
    )
    if before is not None and before["holder"] != _NOBODY and before["left"] > 0:
        await asyncio.sleep(before["left"] / 1_000)


class Lease:
    """One process's hold on the lease."""

    def __init__(self, at: MongoConnection) -> None:
        self._at = at
        self._holder = secrets.token_hex(8)
        self._until = 0.0
        self._origin = b""

    async def take(self) -> bool:
        """Wait until the lease is ours; False where there is none in this collection (any more)."""
        while True:
            with self._at.call():
                seen = await self._at.relay.find_one({"_id": {"$eq": LEASE}}, {"free": {"$lt": ["$until", "$$NOW"]}})
                if seen is None:
                    return False
                if seen["free"] and await self._extend({"$expr": {"$lt": ["$until", "$$NOW"]}}):
                    return True
            await asyncio.sleep(_LOOK)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the lease while the body runs. Where it is lost the body is cancelled, and this ends without a word."""
        try:
            async with asyncio.timeout_at(self._until) as limit:
                renewing = asyncio.create_task(self._renew(limit))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.wait({renewing})
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            with suppress(StoreUnavailable), self._at.call(_RENEWED):
                await self._at.relay.update_one(self._ours(), {"$set": {"until": _FREE_SINCE_EVER}})

    async def place(self) -> Document | None:
        """Where to go on: an option of a change stream, or None where nobody knows."""
        found = await self._at.relay.find_one(self._ours(), {"place": 1})
        self._origin = await origin(self._at)
        place: Document = (found or {}).get("place") or {}
        return place.get("after") if place.get("origin") == self._origin else None

    async def keep_place(self, after: Document) -> None:
        """Keep the place reached, durably, unless the lease was lost."""
        place = {"origin": self._origin, "after": after}
        await self._at.relay.update_one(self._ours(), {"$set": {"place": place}})

    async def lose_place(self) -> None:
        """Have whoever leads next begin with all movies."""
        await self._at.relay.update_one({"_id": {"$eq": LEASE}}, {"$unset": {"place": ""}})

    async def _extend(self, condition: Document) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + _LIFE
        leased = {"holder": literal(self._holder), "until": {"$add": ["$$NOW", round(_LIFE * 1_000)]}}
        result = await self._at.relay.update_one({"_id": {"$eq": LEASE}, **condition}, [{"$set": leased}])
        if result.matched_count:
            self._until = until
        return bool(result.matched_count)

    async def _renew(self, limit: asyncio.Timeout) -> None:
        kept = True
        while kept:
            await asyncio.sleep(_RENEWED)
            with suppress(StoreUnavailable), self._at.call(_LIFE):
                kept = await self._extend({"holder": {"$eq": self._holder}})
                if not limit.expired():
                    limit.reschedule(self._until if kept else 0.0)

    def _ours(self) -> dict[str, Any]:
        return {"_id": {"$eq": LEASE}, "holder": {"$eq": self._holder}}
