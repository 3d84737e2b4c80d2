"""PanedScreen: which parts of the browse screen are seen, by the size of the terminal and the pane chosen."""

from __future__ import annotations

import asyncio
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from tui.actions import ACTION
from tui.keys_help import place_of
from tui.remembered import Memory
from tui.widgets.consistency import ConsistencyPanel
from tui.widgets.counters import CountersPanel, CountersStrip
from tui.widgets.detail import DetailPanel
from tui.widgets.filling_line import FillingLine
from tui.widgets.filter_bar import FilterBar, FilterLine
from tui.widgets.genres import GenrePanel
from tui.widgets.key_footer import KeyFooter
from tui.widgets.movie_table import MovieTable
from tui.widgets.notice_line import NoticeLine
from tui.widgets.pane_tabs import PANES, PaneTabs
from tui.widgets.status import StatusLine
from tui.widgets.strategy_bar import StrategyBar
from tui.widgets.tour_box import TourBox
from tui.widgets.trace import TracePanel
from tui.widgets.years import YearsPanel

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 16
SIDE_BY_SIDE: Final = (110, 30)
"""Columns and rows from which the panels stand beside the table."""
WITH_DETAILS: Final = 180
WITH_LOG: Final = 36


class PanedScreen(Screen[None]):
    """The parts and their arrangement; what they show is for a subclass to say.

    Where there is room for one pane alone, keys 1 to 6 choose it; where there is room for all, they move the focus.
    The table stands first, with what reaches over the whole width; the others join it once it was painted.
    """

    CSS_PATH = "browse.tcss"

    def __init__(self, strategies: tuple[str, ...], stores: tuple[str, ...], memory: Memory) -> None:
        super().__init__()
        self._strategies, self._stores = strategies, stores
        self.memory = memory
        self._hidden = {pane for pane in memory.now.hidden if pane in PANES and pane != "movies"}
        full = memory.now.full
        self.alone = full in PANES and full not in self._hidden
        """Whether the pane has the whole screen by choice."""
        self.pane = full if full is not None and self.alone else "movies"
        self._beside = "genres"
        """Which of genres and consistency, or details instead of the counters too, stands beside the table: the one
        that was last chosen."""
        self.whole = asyncio.Event()
        """All parts are there."""

    def compose(self) -> ComposeResult:
        self._arrange()
        yield StatusLine()
        yield NoticeLine()
        yield StrategyBar(self._strategies, self._stores)
        with Horizontal(id="body"):
            with Vertical(id="main"):
                yield FilterLine()
                yield MovieTable(id="movies")
            yield Vertical(id="side")
        yield TracePanel(id="log")
        yield TourBox()
        yield KeyFooter()

    @on(events.Mount)
    async def _add_parts(self) -> None:
        if self.app.return_value is not None:
            return
        if self.has_class("-one"):  # which they arrange otherwise
            await self._furnish()
        else:
            self.call_after_refresh(self._furnish)

    async def _furnish(self) -> None:
        """Add the parts that stand beside the table, or wait to be shown: to make them takes as long as the table."""
        if not self.is_running:
            return
        side = (
            *(CountersPanel(id="stats"), GenrePanel(id="genres")),
            *(YearsPanel(id="years"), ConsistencyPanel(id="consistency")),
        )
        with self.app.batch_update():
            for mounting in (
                self.mount(PaneTabs(), after=self.query_one(StrategyBar)),
                self.query_one("#main").mount(FilterBar(), before=0),
                self.query_one("#side").mount(*side),
                self.query_one("#body").mount(DetailPanel(id="details")),
                self.mount(CountersStrip(), FillingLine(), before=self.query_one(KeyFooter)),
                self.mount(Static("", id="too-small", markup=False)),
            ):
                await mounting
            if not self.is_running:
                return
            self.whole.set()
            self._arrange()
            if self.pane != "movies":
                self.set_focus(self.query_one(f"#{self.pane}"))

    def say(self, text: str, *, alarming: bool = False) -> None:
        """Put a text in the status line's place; an empty one gives the place back."""
        self.query_one(NoticeLine).say(text, alarming=alarming)
        status = self.query_one(StatusLine)
        status.display = not text or status.faulty

    def action_pane(self, pane: str) -> None:
        """Go to a pane: show it where one fits or it was put away, focus it."""
        self.pane = pane
        if pane in self._hidden:
            self._hide(self._hidden - {pane})
        self._arrange()
        if self.whole.is_set():  # else it is focused when it comes
            # At once, or keys that arrive in one go with this one would still go to the old place.
            self.set_focus(self.query_one(f"#{pane}"))

    def action_full(self) -> None:
        """Give the pane the whole screen, or take it back."""
        self.alone = not self.alone
        self._arrange()

    def action_hide(self) -> None:
        """Put the pane away; the table stays."""
        if self.pane == "movies":
            told = "The table stays. Tab or a number goes to another panel: H puts that away."
        else:
            number, label = list(PANES).index(self.pane) + 1, PANES[self.pane]
            told = f"{label} is put away: {number} brings it back."
            self.alone = False
            self._hide(self._hidden | {self.pane})
            self.action_pane("movies")
        self.notify(told, title="Panels", markup=False)

    def action_show_all(self) -> None:
        """Bring all panes back that were put away."""
        self._hide(set())
        self._arrange()

    def _hide(self, panes: set[str]) -> None:
        self._hidden = panes
        self.memory.change(hidden=tuple(pane for pane in PANES if pane in panes))

    async def action_perform(self, id: str) -> None:
        """Do an action of the table of actions, as if its key had been pressed."""
        action = ACTION[id]
        target = self.query_one(MovieTable) if action.where == "movies" else self
        await self.app.run_action(action.action, target)

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        # Not the event's widget: of several changes of focus in one go, the events come in any order.
        if (focused := self.focused) is None:
            return
        inside = [widget.id for widget in focused.ancestors_with_self if widget.id in PANES]
        if inside and self.pane != inside[0]:
            self.pane = str(inside[0])
            self._arrange()
        self.query_one(KeyFooter).place = "search" if self.in_box else place_of(self.pane)

    @property
    def in_box(self) -> bool:
        """Whether the filter's box has the focus."""
        return self.focused is not None and any(isinstance(widget, FilterBar) for widget in self.focused.ancestors)

    def _arrange(self) -> None:
        width, height = self.app.size
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        one = self.alone or width < SIDE_BY_SIDE[0] or height < SIDE_BY_SIDE[1]
        self.set_class(small, "-small")
        self.set_class(one, "-one")
        roomy = not one and width >= WITH_DETAILS
        self.set_class(roomy and "details" not in self._hidden, "-with-details")
        self.set_class(not one and (self._with_log(height) or self.pane == "log"), "-with-log")
        if self.pane in ("genres", "consistency") or (self.pane == "details" and not roomy):
            self._beside = self.pane
        elif self._beside == "details" and (roomy or self.pane == "stats" or "details" in self._hidden):
            self._beside = "genres"
        self.set_class(self._beside == "consistency", "-beside-consistency")
        self.set_class(self._beside == "details", "-beside-details")
        for pane in ("stats", "genres", "consistency"):
            self.set_class(pane in self._hidden, f"-no-{pane}")
        self.set_class({"stats", self._beside} <= self._hidden, "-no-side")
        for pane in PANES:
            self.set_class(pane == self.pane, f"-{pane}")
        self.memory.change(full=self.pane if self.alone else None)
        if self.whole.is_set():
            self.query_one(PaneTabs).pane = self.pane
            need = f"Reelcache needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} rows; here are {width} and {height}."
            self.query_one("#too-small", Static).update(need if small else "")

    def _with_log(self, height: int) -> bool:
        return height >= WITH_LOG and "log" not in self._hidden
