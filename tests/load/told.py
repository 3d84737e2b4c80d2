"""Told: what the process of the users tells the one that started it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Told(msgspec.Struct, frozen=True):
    """What the users counted: questions, failures by what they were, milliseconds of an answer, the words of X-Cache,
    and how many reads of movies, of their order and of genres they were `served`."""

    requests: int
    failures: dict[str, int]
    seconds: float
    p50: float
    p95: float
    p99: float
    cache: dict[str, int]
    served: int


def percentile(values: Sequence[float], q: float) -> float:
    """The value that the share `q` of all stays within; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0
