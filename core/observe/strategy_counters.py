"""The counts and latencies of one strategy, as they grow."""

from __future__ import annotations

from core.observe.histogram import LatencyHistogram
from core.observe.stats import StrategyStats


class StrategyCounters:
    """The counts and latencies of one strategy since the start; mutable, for the engine alone."""

    __slots__ = (
        "_snapshot",
        "bypass_latency",
        "bypasses",
        "cancelled_loads",
        "coalesced",
        "conflicts",
        "early_refreshes",
        "errors",
        "fail_safe",
        "failed_loads",
        "failed_writes",
        "hit_latency",
        "hits",
        "load_latency",
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
        self.errors = self.failed_writes = self.writes = self.conflicts = self.store_reads = self.saved = 0
        self.failed_loads = self.cancelled_loads = self.coalesced = self.early_refreshes = 0
        self.load_latency = LatencyHistogram()
        self.hit_latency = LatencyHistogram()
        self.near_latency = LatencyHistogram()
        self.miss_latency = LatencyHistogram()
        self.bypass_latency = LatencyHistogram()
        self.write_latency = LatencyHistogram()
        self._snapshot = StrategyStats()

    def snapshot(self) -> StrategyStats:
        """The counts as they are now. The same object as before when nothing was counted: an idle strategy costs no
        memory."""
        present = StrategyStats(
            hits=self.hits,
            near_hits=self.near_hits,
            misses=self.misses,
            bypasses=self.bypasses,
            negatives=self.negatives,
            stale=self.stale,
            fail_safe=self.fail_safe,
            errors=self.errors,
            failed_writes=self.failed_writes,
            writes=self.writes,
            conflicts=self.conflicts,
            store_reads=self.store_reads,
            failed_loads=self.failed_loads,
            cancelled_loads=self.cancelled_loads,
            saved=self.saved,
            coalesced=self.coalesced,
            early_refreshes=self.early_refreshes,
            load_latency=self.load_latency.snapshot(),
            hit_latency=self.hit_latency.snapshot(),
            near_latency=self.near_latency.snapshot(),
            miss_latency=self.miss_latency.snapshot(),
            bypass_latency=self.bypass_latency.snapshot(),
            write_latency=self.write_latency.snapshot(),
        )
        if present != self._snapshot:
            self._snapshot = present
        return self._snapshot
