"""Decay: counts that halve as time passes, kept without ever touching those that nothing is added to.

Forward decay (Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009): instead of shrinking what is old, what is new is
entered as worth more, by a factor that doubles each half-life since a landmark. Two sums keep their ratio whatever the
time, so that a ranking by them is a ranking by the decayed counts. Before the factor grows too large, all is divided
by it once and the landmark moves. `core/cache/lua/sum.lua` does the same in Redis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

FURTHEST: Final = 60.0
"""Half-lives after which the landmark moves."""
LEAST: Final = 0.001
"""What weighs less by then is forgotten."""


class DecayedCounts:
    """Counts by member that halve every `half_life` seconds of `clock`; of more than twice `keep` the heaviest `keep`
    stay."""

    def __init__(self, half_life: float, keep: int, clock: Callable[[], float]) -> None:
        self._half_life = half_life
        self._keep = keep
        self._clock = clock
        self._landmark = clock()
        self._weights: dict[str, float] = {}

    def add(self, member: str, times: float = 1.0) -> None:
        """Count a member now."""
        factor = self._factor()
        self._weights[member] = self._weights.get(member, 0.0) + times * factor
        if len(self._weights) > 2 * self._keep:
            self._weights = dict(self._heaviest(self._keep))

    def heaviest(self, limit: int | None = None) -> list[tuple[str, float]]:
        """The members by what they count now, most first; ties by member, descending."""
        factor = self._factor()
        return [(member, weight / factor) for member, weight in self._heaviest(limit)]

    def _heaviest(self, limit: int | None) -> list[tuple[str, float]]:
        return sorted(self._weights.items(), key=lambda item: item[::-1], reverse=True)[:limit]

    def _factor(self) -> float:
        age = (self._clock() - self._landmark) / self._half_life
        if age > FURTHEST:
            shrunk = {member: weight * math.exp2(-age) for member, weight in self._weights.items()}
            self._weights = {member: weight for member, weight in shrunk.items() if weight > LEAST}
            self._landmark, age = self._clock(), 0.0
        return math.exp2(age)
