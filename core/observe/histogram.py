"""Latency histogram: durations counted in log-spaced buckets, so that percentiles of any window cost a subtraction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from core.observe.stats import LatencyStats

BUCKETS_PER_DECADE: Final = 16
"""Each bucket is 15.5 % wider than the one before it: no percentile is further off than that."""

BOUNDS: Final[tuple[float, ...]] = tuple(10 ** (step / BUCKETS_PER_DECADE - 6) for step in range(126))
"""Upper bounds in seconds, from 1 µs to 65 s. Bucket i holds what is above bound i-1 and not above bound i;
one more bucket holds what is above them all."""

_COARSER: Final = 4
COARSE_BOUNDS: Final = BOUNDS[::_COARSER]
"""Every fourth bound: enough for monitoring, which keeps a time series for each."""


class LatencyHistogram:
    """Durations in seconds, counted where they occur: one list index each, no lock (one event loop)."""

    __slots__ = ("_buckets", "_snapshot", "_total")

    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._total = 0.0
        self._snapshot: LatencyStats | None = LatencyStats()

    def record(self, seconds: float, n: int = 1) -> None:
        """Count a duration that `n` had; a negative one, as a clock step gives, counts as 0."""
        self._buckets[bisect_left(BOUNDS, seconds)] += n
        if seconds > 0:
            self._total += seconds * n
        self._snapshot = None

    def record_all(self, durations: Sequence[float]) -> None:
        """Count several durations."""
        buckets = self._buckets
        for seconds in durations:
            buckets[bisect_left(BOUNDS, seconds)] += 1
        self._total += sum(durations)
        self._snapshot = None

    def snapshot(self) -> LatencyStats:
        """What was recorded so far. The same object as before when nothing was: idle histograms cost no memory."""
        if self._snapshot is None:
            buckets = tuple(self._buckets)
            self._snapshot = LatencyStats(count=sum(buckets), total=self._total, buckets=buckets)
        return self._snapshot


def percentile(stats: LatencyStats, q: float) -> float | None:
    """The duration in seconds that the share `q` (0 to 1) of all stays within, interpolated in its bucket.

    None without data; what lies above the last bound counts as the last bound."""
    if not stats.count:
        return None
    rank = min(max(q, 0.0), 1.0) * stats.count
    passed = 0
    for index, count in enumerate(stats.buckets):
        if count and passed + count >= rank:
            if index == len(BOUNDS):
                break
            lower = BOUNDS[index - 1] if index else 0.0
            return lower + (BOUNDS[index] - lower) * max(rank - passed, 0.0) / count
        passed += count
    return BOUNDS[-1]


def difference(later: LatencyStats, earlier: LatencyStats) -> LatencyStats:
    """What was recorded between two snapshots of one histogram."""
    if later is earlier:
        return LatencyStats()
    if not earlier.buckets:
        return later
    return LatencyStats(
        count=later.count - earlier.count,
        total=max(later.total - earlier.total, 0.0),
        buckets=tuple(after - before for after, before in zip(later.buckets, earlier.buckets, strict=True)),
    )


def combined(one: LatencyStats, other: LatencyStats) -> LatencyStats:
    """What two histograms recorded together."""
    if not one.count:
        return other
    if not other.count:
        return one
    return LatencyStats(
        count=one.count + other.count,
        total=one.total + other.total,
        buckets=tuple(a + b for a, b in zip(one.buckets, other.buckets, strict=True)),
    )


def coarse(stats: LatencyStats) -> list[int]:
    """The same counts between COARSE_BOUNDS, with one more for what is above them all."""
    if not stats.buckets:
        return [0] * (len(COARSE_BOUNDS) + 1)
    first, *others = stats.buckets
    return [first, *(sum(others[start : start + _COARSER]) for start in range(0, len(others), _COARSER))]
