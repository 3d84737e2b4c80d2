"""Zipf: ranks drawn so that rank k comes up in proportion to 1 / k^skew, as titles are asked for in a catalogue.

Rejection-inversion after W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
distributions", ACM TOMACS 6(3), 1996: constant time and memory, whatever the number of ranks.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p
from random import Random


class Zipf:
    """Draws ranks from 0 to `ranks` - 1, 0 the most often; `skew` is above 0, and 1 is Zipf's own."""

    def __init__(self, ranks: int, skew: float, random: Random) -> None:
        if ranks < 1 or skew <= 0:
            raise ValueError(f"There are no {ranks} ranks of skew {skew}.")
        self.ranks, self.skew = ranks, skew
        self._random = random
        self._first = self._area(1.5) - 1.0
        self._last = self._area(ranks + 0.5)
        self._squeeze = 2.0 - self._rank(self._area(2.5) - self._density(2.0))

    def draw(self) -> int:
        """The next rank."""
        while True:
            area = self._last + self._random.random() * (self._first - self._last)
            place = self._rank(area)
            k = max(1, min(self.ranks, int(place + 0.5)))
            if k - place <= self._squeeze or area >= self._area(k + 0.5) - self._density(k):
                return k - 1

    def _density(self, x: float) -> float:
        return exp(-self.skew * log(x))

    def _area(self, x: float) -> float:
        """The integral of the density from 1 to x."""
        logarithm = log(x)
        power = (1.0 - self.skew) * logarithm
        return logarithm * (expm1(power) / power if abs(power) > 1e-8 else 1.0 + power / 2)

    def _rank(self, area: float) -> float:
        """The x whose area this is."""
        power = max(-1.0, area * (1.0 - self.skew))
        return exp(area * (log1p(power) / power if abs(power) > 1e-8 else 1.0 - power / 2))
