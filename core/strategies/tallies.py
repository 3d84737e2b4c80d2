"""Tallies: the histograms that people look at, kept in this process, so that an edit does not have all counted anew.

Before each answer the journal is asked what changed since, and the store for the values of those movies alone. A write
is acknowledged only after it was noted there, so no answer is older than that. Where the journal cannot tell what
changed, or tells of too much, the tally is forgotten: the store counts, and another one is made behind that.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from core.cache.background import Background
from core.cache.journal import Place
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.query import Query, ValueCount
from core.stores.base import Store
from core.strategies.tally import Tally

FIELDS: Final = ("genres", "year")
"""The fields that have few enough values for most movies to share theirs."""
LEAST: Final = 1_000
"""Values counted from which on a histogram is worth being kept: a store counts fewer in no time."""
LOOKS: Final = 3
"""Looks at the histogram of a filter after which it is kept: it may be one letter of a word."""
_MOST_LOOKED_AT: Final = 64
MOST_BYTES: Final = 10_000_000
"""Memory that all of them may take."""
MOST_MOVED: Final = 64
"""Changes that are carried in one by one; beyond that all is counted anew."""
REST: Final = 4.0
"""How many times as long as making a tally took none is made after it was lost: a load would have it made again after
each of its batches."""

_Asked = tuple[Query, str]


class _Kept:
    """A tally, and the place in the journal up to which it is right."""

    def __init__(self, asked: _Asked, place: Place) -> None:
        self.asked = asked
        self.tally = Tally()
        self.place = place
        self.took = 0.0
        self.turn = asyncio.Lock()


class Tallies:
    """The histograms of one store's movies. Making one fails silently: the store counts then, as it did before."""

    def __init__(self, store: Store, cache: RedisCache, background: Background) -> None:
        self._store = store
        self._cache = cache
        self._background = background
        self._kept: OrderedDict[_Asked, _Kept] = OrderedDict()
        self._too_large: set[_Asked] = set()
        self._looks: OrderedDict[_Asked, int] = OrderedDict()
        self._resting = 0.0
        self._making = asyncio.Lock()
        self.making: set[_Asked] = set()
        """What is under way, one after the other."""

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...] | None:
        """The counts as they are now; None where no tally has them. To be asked while the cache is believed.

        Raises CacheUnavailable, StoreUnavailable."""
        kept = self._kept.get((query, field))
        if kept is None:
            return None
        self._kept.move_to_end(kept.asked)
        async with kept.turn:
            if self._kept.get(kept.asked) is not kept:
                return None
            if not await self._brought_up(kept):
                del self._kept[kept.asked]
                self._rest(kept)
                return None
            return kept.tally.counts()

    def want(self, query: Query, field: str, counted: Sequence[ValueCount] | None) -> None:
        """These counts were had from elsewhere: have them kept if that is worth it. None: they could not be had, which
        a store that needs too long for them says, too; to walk through it has all the time it needs."""
        asked = (query, field)
        looks = self._looks.pop(asked, 0) + 1
        self._looks[asked] = looks
        if len(self._looks) > _MOST_LOOKED_AT:
            self._looks.popitem(last=False)
        few = counted is not None and sum(value.count for value in counted) < LEAST
        if field not in FIELDS or few or (query.selective and looks < LOOKS):
            return
        if asked in self.making or asked in self._kept or asked in self._too_large or time.monotonic() < self._resting:
            return
        self.making.add(asked)
        self._background.start(self._make(asked))

    async def _make(self, asked: _Asked) -> None:
        try:
            async with self._making:
                started = time.perf_counter()
                kept = _Kept(asked, await self._cache.journal_end())
                async with aclosing(self._store.values(*asked)) as parts:
                    async for part in parts:
                        kept.tally.append(part)
                        if kept.tally.size > MOST_BYTES:
                            self._too_large.add(asked)
                            return
                        await asyncio.sleep(0)
                kept.took = time.perf_counter() - started
                if not await self._brought_up(kept):
                    self._rest(kept)
                    return
            self._kept[asked] = kept
            while sum(other.tally.size for other in self._kept.values()) > MOST_BYTES:
                self._kept.popitem(last=False)
        except (CacheUnavailable, StoreUnavailable):
            return
        finally:
            self.making.discard(asked)

    async def _brought_up(self, kept: _Kept) -> bool:
        """Carry in what changed since; False where that cannot be told, or is too much."""
        changes = await self._cache.changed_since(kept.place)
        if changes is None or len(changes.ids) > MOST_MOVED:
            return False
        if changes.ids:
            # Read after they were noted, and noted after they were committed.
            kept.tally.replace(changes.ids, await self._store.values_of(*kept.asked, changes.ids))
        kept.place = changes.place
        return True

    def _rest(self, kept: _Kept) -> None:
        self._resting = time.monotonic() + REST * kept.took
