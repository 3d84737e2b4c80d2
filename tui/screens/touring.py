"""TouringScreen: the tour beside the live dashboard, and its offer at the very first start."""

from __future__ import annotations

from typing import Final

from textual import events

from core.filter_text import filter_text
from core.observe.stats import Stats
from tui.bindings import bindings
from tui.screens.collecting import CollectingScreen
from tui.tour import STEPS, Scene, Tour
from tui.widgets.movie_table import MovieTable
from tui.widgets.tour_box import TourBox

_OFFER: Final = "New here? F1 shows around in five steps; ? has every key."
_OFFER_SECONDS: Final = 60.0
_ROOM_FOR_WORDS: Final = 20
"""Rows of the screen below which a step says only what to do."""
_ROOM_FOR_LOG: Final = 50
"""Rows of the screen below which the log gives way to a step that is not about it."""


class TouringScreen(CollectingScreen):
    """Shows one step at a time and points at its panel; all keys go on working, and the tour notices what was done."""

    BINDINGS = bindings("tour")
    _tour: Tour | None = None

    def on_mount(self) -> None:
        if self.app.return_value is None and self.memory.offers_tour:
            self.memory.change(toured=True)
            box = self.query_one(TourBox)
            box.offer(_OFFER)
            self.set_timer(_OFFER_SECONDS, lambda: box.put_away() if self._tour is None else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The tour's keys mean something while there is a tour."""
        if action == "tour_go":
            return self._tour is not None
        return super().check_action(action, parameters)

    def action_tour(self) -> None:
        """Begin the tour, or begin it anew."""
        self._tour = Tour(self._scene())
        self._point()

    def action_tour_go(self, steps: int) -> None:
        """Go to the next step or the one before; from the last one, out of the tour."""
        if self._tour is not None:
            if self._tour.go(steps, self._scene()):
                self._point()
            else:
                self._leave_tour()

    def action_clear(self) -> None:
        """Leave the tour, or else do what Esc does without one."""
        if self._tour is not None:
            self._leave_tour()
        else:
            super().action_clear()

    def watch_stats(self, stats: Stats) -> None:
        super().watch_stats(stats)
        self._show_step()

    def on_resize(self, event: events.Resize) -> None:
        self._show_step()

    def _leave_tour(self) -> None:
        self._tour = None
        self.query_one(TourBox).put_away()
        self._show_step()
        self.action_pane("movies")

    def _point(self) -> None:
        if self._tour is not None:
            self.alone = False
            self.action_pane(self._tour.step.pane)
            self._show_step()

    def _show_step(self) -> None:
        height = self.app.size.height
        self.set_class(self._tour is not None and height < _ROOM_FOR_LOG, "-tour-in-little-room")
        if (tour := self._tour) is None:
            return
        scene = self._scene()
        tour.look(scene)
        self.query_one(TourBox).show(
            f"Tour {tour.number} of {len(STEPS)} · {tour.step.title}",
            tour.step.text if height >= _ROOM_FOR_WORDS else "",
            tour.praise if tour.done else tour.task(scene),
            done=tour.done,
        )

    def _scene(self) -> Scene:
        stats = self._newest
        return Scene(
            cursor=self.query_one(MovieTable).cursor,
            hits=sum(figures.hits for figures in stats.strategies.values()) if stats else 0,
            filtered=filter_text(self.query_now),
            strategy=self.catalogue.strategy,
            last_save=self._undo.last(self.catalogue.store),
            broken=bool(self.catalogue.faults.active),
        )
