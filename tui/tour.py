"""The tour: five things to do on the live dashboard, and how it notices that they were done. Knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec


class Scene(msgspec.Struct, frozen=True):
    """What the tour looks at, at one moment."""

    cursor: int
    """The row that the cursor is on."""
    hits: int
    """Records that came from the cache, under whatever strategy."""
    filtered: str
    """The filter as it is typed; empty without one."""
    strategy: str
    last_save: object
    """The person's last save, to be told from the one before."""
    broken: bool
    """Whether a fault is on."""


class Step(msgspec.Struct, frozen=True):
    """One thing to see: where it is (`pane`), what it means, what to do, and what is said once it was done."""

    title: str
    pane: str
    text: str
    task: str
    praise: str
    is_done: Callable[[Tour, Scene], bool]
    cached: bool = False
    """Whether it needs a strategy that keeps something."""
    already: str = ""
    """What is said in place of the praise where it was so before the step began; empty where it has to be done anew."""


class Tour:
    """Where a person is in the tour. A step that was done stays so until it is left.

    `moved` is whether the cursor is or was elsewhere than when the step began, `tried` whether it moved while something
    was broken.
    """

    def __init__(self, scene: Scene) -> None:
        self._number = 0
        self._begin(scene)

    def _begin(self, scene: Scene) -> None:
        self.begun = self._last = scene
        self.moved = self.tried = self.done = False
        self.already = bool(self.step.already) and self.step.is_done(self, scene)

    @property
    def step(self) -> Step:
        """The step in hand."""
        return STEPS[self._number]

    @property
    def number(self) -> int:
        """The number of the step in hand, from 1."""
        return self._number + 1

    @property
    def praise(self) -> str:
        """What is said once the step was done."""
        return self.step.already if self.already else self.step.praise

    def task(self, scene: Scene) -> str:
        """What to do now."""
        if self.step.cached and scene.strategy == "no-cache":
            return "Press c and choose cache-aside first: no-cache keeps nothing."
        return self.step.task

    def look(self, scene: Scene) -> None:
        """Notice what was done since the step began."""
        self.moved |= scene.cursor != self.begun.cursor
        self.tried |= scene.broken and scene.cursor != self._last.cursor
        self._last = scene
        self.done |= self.step.is_done(self, scene)

    def go(self, steps: int, scene: Scene) -> bool:
        """Go on or back; False where that leads out of the tour at its end."""
        if self._number + steps >= len(STEPS):
            return False
        self._number = max(0, self._number + steps)
        self._begin(scene)
        return True


STEPS: Final = (
    Step(
        "Look, then look again",
        "movies",
        "The last column says where a row came from: m is a miss, read from the store; h is a hit, read from Redis.",
        "Press PgDn to read on, then r to ask for the same rows again: m becomes h.",
        "The second look came from Redis; 2 Cache counts both. N keeps rows here as well, nearer still: n.",
        lambda tour, now: tour.moved and now.hits > tour.begun.hits,
        cached=True,
    ),
    Step(
        "One filter for all",
        "genres",
        "Table, genres and years always show the same movies, and the cache keeps each answer by its question.",
        "Press / and filter by something, say genre:horror year:1979..1989, then Enter.",
        "All three show these movies alone. A filter asked for again is a hit.",
        lambda tour, now: bool(now.filtered),
        already="Your filter is in force already: all three show its movies alone. / changes it; n goes on.",
    ),
    Step(
        "Strategies side by side",
        "stats",
        "2 Cache has a line for each strategy, so that what each costs and saves can be compared.",
        "Press c, read what each of them does, and choose another.",
        "Its line counts from now on; the others stay to be compared with.",
        lambda tour, now: now.strategy != tour.begun.strategy,
    ),
    Step(
        "A write and its trace",
        "log",
        "A save goes to the store and tells the cache; 4 Log has every operation, the newest below.",
        "Press e, change something, then ctrl+s and Enter. u takes it back later.",
        "The log has the write: no read after it sees the old state. u takes it back.",
        lambda tour, now: now.last_save is not None and now.last_save != tour.begun.last_save,
    ),
    Step(
        "Break it, and mend it",
        "consistency",
        "5 Consistency says whether the cache is believed. With Redis away the store serves, and nothing old is shown.",
        "Press x and 1: Redis stands still. Browse on with 1 and PgDn. Then x and Enter mend it.",
        "The table went on without Redis. Leaving the program lifts every fault, too.",
        lambda tour, now: tour.tried and not now.broken,
    ),
)
