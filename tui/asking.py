"""Asking: when the next page of a row window is asked for, so that no movement becomes a storm of queries."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from tui.row_window import Request, RowWindow

PACE: Final = 0.04
"""Seconds between two requests while the view leaps, as under a dragged scrollbar."""
PATIENCE: Final = 0.1
"""Seconds after which a request is given up whose rows are out of sight: a store that answers sooner has done the work,
and a view that never rests gives up no more than ten a second."""


class Turn(NamedTuple):
    """What to do now: ask for a page, or take another turn in so many seconds; and whether the last page is dropped."""

    request: Request | None = None
    wait: float | None = None
    gave_up: bool = False


class Asking:
    """Asks at once where the view goes on from where it was, and at a steady pace where it leaps. Knows no terminal."""

    def __init__(self, window: RowWindow, clock: Callable[[], float] = monotonic) -> None:
        self._window = window
        self._clock = clock
        self._asked = clock() - PATIENCE

    def turn(self) -> Turn:
        """What to do about the rows that are in view now."""
        since = self._clock() - self._asked
        gave_up = False
        if (astray := self._window.astray) is not None:
            if since < PATIENCE:
                return Turn(wait=PATIENCE - since)
            gave_up = self._window.give_up(astray)
        if not self._window.travelling and since < PACE:
            return Turn(wait=PACE - since)
        request = self._window.next_request()
        if request is not None:
            self._asked = self._clock()
        return Turn(request, gave_up=gave_up)
