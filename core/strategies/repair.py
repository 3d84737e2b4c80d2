"""What the cache was not told while it was away, and the telling of it before anybody trusts the cache again."""

from __future__ import annotations

from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.strategies.keys import COLLECTION

MOST_OWED = 10_000
"""Invalidations kept one by one; beyond that the whole namespace is flushed instead."""


class Repair:
    """The invalidations owed to one cache namespace, kept in memory: they die with the process (the store's own log of
    changes will outlive it)."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache
        self._owed: dict[Key, int] = {}
        self._everything = False

    def owe(self, key: Key, version: int) -> None:
        """The store holds this version of the key, and the cache may hold an older one."""
        if len(self._owed) >= MOST_OWED:
            self.owe_everything()
        self._owed[key] = max(version, self._owed.get(key, 0))
        self._cache.distrust("an invalidation was lost; the cache is read again once it was repeated")

    def owe_everything(self) -> None:
        """Any entry may be older than the store."""
        self._everything = True
        self._owed.clear()
        self._cache.distrust("what a load changed is still to be removed from the cache")

    async def pay(self) -> None:
        """Tell the cache everything it missed. Raises CacheUnavailable, with the rest still owed."""
        if self._everything:
            await self._cache.flush()
            self._everything = False
        while self._owed:
            key, version = next(iter(self._owed.items()))
            await self._cache.invalidate(key, version, force=key == COLLECTION)
            if self._owed.get(key) == version:
                del self._owed[key]
