"""Trace: the newest operations, each with how it went."""

from __future__ import annotations

from collections import deque
from typing import Final

from core.observe.stats import Step, TraceLine
from core.query import Tier

KEPT: Final = 500
"""Lines that stay readable; older ones are forgotten."""


class Trace:
    """A ring of the last operations, numbered from 1, so that a reader can tell which lines are new to it."""

    __slots__ = ("_lines", "_number", "_snapshot")

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[TraceLine] = deque(maxlen=kept)
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

    def snapshot(self) -> tuple[TraceLine, ...]:
        """The lines kept, the newest last."""
        if self._snapshot is None:
            self._snapshot = tuple(self._lines)
        return self._snapshot
