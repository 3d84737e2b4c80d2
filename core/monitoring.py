"""Monitoring: what the program counted, what Redis says of itself, and whether it is believed, in one snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec

from core.binding import Binding
from core.boards.totals import Totals
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable
from core.observe.counters import Observer
from core.observe.stats import NearStats, RedisStats, Stats
from core.strategies.base import Strategy
from core.strategies.keys import COLLECTION


class Monitor:
    """What a look at Redis found last, beside what this copy and the others counted."""

    def __init__(self, cache: RedisCache, observer: Observer) -> None:
        self._cache = cache
        self._observer = observer
        self._totals = Totals(cache, observer.counted)
        self._redis: RedisStats | None = None
        self._generation: str | None = None
        self._doubt: str | None = None
        """Why the cache was not used at the last look, for the trace."""

    def stats(self, binding: Binding, strategy: Strategy, faults: tuple[str, ...]) -> Stats:
        """What was counted so far; `faults` are those that are switched on. Costs no round trip."""
        breaker, near, tracking = self._cache.breaker, self._cache.near, self._cache.tracking
        doubt = binding.trust.doubt()
        return self._observer.snapshot(
            at=time.monotonic(),
            store=binding.store.name,
            strategy=strategy.name,
            breaker=breaker.state,
            cache_problem=breaker.problem,
            doubt=doubt.reason if doubt else None,
            pending=binding.trust.standing.pending,
            generation=self._generation,
            breaker_opened=breaker.opened,
            breaker_entered=dict(breaker.entered),
            faults=faults,
            redis=self._redis if breaker.state == "closed" else None,
            shared=self._totals.stats,
            near=NearStats(
                on=tracking.wanted,
                problem=tracking.problem,
                entries=len(near),
                most_entries=near.most_entries,
                size=near.size,
                most_size=near.most_size,
                invalidated=near.invalidated,
                pushed=tracking.dropped,
                evicted=near.evicted,
                replaced=near.replaced,
                age=tracking.age,
            ),
        )

    async def look(self, binding: Binding, strategy: Strategy) -> None:
        """Ask Redis for its own figures, note whether it is used, and report."""
        doubt = binding.trust.doubt()
        reason = self._cache.breaker.problem or (doubt.reason if doubt else None)
        if reason != self._doubt:
            self._doubt = reason
            verdict = f"not used: {reason}" if reason else "used again"
            self._observer.trace("cache", "Redis", strategy.name, None, verdict, None, 0.0)
        with contextlib.suppress(CacheUnavailable):
            present = await binding.cache.get(COLLECTION)
            self._generation = present.payload.hex() if present is not None else None
            info = await self._cache.server()
            self._redis = RedisStats(**msgspec.structs.asdict(info))
        await self.report(binding)

    async def report(self, binding: Binding, *, running: bool = True) -> None:
        """Tell the other copies what was counted and viewed; `running` off says that this one ends."""
        await asyncio.gather(self._totals.report(running=running), binding.views.report())
