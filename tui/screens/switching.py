"""SwitchingScreen: what can be switched while everything runs: strategy, store, near tier, faults and visitors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from textual import on
from textual.notifications import SeverityLevel
from textual.worker import Worker

from core.catalogue import Catalogue
from tui.near_texts import near_told
from tui.remembered import Memory
from tui.screens import dialogs
from tui.screens.touring import TouringScreen
from tui.widgets.filter_bar import FilterLine
from tui.widgets.movie_table import MovieTable
from tui.widgets.status import STORE_NAMES
from tui.widgets.strategy_bar import Kind, StrategyBar
from tui.work import run

if TYPE_CHECKING:
    from core.lab.visitors import Visitors

_WAITING_SECONDS: Final = 0.1


class SwitchingScreen(TouringScreen):
    """Switches, says what a switch waits for, and remembers what was chosen once it is in force."""

    def __init__(self, catalogue: Catalogue, memory: Memory) -> None:
        super().__init__(catalogue, memory)
        self._switching: str | None = None
        self._switch_work: Worker[None] | None = None
        self._nearing = False

    def action_choose_strategy(self) -> None:
        chooser = dialogs.StrategyScreen(
            self.catalogue.strategies,
            self.catalogue.strategy,
            self.windows.summary(),
            lambda: self.catalogue.stats().trace,
            self.catalogue.store,
        )
        self.app.push_screen(chooser, self._switch_strategy)

    def action_choose_store(self) -> None:
        self.app.push_screen(dialogs.StoreScreen(self.catalogue.stores, self.catalogue.store), self._switch_store)

    def action_choose_fault(self) -> None:
        self.app.push_screen(dialogs.FaultScreen(self.catalogue.faults.active), self._break)

    def _break(self, chosen: str | None) -> None:
        if chosen is not None:
            run(self, self._switch_fault(chosen), doing="switch the fault", group="fault", exclusive=False)

    async def _switch_fault(self, chosen: str) -> None:
        from tui.screens.faults import switch  # brought by the dialog that chose

        movie = self.query_one(MovieTable).current
        said = await switch(self.catalogue.faults, chosen, movie.id if movie else None)
        self.notify(said, title="Fault", severity="warning", markup=False)

    def action_inspect_keys(self) -> None:
        """Look into the keys that the program has in Redis, those of the movie under the cursor first."""
        movie = self.query_one(MovieTable).current
        first = self.catalogue.keys_of(movie.id) if movie else ()
        self.app.push_screen(dialogs.KeysScreen(self.catalogue.keys, self.catalogue.inspect, first))

    @cached_property
    def visitors(self) -> Visitors:
        """The simulated traffic."""
        from core.lab.visitors import Visitors  # not before somebody asks for them

        return Visitors(self.catalogue)

    @property
    def visitors_mark(self) -> str:
        if "visitors" not in vars(self):
            return ""  # nobody has asked for them yet
        plan = self.visitors.plan
        return f"VISITORS {plan.visitors} × {plan.rate:g}/s" if self.visitors.present else ""

    def action_visitors(self) -> None:
        self.app.push_screen(dialogs.VisitorsScreen(self.visitors))

    @on(StrategyBar.StrategyChosen)
    def choose_strategy(self, event: StrategyBar.StrategyChosen) -> None:
        self._switch_strategy(event.name)

    @on(StrategyBar.StoreChosen)
    def choose_store(self, event: StrategyBar.StoreChosen) -> None:
        self._switch_store(event.name)

    def _switch_strategy(self, name: str | None) -> None:
        if name is not None and name != self.catalogue.strategy:
            self._switch("strategy", name, self.catalogue.use_strategy)

    def _switch_store(self, name: str | None) -> None:
        if name is not None and name != self.catalogue.store:
            self._switch("store", name, self.catalogue.use_store)

    @on(StrategyBar.NearChosen)
    def action_switch_near(self) -> None:
        """Begin or end to keep near what is read."""
        if self._nearing:
            return
        self._nearing = True
        on = not self.catalogue.stats().near.on
        doing = f"switch the near tier {'on' if on else 'off'}"
        run(self, self._use_near(on), doing=doing, group="near", exclusive=False)

    async def _use_near(self, on: bool) -> None:
        try:
            await self.catalogue.near(on)
        finally:
            self._nearing = False
        near = self.catalogue.stats().near
        self.memory.change(near=near.on)
        severity: SeverityLevel = "warning" if near.problem else "information"
        self.notify(near_told(near), title="Near tier", severity=severity, markup=False)
        self._show_active(self._switching)

    def _switch(self, kind: Kind, name: str, use: Callable[[str], Awaitable[None]]) -> None:
        if self._switching is not None:
            self.notify(f"Still switching to {self._switching}.", severity="warning", markup=False)
            return
        self._switching = STORE_NAMES.get(name, name)
        doing = f"switch to {self._switching}"
        self._switch_work = run(self, self._use(kind, name, use), doing=doing, group="switch")

    def action_clear(self) -> None:
        """Stop a switch that waits, or else do what Esc does without one."""
        if self._switching is None or self._switch_work is None:
            super().action_clear()
        elif self.catalogue.settling:
            self._switch_work.cancel()
            self.notify("Stopped: what was in force before stays in force.", title="Switch", markup=False)
        else:
            told = f"{self._switching} is being opened, which cannot be stopped halfway; switch back afterwards."
            self.notify(told, title="Switch", severity="warning", markup=False)

    async def _use(self, kind: Kind, name: str, use: Callable[[str], Awaitable[None]]) -> None:
        """Switch, and say and remember it only when it is done; the table keeps its rows, its place and its cursor."""
        store = self.catalogue.store
        self.say(f"Switching to {self._switching}…")
        self._show_active(name)
        waiting = self.set_interval(_WAITING_SECONDS, self._say_what_for)
        try:
            await use(name)
            self.memory.change(**{kind: name})
        finally:
            waiting.stop()
            self._switching = None
            self.say("")
            self._show_active()
        if self.catalogue.store != store:
            self.query_one(FilterLine).whole = None
            self.query_one(MovieTable).forget_versions()
            self.show_query(self.query_now, keep_place=True)

    def _say_what_for(self) -> None:
        """While a switch lasts: what it waits for, if that is what takes its time."""
        waited = str(self.catalogue.unfinished)
        stops = " · Esc stops it" if self.catalogue.settling else ""
        self.say(f"Switching to {self._switching}{f': waiting for {waited}' if waited else ''}…{stops}")

    def _show_active(self, switching_to: str | None = None) -> None:
        near = self.catalogue.stats().near
        self.query_one(StrategyBar).show(self.catalogue.strategy, self.catalogue.store, switching_to, near=near.on)
