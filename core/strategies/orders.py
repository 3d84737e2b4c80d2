"""Orders: the sorted answers to the filters that people look at, kept in this process and kept right by two journals.

A store finds the rows at some depth by walking there, and the exact length of an answer by counting it. What was walked
and counted once is remembered here, until too much else is looked at. Before each window a journal is asked what
changed since: Redis' own while the cache is believed, as a write is acknowledged only after it was noted there; else
the store's, which tells what was committed. So no window is older than that, wherever Redis is.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Final

import msgspec

from core.cache.background import Background
from core.cache.journal import Place
from core.cache.redis import RedisCache
from core.errors import StoreUnavailable
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
MOST_MOVED: Final = 256
"""Changes that are carried in one by one; beyond that the order is made anew."""
_AT_ONCE: Final = 4
"""Changes that are carried in before others have their turn: each takes about a millisecond."""
REST: Final = 4.0
"""How many times as long as making an order took nothing is made after it was lost: a load would have all made again
after each of its batches."""


class Making(msgspec.Struct, frozen=True):
    """An order that is being made: of which query, and how many of how many rows it has."""

    query: Query
    rows: int
    of: int


class _Kept:
    """An order, and the places in both journals up to which it is right."""

    def __init__(self, query: Query, committed: bytes) -> None:
        self.query = query
        self.order = Order()
        self.noted: Place | None = None
        """In Redis; None until it is first asked."""
        self.committed = committed
        """In the store."""
        self.behind = 0
        """Changes that were carried in from Redis' journal since the store's was asked."""
        self.noted_at = self.committed_at = -1
        """When either journal was last begun to be asked, as `Orders` counts; the store's speaks for both."""
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
        self._moments = itertools.count()
        self.making: Making | None = None
        """What is under way."""

    async def window(self, query: Query, offset: int, limit: int) -> Window | None:
        """A window as it is now; None where no order has it. To be asked while the cache is believed.

        Raises CacheUnavailable, StoreUnavailable."""
        return await self._window(query, offset, limit, believed=True)

    async def asked(self, query: Query, offset: int, limit: int) -> Window:
        """A window as the store has it: where an order knows the rows, it is asked for what changed alone.

        Raises StoreUnavailable."""
        with suppress(StoreUnavailable):  # which may not tell what changed, and answer all the same
            window = await self._window(query, offset, limit, believed=False)
            if window is not None:
                return window
        return await self._store.window(query, offset, limit)

    async def _window(self, query: Query, offset: int, limit: int, *, believed: bool) -> Window | None:
        kept = self._kept.get(_both_ways(query))
        if kept is None:
            return None
        self._kept.move_to_end(kept.query)
        came = next(self._moments)
        async with kept.turn:
            if self._kept.get(kept.query) is not kept:
                return None
            # Who waited behind others has what they found, if they began to look after that.
            right_at = kept.noted_at if believed else kept.committed_at
            if right_at < came and not await self._brought_up(kept, believed=believed):
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
            kept = _Kept(query, (await self._store.changed_since(None)).place)
            async with aclosing(self._store.order(query)) as parts:
                async for part in parts:
                    kept.order.append(part)
                    self.making = Making(query, len(kept.order), total)
                    if kept.order.size > MOST_BYTES:
                        self._too_large.add(query)
                        return
                    await asyncio.sleep(0)
            kept.took = time.perf_counter() - started
            if not await self._brought_up(kept, believed=False):
                self._rest(kept)
                return
            self._kept[query] = kept
            while sum(other.order.size for other in self._kept.values()) > MOST_BYTES:
                self._kept.popitem(last=False)
        except StoreUnavailable:
            return
        finally:
            self.making = None

    async def _brought_up(self, kept: _Kept, *, believed: bool) -> bool:
        """Carry in what changed since; False where that cannot be told, or is too much."""
        moment = next(self._moments)
        noted = await self._cache.changed_since(kept.noted) if believed and kept.noted is not None else None
        if noted is not None and kept.behind + len(noted.ids) <= MOST_MOVED // 2:
            await self._carry_in(kept, noted.ids)
            kept.noted, kept.noted_at = noted.place, moment
            kept.behind += len(noted.ids)
        else:
            noted_up_to = await self._cache.journal_end() if believed else kept.noted
            committed = await self._store.changed_since(kept.committed)
            if committed.ids is None or len(committed.ids) > MOST_MOVED:
                return False
            await self._carry_in(kept, committed.ids)
            kept.noted, kept.committed, kept.behind = noted_up_to, committed.place, 0
            kept.noted_at = kept.committed_at = moment
        return True

    async def _carry_in(self, kept: _Kept, ids: Sequence[str]) -> None:
        if not ids:
            return
        # Read after they were noted, and noted after they were committed.
        keys = await self._store.keys(kept.query, ids)
        for start in range(0, len(ids), _AT_ONCE):
            kept.order.replace(ids[start : start + _AT_ONCE], keys)
            await asyncio.sleep(0)

    def _lose(self, kept: _Kept) -> None:
        self._kept.pop(kept.query, None)
        self._rest(kept)

    def _rest(self, kept: _Kept) -> None:
        self._resting = time.monotonic() + REST * kept.took


def _both_ways(query: Query) -> Query:
    return msgspec.structs.replace(query, descending=False) if query.descending else query
