"""Figures: what was counted, each histogram as a few percentiles."""

from __future__ import annotations

from typing import Any

import msgspec

from core.observe.histogram import percentile
from core.observe.stats import LatencyStats, Stats


class Latency(msgspec.Struct, frozen=True):
    """Durations in seconds; null where there was none."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


def figures(stats: Stats) -> dict[str, Any]:
    """The snapshot without the log of operations, which names movies."""
    told: dict[str, Any] = _told(stats)
    del told["trace"]
    return told


def _told(value: Any) -> Any:
    if isinstance(value, LatencyStats):
        mean = value.total / value.count if value.count else None
        return Latency(value.count, mean, *(percentile(value, q) for q in (0.5, 0.95, 0.99)))
    if isinstance(value, msgspec.Struct):
        return {name: _told(part) for name, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {name: _told(part) for name, part in value.items()}
    return value
