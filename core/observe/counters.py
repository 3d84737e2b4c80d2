"""Counters: what the engine did, counted in plain integers while it happens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
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
from core.observe.strategy_counters import StrategyCounters
from core.observe.trace import KEPT, Hit, Trace
from core.query import Tier

_NEAR_OFF: Final = NearStats()
_ALONE: Final = SharedStats()
_TOGETHER: Final = 1000
"""Near hits that are counted together."""


class _Load:
    """One query to the store: counted by how it ends, when it does."""

    __slots__ = ("_counters", "_observer", "_started")

    def __init__(self, observer: Observer, counters: StrategyCounters) -> None:
        self._observer = observer
        self._counters = counters
        self._started = 0.0

    def __enter__(self) -> None:
        self._observer.in_flight += 1
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.in_flight -= 1
        counters = self._counters
        if kind is None:
            counters.store_reads += 1
            counters.load_latency.record(time.perf_counter() - self._started)
        elif issubclass(kind, asyncio.CancelledError):
            counters.cancelled_loads += 1
        else:
            counters.failed_loads += 1


class Observer:
    """Counts every operation of the engine. Each method is O(1), takes no lock and never raises for its numbers.

    `now` is the wall clock (Unix seconds) of the trace. A latency is counted once for each call, whatever `n` is:
    it is what somebody waited for.
    """

    def __init__(self, strategies: Iterable[str], now: Callable[[], float]) -> None:
        self._counters = {name: StrategyCounters() for name in strategies}
        self._fills: dict[str, int] = {}
        self._finishes: dict[str, int] = {}
        self._invalidations: dict[str, int] = {}
        self._lease_wait = LatencyHistogram()
        self.in_flight = 0
        """Queries to the store that are under way."""
        self._relayed = 0
        self._lag = LatencyHistogram()
        self._staleness = LatencyHistogram()
        self._looked = [0] * len(AUDIT_AGES)
        self._outdated = [0] * len(AUDIT_AGES)
        self._trace = Trace()
        self.now = now
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
        wall = self.now() - time.monotonic()
        for strategy in {strategy for strategy, *_ in near}:
            waited = [ended - started for one, _, _, started, ended in near if one == strategy]
            counters = self._counters[strategy]
            counters.hits += len(waited)
            counters.near_hits += len(waited)
            counters.saved += len(waited)
            counters.near_latency.record_all(waited)

        def hits() -> list[Hit]:
            return [
                (wall + ended, id, strategy, "near", version, ended - started)
                for strategy, id, version, started, ended in near[-KEPT:]
            ]

        self._trace.add_hits(len(near), hits)

    def hits_together(self, strategy: str, ids: Sequence[str], versions: Sequence[int], seconds: float) -> None:
        """These movies came from Redis with one reply, each for a caller of its own who waited so long: all that
        `hits`, `saved` and `trace` would note of each."""
        self._count_near_hits()
        n, at = len(ids), self.now()
        counters = self._counters[strategy]
        counters.hits += n
        counters.saved += n
        counters.hit_latency.record(seconds, n)

        def hits() -> list[Hit]:
            return [(at, id, strategy, "redis", version, seconds) for id, version in zip(ids, versions, strict=True)]

        self._trace.add_hits(n, hits)

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

    def error(self, strategy: str, *, write: bool = False) -> None:
        """An operation failed for a reason that is not its caller's."""
        counters = self._counters[strategy]
        counters.errors += 1
        counters.failed_writes += write

    def load(self, strategy: str) -> _Load:
        """A query to the store, which is under way inside this context."""
        return _Load(self, self._counters[strategy])

    def coalesced(self, strategy: str, n: int = 1) -> None:
        """`n` reads shared a load that was under way, or that they began together with another one."""
        self._counters[strategy].coalesced += n

    def refreshed_early(self, strategy: str) -> None:
        """A load was begun behind a reader's back although the entry was still fresh."""
        self._counters[strategy].early_refreshes += 1

    def waited_for_lease(self, seconds: float) -> None:
        """A reader waited so long for another one who held the lease."""
        self._lease_wait.record(seconds)

    def saved(self, strategy: str, n: int = 1) -> None:
        """`n` read queries were spared the store by hits."""
        self._counters[strategy].saved += n

    def filled(self, verdict: str) -> None:
        """A reader offered the cache what it had loaded; any verdict but `set` is a race prevented."""
        self._fills[verdict] = self._fills.get(verdict, 0) + 1

    def finished(self, verdict: str) -> None:
        """A writer told the cache of its commit; any verdict but `set` and `dropped` is a race prevented."""
        self._finishes[verdict] = self._finishes.get(verdict, 0) + 1

    def invalidated(self, source: str, n: int = 1) -> None:
        """The cache was told that `n` of its keys are outdated; or once that all are, for the source `epoch`."""
        self._invalidations[source] = self._invalidations.get(source, 0) + n

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
        self._trace.add(self.now(), operation, key, strategy, tier, verdict, version, seconds, steps)

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
        breaker_entered: dict[BreakerState, int] | None = None,
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
            refused=_refused(self._fills, self._finishes),
            fills=dict(self._fills),
            finishes=dict(self._finishes),
            invalidations=dict(self._invalidations),
            in_flight=self.in_flight,
            lease_wait=self._lease_wait.snapshot(),
            breaker=breaker,
            cache_problem=cache_problem,
            doubt=doubt,
            relay=RelayStats(self._relayed, self._lag.snapshot(), self._staleness.snapshot(), pending),
            audit=AuditStats(tuple(self._looked), tuple(self._outdated)),
            generation=generation,
            breaker_opened=breaker_opened,
            breaker_entered=breaker_entered or {},
            near=near,
            shared=shared,
            faults=faults,
            redis=redis,
            trace=self._trace.snapshot(),
        )


def _refused(fills: Mapping[str, int], finishes: Mapping[str, int]) -> dict[str, int]:
    """The races prevented, by verdict: what was offered to the cache and would have made it stale."""
    refused = Counter({verdict: n for verdict, n in fills.items() if verdict != "set"})
    refused.update({verdict: n for verdict, n in finishes.items() if verdict not in ("set", "dropped")})
    return dict(refused)
