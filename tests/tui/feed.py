"""A feed of samples for the panels' tests: the real observer and the real windows on a clock of their own."""

from __future__ import annotations

from core.observe.counters import Observer
from core.observe.stats import BreakerState, NearStats, RedisStats, Stats
from core.settings import STRATEGIES
from tui.windows import SPANS, Span, Summary, Windows

REDIS = RedisStats(
    version="8.2.3", used_memory=43_200_000, max_memory=268_435_456, keys=12_345, evicted=0, expired=12, clients=3
)


class Feed:
    """Counts as the engine would, and takes a sample every half second of its clock."""

    def __init__(self) -> None:
        self.observer = Observer(STRATEGIES, now=lambda: self.at)
        self.windows = Windows()
        self.at = 1000.0
        self.strategy = "cache-aside"
        self.store = "postgresql"
        self.breaker: BreakerState = "closed"
        self.problem: str | None = None
        self.doubt: str | None = None
        self.faults: tuple[str, ...] = ()
        self.pending: int | None = 0
        self.redis: RedisStats | None = REDIS
        self.near = NearStats(most_entries=20_000, most_size=64 * 2**20)
        self.sample()

    def sample(self, after: float = 0.5) -> Stats:
        """Let time pass, take a sample."""
        self.at += after
        stats = self.observer.snapshot(
            at=self.at,
            store=self.store,
            strategy=self.strategy,
            breaker=self.breaker,
            cache_problem=self.problem,
            doubt=self.doubt,
            faults=self.faults,
            pending=self.pending,
            redis=self.redis,
            near=self.near,
        )
        self.windows.add(stats)
        return stats

    def reads(self, hits: int, misses: int, *, hit_seconds: float = 0.0005) -> None:
        """Hits and misses of the strategy in force, each with a line in the trace."""
        for n in range(hits):
            self.observer.hits(self.strategy, 1, hit_seconds, tier="redis")
            self.observer.saved(self.strategy)
            self.observer.trace("read", f"movie:{n}", self.strategy, "redis", "hit", 7, hit_seconds)
        for n in range(misses):
            self.observer.misses(self.strategy, 1, 0.012)
            with self.observer.load(self.strategy):
                pass
            self.observer.trace("read", f"movie:{n}", self.strategy, "store", "miss", 7, 0.012)

    def summary(self, span: Span = SPANS[0]) -> Summary:
        """What the panels are shown."""
        summary = self.windows.summary(span)
        assert summary is not None
        return summary
