"""Windows: what happened in the last seconds, had by subtracting two cumulative samples. Knows no widget, no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any, Final

import msgspec

from core.observe.histogram import combined, difference
from core.observe.stats import LatencyStats, Stats, StrategyStats

KEPT_SECONDS: Final = 600
"""How far back a window can reach."""


class Span(msgspec.Struct, frozen=True):
    """How far back a window looks; `seconds` is None for "since the strategy or the store was last switched"."""

    label: str
    seconds: float | None


SPANS: Final = (Span("10 s", 10), Span("1 min", 60), Span("5 min", 300), Span("since the switch", None))


class Window(msgspec.Struct, frozen=True):
    """What each strategy did within `seconds`; 0 seconds when there are not yet two samples to subtract."""

    seconds: float
    strategies: dict[str, StrategyStats]
    refused: dict[str, int]

    @property
    def total(self) -> StrategyStats:
        """What all strategies did together."""
        total = StrategyStats()
        for stats in self.strategies.values():
            total = added(total, stats)
        return total

    def rate(self, count: int) -> float | None:
        """A count of this window in events per second; None while the window has no length."""
        return count / self.seconds if self.seconds > 0 else None


class Summary(msgspec.Struct, frozen=True):
    """What the panels show of one moment: the newest sample, a window of it, everything, and a line over time."""

    stats: Stats
    span: Span
    now: Window
    overall: Window
    hit_ratios: tuple[float | None, ...]
    """Of each full second, the newest last; None where no cache was asked."""
    cleared: bool
    """Whether "everything" begins at a moment that the person chose, and not at the program's start."""
    switches: frozenset[int]
    """Indexes into `hit_ratios` of seconds in which the strategy or the store was switched."""
    idle: dict[str, float]
    """For how many seconds a strategy has had nothing to do, by its name; those that never had are missing."""
    away: float | None
    """For how many seconds the breaker has not been closed; None while it is."""


def reads(stats: StrategyStats) -> int:
    """How many records were read, wherever they came from."""
    return stats.hits + stats.misses + stats.bypasses


def hit_ratio(stats: StrategyStats) -> float | None:
    """Hits as a share of what a cache was asked for; None when it was asked for nothing."""
    asked = stats.hits + stats.misses
    return stats.hits / asked if asked else None


def cache_latency(stats: StrategyStats) -> LatencyStats:
    """How long reads took that the cache answered, near or in Redis."""
    return combined(stats.hit_latency, stats.near_latency)


def store_latency(stats: StrategyStats) -> LatencyStats:
    """How long reads took that ended in the store, whether a cache was asked before or not."""
    return combined(stats.miss_latency, stats.bypass_latency)


def read_latency(stats: StrategyStats) -> LatencyStats:
    """How long reads took, wherever they ended."""
    return combined(cache_latency(stats), store_latency(stats))


def subtracted(later: StrategyStats, earlier: StrategyStats) -> StrategyStats:
    """What came between two samples of one strategy."""
    return msgspec.structs.replace(
        later,
        **{name: getattr(later, name) - getattr(earlier, name) for name in _COUNTS},
        **{name: difference(getattr(later, name), getattr(earlier, name)) for name in _LATENCIES},
    )


def added(one: StrategyStats, other: StrategyStats) -> StrategyStats:
    """What two strategies did together."""
    return msgspec.structs.replace(
        one,
        **{name: getattr(one, name) + getattr(other, name) for name in _COUNTS},
        **{name: combined(getattr(one, name), getattr(other, name)) for name in _LATENCIES},
    )


_NOTHING: Final = StrategyStats()
_LATENCIES: Final = tuple(n for n in StrategyStats.__struct_fields__ if isinstance(getattr(_NOTHING, n), LatencyStats))
_COUNTS: Final = tuple(n for n in StrategyStats.__struct_fields__ if n not in _LATENCIES)


class _Second(msgspec.Struct):
    """What happened within one second of the samples' clock."""

    number: int
    hits: int = 0
    misses: int = 0
    switched: bool = False

    @property
    def hit_ratio(self) -> float | None:
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


