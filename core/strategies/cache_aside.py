"""Cache-aside: the program keeps the cache beside the store.

Read: look in the cache; on a miss load from the store and fill the cache.
Write: change the store, then drop the entry; the next read pays for loading it again.
"""

from __future__ import annotations

from core.strategies.base import Change, Written
from core.strategies.caching import Caching


class CacheAside(Caching):
    """Reads fill the cache, writes only take away from it."""

    name = "cache-aside"

    async def write(self, change: Change) -> Written:
        """Commit to the store, drop the entry, answer."""
        async with self.intents.announce(change.id) as intent:
            written = await intent.commit(change)
            await intent.drop(written.version)
        return intent.traced(written)
