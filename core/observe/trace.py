"""Trace: the newest operations, each with how it went."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal

from core.observe.stats import Step, TraceLine
from core.query import Tier

NEAR_HIT: Final = "hit in this program's own memory"
KEPT: Final = 500
"""Lines that stay readable; older ones are forgotten."""


Hit = tuple[float, str, str, Literal["near", "redis"], int, float]
"""Moment (Unix seconds), id, strategy, tier, version and seconds of a read that a cache answered."""


def _written(number: int, hit: Hit) -> TraceLine:
    at, id, strategy, tier, version, seconds = hit
    verdict = NEAR_HIT if tier == "near" else "hit"
    return TraceLine(number, at, "get", id, strategy, tier, verdict, version, seconds, (Step(tier, "hit", seconds),))


class Trace:
    """A ring of the last operations, numbered from 1, so that a reader can tell which lines are new to it."""

    __slots__ = ("_lines", "_number", "_snapshot")

    def __init__(self) -> None:
        self._lines: deque[TraceLine | tuple[int, Hit]] = deque(maxlen=KEPT)
        self._number = 0
        self._snapshot: tuple[TraceLine, ...] | None = ()

    def add(
        self,
        at: float,
        operation: str,
        key: str,
        strategy: str,
        tier: Tier | None,
        verdict: str,
        version: int | None,
        seconds: float,
        steps: tuple[Step, ...] = (),
    ) -> None:
        """Note one operation; `at` in Unix seconds, `seconds` how long it took, `steps` the way it went."""
        self._number += 1
        self._lines.append(
            TraceLine(self._number, at, operation, key, strategy, tier, verdict, version, seconds, steps)
        )
        self._snapshot = None

    def add_hits(self, hits: Sequence[Hit], n: int) -> None:
        """Note `n` reads of movies, of which `hits` are the last, at least KEPT of them if there were so many.

        Most are gone before anybody looks: their lines are written when somebody does."""
        self._number += n
        self._lines.extend(enumerate(hits, self._number - len(hits) + 1))
        self._snapshot = None

    def snapshot(self) -> tuple[TraceLine, ...]:
        """The lines kept, the newest last."""
        if self._snapshot is None:
            lines = tuple(_written(*line) if isinstance(line, tuple) else line for line in self._lines)
            self._lines.clear()
            self._lines.extend(lines)
            self._snapshot = lines
        return self._snapshot
