"""Write-through: what is written goes to the store and into the cache.

Read: look in the cache; on a miss load from the store and fill the cache.
Write: change the store and put the new state into the cache; the next read finds it there.
"""

from __future__ import annotations

from core.strategies.base import Change, Written
from core.strategies.caching import Caching
from core.strategies.codec import encode_movie


class WriteThrough(Caching):
    """Reads fill the cache, writes renew it."""

    name = "write-through"

    async def write(self, change: Change) -> Written:
        """Commit to the store, put the new state into the cache, answer."""
        async with self.intents.announce(change.id) as intent:
            written = await intent.commit(change)
            if written.movie is None:
                await intent.drop(written.version)
            else:
                await intent.put(written.version, encode_movie(written.movie))
        return intent.traced(written)
