"""Counters: what each strategy did, counted in plain integers while it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from core.observe.histogram import LatencyHistogram
from core.observe.stats import (
    AUDIT_AGES,
    AuditStats,
    BreakerState,
    NearStats,
    RedisStats,
    RelayStats,
    SharedStats,
    Stats,
    Step,
    StrategyStats,
)
from core.observe.trace import KEPT, Trace
from core.query import Tier

_NEAR_OFF: Final = NearStats()
_ALONE: Final = SharedStats()
_TOGETHER: Final = 1000
"""Near hits that are counted together."""


class StrategyCounters:
    """The counts and latencies of one strategy since the start; mutable, for the engine alone."""

    __slots__ = (
        "bypass_latency",
        "bypasses",
        "conflicts",
        "errors",
        "fail_safe",
        "hit_latency",
        "hits",
        "miss_latency",
        "misses",
        "near_hits",
        "near_latency",
        "negatives",
        "saved",
        "stale",
        "store_reads",
        "write_latency",
        "writes",
    )

    def __init__(self) -> None:
        self.hits = self.near_hits = self.misses = self.bypasses = self.negatives = self.stale = self.fail_safe = 0
        self.errors = self.writes = self.conflicts = self.store_reads = self.saved = 0
        self.hit_latency = LatencyHistogram()
        self.near_latency = LatencyHistogram()
        self.miss_latency = LatencyHistogram()
        self.bypass_latency = LatencyHistogram()
        self.write_latency = LatencyHistogram()

    def snapshot(self) -> StrategyStats:
        """The counts as they are now."""
        return StrategyStats(
            hits=self.hits,
            near_hits=self.near_hits,
            misses=self.misses,
            bypasses=self.bypasses,
            negatives=self.negatives,
            stale=self.stale,
            fail_safe=self.fail_safe,
            errors=self.errors,
            writes=self.writes,
            conflicts=self.conflicts,
            store_reads=self.store_reads,
            saved=self.saved,
            hit_latency=self.hit_latency.snapshot(),
            near_latency=self.near_latency.snapshot(),
            miss_latency=self.miss_latency.snapshot(),
            bypass_latency=self.bypass_latency.snapshot(),
            write_latency=self.write_latency.snapshot(),
        )


class Observer:
    """Counts every operation of the engine. Each method is O(1), takes no lock and never raises for its numbers.

    `now` is the wall clock (Unix seconds) of the trace. A latency is counted once for each call, whatever `n` is:
    it is what somebody waited for.
    """

    def __init__(self, strategies: Iterable[str], now: Callable[[], float]) -> None:
        self._counters = {name: StrategyCounters() for name in strategies}
        self._refused: dict[str, int] = {}
        self._relayed = 0
        self._lag = LatencyHistogram()
        self._staleness = LatencyHistogram()
        self._looked = [0] * len(AUDIT_AGES)
        self._outdated = [0] * len(AUDIT_AGES)
        self._trace = Trace()
        self._now = now
        self._near_hits: list[tuple[str, str, int, float, float]] = []
        """Strategy, id, version, beginning and end of each that is not counted yet."""

    def hits(
        self,
        strategy: str,
        n: int,
        seconds: float,
        *,
        tier: Tier = "redis",
        negative: int = 0,
        stale: int = 0,
        fail_safe: int = 0,
    ) -> None:
        """`n` records came from a cache tier, of which `negative` were known absences, `stale` past their soft TTL, and
        `fail_safe` the last known state while the store was away."""
        if n <= 0:
            return
        counters = self._counters[strategy]
        counters.hits += n
        counters.negatives += negative
        counters.stale += stale
        counters.fail_safe += fail_safe
        if tier == "near":
            counters.near_hits += n
            counters.near_latency.record(seconds)
        else:
            counters.hit_latency.record(seconds)

    def near_hit(self, strategy: str, id: str, version: int, started: float, ended: float) -> None:
        """One movie came from this process's memory, and a query was spared the store: all that `hits`, `saved` and
        `trace` would note, when somebody looks or there are enough; by the monotonic clock."""
        self._near_hits.append((strategy, id, version, started, ended))
        if len(self._near_hits) >= _TOGETHER:
            self._count_near_hits()

    def _count_near_hits(self) -> None:
        if not self._near_hits:
            return
        near, self._near_hits = self._near_hits, []
        wall = self._now() - time.monotonic()
        for strategy in {strategy for strategy, *_ in near}:
            waited = [ended - started for one, _, _, started, ended in near if one == strategy]
            counters = self._counters[strategy]
            counters.hits += len(waited)
            counters.near_hits += len(waited)
            counters.saved += len(waited)
            counters.near_latency.record_all(waited)
        self._trace.add_hits(
            [
                (wall + ended, id, strategy, "near", version, ended - started)
                for strategy, id, version, started, ended in near[-KEPT:]
            ],
            len(near),
        )

    def hits_together(self, strategy: str, found: Sequence[tuple[str, int]], seconds: float) -> None:
        """These movies, each (id, version), came from Redis with one reply, each for a caller of its own who waited so
        long: all that `hits`, `saved` and `trace` would note of each."""
        self._count_near_hits()
        counters = self._counters[strategy]
        counters.hits += len(found)
        counters.saved += len(found)
        counters.hit_latency.record(seconds, len(found))
        at = self._now()
        self._trace.add_hits([(at, id, strategy, "redis", version, seconds) for id, version in found], len(found))

    def misses(self, strategy: str, n: int, seconds: float) -> None:
        """`n` records were looked for in the cache and read from the store; `seconds` covers both."""
        if n <= 0:
            return
        counters = self._counters[strategy]
        counters.misses += n
        counters.miss_latency.record(seconds)

    def bypass(self, strategy: str, n: int, seconds: float) -> None:
        """`n` records were read from the store without asking a cache."""
        if n <= 0:
            return
        counters = self._counters[strategy]
        counters.bypasses += n
        counters.bypass_latency.record(seconds)

    def write(self, strategy: str, seconds: float) -> None:
        """A write was committed and is visible to every reader."""
        counters = self._counters[strategy]
        counters.writes += 1
        counters.write_latency.record(seconds)

    def conflict(self, strategy: str) -> None:
        """A write met another version than its base and was refused."""
        self._counters[strategy].conflicts += 1

    def error(self, strategy: str) -> None:
        """An operation failed for a reason that is not its caller's."""
        self._counters[strategy].errors += 1

    def store_read(self, strategy: str, n: int = 1) -> None:
        """`n` read queries were sent to the store."""
        self._counters[strategy].store_reads += n

    def saved(self, strategy: str, n: int = 1) -> None:
        """`n` read queries were spared the store by hits."""
        self._counters[strategy].saved += n

    def refused(self, verdict: str) -> None:
        """The cache refused a fill or a finish that would have made it stale: a race prevented."""
        self._refused[verdict] = self._refused.get(verdict, 0) + 1

    def relayed(self, n: int, seconds: float) -> None:
        """`n` changes were carried from the store's log into the cache, the oldest `seconds` after its commit."""
        self._relayed += n
        self._lag.record(seconds)

    def superseded(self, seconds: float) -> None:
        """The relay removed an entry that had been outdated for so long."""
        self._staleness.record(seconds)

    def audited(self, age: float, looked: int, outdated: int) -> None:
        """So many writes were looked at when they were `age` seconds old; so many were outdated in the cache."""
        index = AUDIT_AGES.index(age)
        self._looked[index] += looked
        self._outdated[index] += outdated

    def trace(
        self,
        operation: str,
        key: str,
        strategy: str,
        tier: Tier | None,
        verdict: str,
        version: int | None,
        seconds: float,
        steps: tuple[Step, ...] = (),
    ) -> None:
        """Note one operation for the log."""
        self._count_near_hits()
        self._trace.add(self._now(), operation, key, strategy, tier, verdict, version, seconds, steps)

    def counted(self) -> dict[str, StrategyStats]:
        """What was counted so far, by strategy."""
        self._count_near_hits()
        return {name: counters.snapshot() for name, counters in self._counters.items()}

    def snapshot(
        self,
        *,
        at: float,
        store: str,
        strategy: str,
        breaker: BreakerState = "closed",
        cache_problem: str | None = None,
        doubt: str | None = None,
        pending: int | None = None,
        generation: str | None = None,
        breaker_opened: int = 0,
        redis: RedisStats | None = None,
        near: NearStats = _NEAR_OFF,
        shared: SharedStats = _ALONE,
        faults: tuple[str, ...] = (),
    ) -> Stats:
        """Everything counted so far, with what only the caller knows; `at` in monotonic seconds."""
        counted = self.counted()
        return Stats(
            at=at,
            store=store,
            strategy=strategy,
            strategies=counted,
            refused=dict(self._refused),
            breaker=breaker,
            cache_problem=cache_problem,
            doubt=doubt,
            relay=RelayStats(self._relayed, self._lag.snapshot(), self._staleness.snapshot(), pending),
            audit=AuditStats(tuple(self._looked), tuple(self._outdated)),
            generation=generation,
            breaker_opened=breaker_opened,
            near=near,
            shared=shared,
            faults=faults,
            redis=redis,
            trace=self._trace.snapshot(),
        )
