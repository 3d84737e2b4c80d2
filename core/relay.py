"""Relay: carries the store's own log of changes into the cache.

It heals what no writer could: a writer that died between its commit and the end of its announcement, one that could
not reach Redis, and edits made behind the program's back. Every copy of the program runs one; each change reaches at
least one of them (the transactional outbox: Richardson, Microservices Patterns, 2018; log tailing: McSqueal in Nishtala
et al., Scaling Memcache at Facebook, NSDI 2013).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from core.audit import Auditor
from core.cache.redis import Outdated, RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.observe.counters import Observer
from core.stores.base import THEATERS, Changed, Store
from core.strategies.keys import COLLECTION, THEATERS_KEY, movie_key
from core.trust import Trust

MOST_ONE_BY_ONE: Final = 500
"""Changes of one batch that are invalidated one by one; beyond that flushing everything is cheaper."""
STORE_AWAY: Final = 0.5
"""Seconds until a store that was lost is asked again."""
CACHE_AWAY: Final = 0.05
"""Seconds until a change that Redis did not take is tried again."""


class Relay:
    """Follows one store and tells its namespace of the cache, as long as its Redis is the cache for all copies: each
    change comes once, to one of them. `carried` is told after each batch."""

    def __init__(
        self,
        store: Store,
        cache: RedisCache,
        trust: Trust,
        observer: Observer,
        auditor: Auditor,
        carried: Callable[[], None],
    ) -> None:
        self._store = store
        self._cache = cache
        self._trust = trust
        self._observer = observer
        self._auditor = auditor
        self._carried = carried

    async def run(self) -> None:
        """Follow the store, through outages of either side, until cancelled."""
        while True:
            await self._trust.agreed()
            try:
                await self._store.follow(self._apply)
            except StoreUnavailable:
                await asyncio.sleep(STORE_AWAY)
            except CacheUnavailable:
                await asyncio.sleep(CACHE_AWAY)
                await self._cache.answering()

    async def _apply(self, changes: Sequence[Changed]) -> None:
        latest, under = coalesced(changes), self._trust.under()
        if any(change.id == THEATERS for change in latest):
            latest = [change for change in latest if change.id != THEATERS]
            await self._cache.forget(THEATERS_KEY)
        if any(not change.id for change in latest) or len(latest) > MOST_ONE_BY_ONE:
            await self._cache.flush(COLLECTION)
            self._observer.invalidated("epoch")
        else:
            await self._invalidate(latest)
        if under is None or self._trust.under() != under:
            raise CacheUnavailable("Redis", "another one may have become the cache.")
        self._carried()
        self._observer.relayed(len(changes), max(0.0, time.time() - changes[0].at))

    async def _invalidate(self, changes: Sequence[Changed]) -> None:
        if not changes:
            return
        keys = [movie_key(change.id) for change in changes]
        floors = await self._cache.floors(keys)
        # Our own writers tell the cache themselves; whoever raised the floor had dropped the generation before that.
        untold = [
            (key, change)
            for key, change, floor in zip(keys, changes, floors, strict=True)
            if change.forced or floor < change.version
        ]
        if not untold:
            return
        for _, change in untold:
            self._auditor.wrote(change.id)
        # The generation first: a relay that dies in between leaves the floors low, and the next one does both again.
        verdicts = await self._cache.invalidate_many(
            [(key, change.version, change.forced) for key, change in untold],
            outdated=Outdated(COLLECTION, [change.id for _, change in untold]),
        )
        self._observer.invalidated("cdc" if self._store.name == "mongodb" else "relay", len(untold))
        for (_, change), verdict in zip(untold, verdicts, strict=True):
            if verdict == "dropped":
                self._observer.superseded(max(0.0, time.time() - change.at))


def coalesced(changes: Sequence[Changed]) -> list[Changed]:
    """One change for each movie: its highest version, since when it was first outdated, forced if any was."""
    latest: dict[str, Changed] = {}
    for change in changes:
        known = latest.get(change.id)
        if known is None:
            latest[change.id] = change
        else:
            latest[change.id] = Changed(
                change.id, max(known.version, change.version), min(known.at, change.at), known.forced or change.forced
            )
    return list(latest.values())