class Windows:
    """The samples of the last ten minutes."""

    def __init__(self) -> None:
        self._samples: list[Stats] = []
        self._seconds: deque[_Second] = deque(maxlen=KEPT_SECONDS)
        self._before_switch: Stats | None = None
        self._used: dict[str, float] = {}
        """When each strategy last did something."""
        self._away_since: float | None = None
        self._origin: Stats | None = None
        """The sample that everything is counted from; None: since the program's start."""

    @property
    def latest(self) -> Stats | None:
        """The newest sample."""
        return self._samples[-1] if self._samples else None

    def clear(self) -> None:
        """Count from the newest sample on."""
        if self.latest is not None:
            self._origin = self._before_switch = self.latest
            self._samples = [self.latest]
            self._seconds.clear()
            self._used.clear()

    def add(self, stats: Stats) -> None:
        """Take a sample. One that is not newer than the last is left out; counts that fell begin a new history."""
        previous = self.latest
        # The trace alone would keep hundreds of thousands of lines alive in ten minutes.
        sample = msgspec.structs.replace(stats, trace=())
        if previous is not None:
            sample = msgspec.structs.replace(sample, **_unchanged(sample, previous))
        if sample.breaker == "closed":
            self._away_since = None
        elif self._away_since is None:
            self._away_since = sample.at
        if previous is None:
            self._samples.append(sample)
            self._before_switch = sample
            return
        if sample.at <= previous.at:
            return
        if _fell(sample, previous):
            previous = msgspec.structs.replace(sample, at=previous.at, strategies={}, refused={})
            self._samples = [previous]
            self._before_switch = previous
            self._origin = None
            switched = True
        elif switched := (sample.strategy, sample.store) != (previous.strategy, previous.store):
            self._before_switch = previous
        self._samples.append(sample)
        for name, later in sample.strategies.items():
            earlier = previous.strategies.get(name, _NOTHING)
            if (reads(later), later.writes) != (reads(earlier), earlier.writes):
                self._used[name] = sample.at
        self._count_second(sample, previous, switched)
        expired = bisect_right(self._samples, sample.at - KEPT_SECONDS, key=_at) - 1
        if expired > 0:
            del self._samples[:expired]

    def window(self, seconds: float | None) -> Window:
        """What happened in the last `seconds`, or since they were cleared or began (None)."""
        latest = self.latest
        if latest is None:
            return Window(0.0, {}, {})
        if seconds is None and self._origin is not None:
            return _between(latest, self._origin)
        if seconds is None:
            return Window(latest.at - self._samples[0].at, dict(latest.strategies), dict(latest.refused))
        index = bisect_right(self._samples, latest.at - seconds, key=_at) - 1
        return _between(latest, self._samples[max(index, 0)])

    def since_switch(self) -> Window:
        """What happened since the strategy or the store was last switched, or since the first sample."""
        latest, before = self.latest, self._before_switch
        return _between(latest, before) if latest and before else Window(0.0, {}, {})

    def summary(self, span: Span = SPANS[0]) -> Summary | None:
        """Everything that the panels show; None before the first sample."""
        latest = self.latest
        if latest is None:
            return None
        seconds = {second.number: second for second in self._seconds}
        full = range(min(seconds, default=int(latest.at)), int(latest.at))
        return Summary(
            stats=latest,
            span=span,
            now=self.since_switch() if span.seconds is None else self.window(span.seconds),
            overall=self.window(None),
            cleared=self._origin is not None,
            idle={name: latest.at - at for name, at in self._used.items()},
            away=None if self._away_since is None else latest.at - self._away_since,
            hit_ratios=tuple(seconds[number].hit_ratio if number in seconds else None for number in full),
            switches=frozenset(
                index for index, number in enumerate(full) if number in seconds and seconds[number].switched
            ),
        )

    def _count_second(self, sample: Stats, previous: Stats, switched: bool) -> None:
        number = int(sample.at)
        if not self._seconds or self._seconds[-1].number != number:
            while self._seconds and self._seconds[0].number <= number - KEPT_SECONDS:
                self._seconds.popleft()
            self._seconds.append(_Second(number))
        second = self._seconds[-1]
        second.switched |= switched
        for name, later in sample.strategies.items():
            earlier = previous.strategies.get(name, _NOTHING)
            second.hits += later.hits - earlier.hits
            second.misses += later.misses - earlier.misses


def _at(stats: Stats) -> float:
    return stats.at


def _between(later: Stats, earlier: Stats) -> Window:
    return Window(
        later.at - earlier.at,
        {name: subtracted(stats, earlier.strategies.get(name, _NOTHING)) for name, stats in later.strategies.items()},
        {
            verdict: count - earlier.refused.get(verdict, 0)
            for verdict, count in later.refused.items()
            if count > earlier.refused.get(verdict, 0)
        },
    )


def _unchanged(stats: Stats, previous: Stats) -> dict[str, Any]:
    """What both say alike, as the earlier one has it: a program at rest keeps no copies of the same."""
    parts = ((name, getattr(previous, name)) for name in stats.__struct_fields__)
    return {name: part for name, part in parts if part == getattr(stats, name)}


def _fell(later: Stats, earlier: Stats) -> bool:
    """Whether a counter went down, as none does but one that was begun anew."""
    return any(
        getattr(later.strategies.get(name, _NOTHING), count) < getattr(stats, count)
        for name, stats in earlier.strategies.items()
        for count in _COUNTS
    )
