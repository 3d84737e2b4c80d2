"""Trace: the newest operations, each with how it went."""

from __future__ import annotations

from collections import deque
from typing import Final

from core.observe.stats import Step, TraceLine
from core.query import Tier

NEAR_HIT: Final = "hit in this program's own memory"
KEPT: Final = 500
"""Lines that stay readable; older ones are forgotten."""


_NearLine = tuple[int, float, str, str, int, float]
"""Number, moment, id, strategy, version and seconds of a read from this process's memory."""


def _written(line: _NearLine) -> TraceLine:
    number, at, id, strategy, version, seconds = line
    step = Step("near", "hit", seconds)
    return TraceLine(number, at, "get", id, strategy, "near", NEAR_HIT, version, seconds, (step,))


class Trace:
    """A ring of the last operations, numbered from 1, so that a reader can tell which lines are new to it."""

    __slots__ = ("_lines", "_number", "_snapshot")

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[TraceLine | _NearLine] = deque(maxlen=kept)
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

    def add_near(self, at: float, id: str, strategy: str, version: int, seconds: float) -> None:
        """Note a read from this process's memory. The line is written when somebody looks: most are gone by then."""
        self._number += 1
        self._lines.append((self._number, at, id, strategy, version, seconds))
        self._snapshot = None

    def snapshot(self) -> tuple[TraceLine, ...]:
        """The lines kept, the newest last."""
        if self._snapshot is None:
            lines = tuple(_written(line) if isinstance(line, tuple) else line for line in self._lines)
            self._lines.clear()
            self._lines.extend(lines)
            self._snapshot = lines
        return self._snapshot
