"""Orders: the sorted answers to the filters that people look at, kept in this process and kept right by the journal.

A store finds the rows at some depth by walking there, and the exact length of an answer by counting it. What was walked
and counted once is remembered here, until too much else is looked at. Before each window the journal is asked what
changed since: a write is acknowledged only after it was noted there, so no window is older than that.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import aclosing
from typing import Final

import msgspec

from core.cache.background import Background
from core.cache.journal import Place
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.query import Query
from core.stores.base import Store, Window
from core.strategies.order import Order

LEAST: Final = 1_000
"""Rows of an answer from which on it is worth being kept: a store walks through fewer in no time."""
LOOKS: Final = 3
"""Windows of a filtered answer after which its order is made, where none was asked from deep inside."""
_MOST_LOOKED_AT: Final = 64
MOST_BYTES: Final = 40_000_000
"""Memory that all of them may take."""
MOST_MOVED: Final = 64
"""Changes that are carried in one by one; beyond that the order is made anew."""
REST: Final = 4.0
"""How many times as long as making an order took nothing is made after it was lost: a load would have all made again
after each of its batches."""


class Making(msgspec.Struct, frozen=True):
    """An order that is being made: of which query, and how many of how many rows it has."""

    query: Query
    rows: int
    of: int


class _Kept:
    """An order, and the place in the journal up to which it is right."""

    def __init__(self, query: Query, place: Place) -> None:
        self.query = query
        self.order = Order()
        self.place = place
        self.took = 0.0
        self.turn = asyncio.Lock()


class Orders:
    """The orders of one store's movies. Making them fails silently: the store answers then, as it did before."""

    def __init__(self, store: Store, cache: RedisCache, background: Background) -> None:
        self._store = store
        self._cache = cache
        self._background = background
        self._kept: OrderedDict[Query, _Kept] = OrderedDict()
        self._too_large: set[Query] = set()
        self._looks: OrderedDict[Query, int] = OrderedDict()
        self._resting = 0.0
        self.making: Making | None = None
        """What is under way."""

    async def window(self, query: Query, offset: int, limit: int) -> Window | None:
        """A window as it is now; None where no order has it. To be asked while the cache is believed.

        Raises CacheUnavailable, StoreUnavailable."""
        kept = self._kept.get(_both_ways(query))
        if kept is None:
            return None
        self._kept.move_to_end(_both_ways(query))
        async with kept.turn:
            if self._kept.get(kept.query) is not kept:
                return None
            if not await self._brought_up(kept):
                self._lose(kept)
                return None
            return kept.order.window(offset, limit, descending=query.descending)

    def want(self, query: Query, offset: int, total: int) -> None:
        """A window of this query, which has so many rows, was had from elsewhere: make its order if it is worth it and
        nothing else is being made. A filter is looked at more than once before: it may be one letter of a word."""
        asked = _both_ways(query)
        looks = self._looks.pop(asked, 0) + 1
        self._looks[asked] = looks
        if len(self._looks) > _MOST_LOOKED_AT:
            self._looks.popitem(last=False)
        if query.selective and looks < LOOKS and offset < LEAST:
            return
        if total < LEAST or self.making is not None or asked in self._kept or asked in self._too_large:
            return
        if time.monotonic() < self._resting:
            return
        self.making = Making(query, 0, total)
        self._background.start(self._make(asked, total))

    async def _make(self, query: Query, total: int) -> None:
        started = time.perf_counter()
        try:
            kept = _Kept(query, await self._cache.journal_end())
            async with aclosing(self._store.order(query)) as parts:
                async for part in parts:
                    kept.order.append(part)
                    self.making = Making(query, len(kept.order), total)
                    if kept.order.size > MOST_BYTES:
                        self._too_large.add(query)
                        return
                    await asyncio.sleep(0)
            kept.took = time.perf_counter() - started
            if not await self._brought_up(kept):
                self._rest(kept)
                return
            self._kept[query] = kept
            while sum(other.order.size for other in self._kept.values()) > MOST_BYTES:
                self._kept.popitem(last=False)
        except (CacheUnavailable, StoreUnavailable):
            return
        finally:
            self.making = None

    async def _brought_up(self, kept: _Kept) -> bool:
        """Carry in what changed since; False where that cannot be told, or is too much."""
        changes = await self._cache.changed_since(kept.place)
        if changes is None or len(changes.ids) > MOST_MOVED:
            return False
        if changes.ids:
            # Read after they were noted, and noted after they were committed.
            kept.order.replace(changes.ids, await self._store.keys(kept.query, changes.ids))
        kept.place = changes.place
        return True

    def _lose(self, kept: _Kept) -> None:
        self._kept.pop(kept.query, None)
        self._rest(kept)

    def _rest(self, kept: _Kept) -> None:
        self._resting = time.monotonic() + REST * kept.took


def _both_ways(query: Query) -> Query:
    return msgspec.structs.replace(query, descending=False) if query.descending else query
