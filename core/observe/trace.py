"""Trace: the newest operations, each with how it went."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, Literal

from core.observe.stats import Step, TraceLine
from core.query import Tier

NEAR_HIT: Final = "hit in this program's own memory"
KEPT: Final = 500
"""Lines that stay readable; older ones are forgotten."""


Hit = tuple[float, str, str, Literal["near", "redis"], int, float]
"""Moment (Unix seconds), id, strategy, tier, version and seconds of a read that a cache answered."""
Hits = Callable[[], Sequence[Hit]]
"""Tells of reads that were noted together."""


def _lines(last: int, hits: Sequence[Hit]) -> tuple[TraceLine, ...]:
    return tuple(_line(number, hit) for number, hit in enumerate(hits, last - len(hits) + 1))


def _line(number: int, hit: Hit) -> TraceLine:
    at, id, strategy, tier, version, seconds = hit
    verdict = NEAR_HIT if tier == "near" else "hit"
    return TraceLine(number, at, "get", id, strategy, tier, verdict, version, seconds, (Step(tier, "hit", seconds),))


class Trace:
    """A ring of the last operations, numbered from 1, so that a reader can tell which lines are new to it."""

    __slots__ = ("_kept", "_number", "_parts")

    def __init__(self) -> None:
        self._parts: deque[tuple[int, int, tuple[TraceLine, ...] | Hits]] = deque()
        """What was noted together: how many lines, the number of the last one, and the lines, or what tells of them."""
        self._kept = 0
        """How many lines all of these are."""
        self._number = 0

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
        line = TraceLine(self._number + 1, at, operation, key, strategy, tier, verdict, version, seconds, steps)
        self._note(1, (line,))

    def add_hits(self, n: int, hits: Hits) -> None:
        """Note `n` reads of movies. `hits` gives the last of them, at least KEPT if there were so many.

        Most are gone before anybody looks: it is asked when somebody does."""
        self._note(n, hits)

    def snapshot(self) -> tuple[TraceLine, ...]:
        """The lines kept, the newest last."""
        parts = [told if isinstance(told, tuple) else _lines(last, told()) for _, last, told in self._parts]
        if len(parts) == 1 and parts[0] is self._parts[0][2]:
            return parts[0]
        lines = tuple(chain.from_iterable(parts))[-KEPT:]
        self._parts.clear()
        self._parts.append((len(lines), self._number, lines))
        self._kept = len(lines)
        return lines

    def _note(self, n: int, told: tuple[TraceLine, ...] | Hits) -> None:
        self._number += n
        self._kept += n
        self._parts.append((n, self._number, told))
        while self._kept - self._parts[0][0] >= KEPT:
            self._kept -= self._parts.popleft()[0]
