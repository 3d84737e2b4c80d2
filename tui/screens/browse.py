"""BrowseScreen: the movie table with its panels around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from textual import events, on
from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker

from core.catalogue import Catalogue
from core.errors import StoreUnavailable
from core.filter_text import filter_text
from core.lab.visitors import Visitors
from core.query import Query, ValueCount
from tui.actions import bindings
from tui.empty import away_lines, empty_lines
from tui.messages import StatsSampled
from tui.remembered import Memory
from tui.row_window import Request
from tui.screens.faults import FaultScreen, switch
from tui.screens.strategies import StoreScreen, StrategyScreen
from tui.screens.touring import TouringScreen
from tui.screens.visitors import VisitorsScreen, visitors_mark
from tui.widgets.detail import DetailPanel
from tui.widgets.filling_line import FillingLine
from tui.widgets.filter_bar import FilterLine, describe_filter
from tui.widgets.genres import GenrePanel
from tui.widgets.key_footer import KeyFooter
from tui.widgets.movie_table import MovieTable
from tui.widgets.status import STORE_NAMES
from tui.widgets.strategy_bar import Kind, StrategyBar
from tui.widgets.years import YearsPanel
from tui.work import run

_RETRY_SECONDS: Final = 2.0
_WAITING_SECONDS: Final = 0.1
_DETAIL_DELAY: Final = 0.2


class BrowseScreen(TouringScreen):
    """Browse, search, filter and edit one catalogue, and see what its cache does."""

    BINDINGS = bindings("everywhere")
    AUTO_FOCUS = "MovieTable"

    def __init__(self, catalogue: Catalogue, memory: Memory) -> None:
        super().__init__(catalogue, memory)
        self._filling = False
        self._switching: str | None = None
        self._switch_work: Worker[None] | None = None
        self._generation: str | None = None
        self._followed = False
        """Whether a state of the collection was ever seen."""
        self._counts: tuple[Query, tuple[ValueCount, ...]] = (Query(), ())
        self._retry: Timer | None = None
        self._detail: Timer | None = None
        self.visitors = Visitors(catalogue)

    def on_mount(self) -> None:
        if self.app.return_value is not None:
            return  # Textual mounts no parts of a screen once the app ends
        self._filling = self.catalogue.filling is not None
        self.query_one(MovieTable).choose(self.memory.now.columns)
        self.show_query(self.query_now)
        self._show_active()
        run(self, self.catalogue.ready(), doing="load the shipped catalogue", group="filling")

    # ------------------------------------------------------------------------------------------------------ reading

    def show_query(self, query: Query, *, keep_place: bool = False) -> None:
        """Show another query's movies and genres; the old rows stay until the new ones are there."""
        self.query_now = query
        self.memory.change(filter=filter_text(query), sort=query.sort, descending=query.descending)
        line = self.query_one(FilterLine)
        line.filters, line.matches = describe_filter(query), None
        self.query_one(KeyFooter).filtered = bool(line.filters)
        self.query_one(MovieTable).show(query, keep_place=keep_place)
        self._read_genres()

    def action_reload(self) -> None:
        """Ask again for what is shown."""
        self.query_one(MovieTable).renew()
        self._read_genres()

    @on(MovieTable.PageWanted)
    def read_page(self, event: MovieTable.PageWanted) -> None:
        run(self, self._read_page(event.request, event.query), doing="read the movies", group="page")

    async def _read_page(self, request: Request, query: Query) -> None:
        table = self.query_one(MovieTable)
        try:
            page = await self.catalogue.browse(query, request.offset, request.limit)
        except BaseException as error:
            table.fail(request)
            if isinstance(error, Exception):
                self._store_away(error)
            raise
        if page.freshness == "stale":
            self._retry_soon(f"{self.store_name} is away: last known state")
        else:
            self._store_back()
        table.take(request, page)
        line = self.query_one(FilterLine)
        line.matches = page.total
        if not query.selective:
            line.whole = page.total
        self._show_place()
        self._show_genres()

    def _store_away(self, error: Exception) -> None:
        if not isinstance(error, StoreUnavailable):
            self._retry_soon("")
            return
        self._retry_soon(f"{self.store_name} is away, trying again: {error.reason}")
        if self.query_one(MovieTable).window.total is None:
            self._say_in_table(away_lines(error))

    def _retry_soon(self, problem: str) -> None:
        """Show the rows as what they are, outdated, and ask for them again in a while."""
        if problem:
            self.say(problem, alarming=True)
        self.add_class("-stale")
        if self._retry is None:
            self._retry = self.set_timer(_RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self.action_reload()

    def _store_back(self) -> None:
        if self.has_class("-stale"):
            self.remove_class("-stale")
            self.say("")

    def _read_genres(self) -> None:
        run(self, self._fetch_genres(self.query_now), doing="count the genres", group="genres")

    async def _fetch_genres(self, query: Query) -> None:
        genres, years = await asyncio.gather(self.catalogue.genres(query), self.catalogue.years(query))
        self._counts = (query, genres)
        self.query_one(YearsPanel).show(years)
        if not query.selective:
            self.known_genres = tuple(count.name for count in self._counts[1])
        self._show_genres()

    def _show_genres(self) -> None:
        """Show the histogram as soon as it and the number of movies are known of the same query."""
        total = self.query_one(FilterLine).matches
        query, counts = self._counts
        if total is not None and same_filter(query, self.query_now):
            self.query_one(GenrePanel).show(counts, query.genres, total)

    @on(StatsSampled)
    def show_stats(self, event: StatsSampled) -> None:
        event.stop()
        self.watch_stats(event.stats)
        filling = self.catalogue.filling
        self.query_one(FillingLine).progress = filling
        self._filling |= filling is not None
        # Once more when the filling has ended; and then only, for an answer under way may be of before its end.
        if self._filling and not self.query_one(MovieTable).window.waiting:
            self._filling = filling is not None
            self.action_reload()
        self._follow_others(event.stats.generation)

    def _follow_others(self, generation: str | None) -> None:
        """Read the rows in view again once anybody has written since they were read."""
        if generation == self._generation or self.query_one(MovieTable).window.waiting:
            return
        first, self._generation = self._generation is None and not self._followed, generation
        self._followed = True
        # The first one was made for what stands here already.
        if not first:
            self.action_reload()

    # ------------------------------------------------------------------------------------------- place in the table

    @on(MovieTable.Moved)
    def show_place(self, event: MovieTable.Moved) -> None:
        self._show_place()
        self._read_detail_soon()

    def _show_place(self) -> None:
        table = self.query_one(MovieTable)
        total = table.window.total
        marked = f"{len(table.marked):,} marked · " if table.marked else ""
        many = "reading…" if total is None else "1 movie" if total == 1 else f"{total:,} movies"
        order = f"{self.query_now.sort.replace('_', ' ')} {'▼' if self.query_now.descending else '▲'}"
        caption = Content(f"{marked}{many} · {order}")
        # A new caption repaints the whole table: so it says nothing that changes with the cursor.
        if table.border_subtitle != caption.markup:
            table.border_subtitle = caption
        if total == 0:
            self._say_in_table(empty_lines(self.query_now, self.store_name, filling=self.catalogue.filling is not None))

    def _say_in_table(self, lines: tuple[str, ...]) -> None:
        table = self.query_one(MovieTable)
        if lines != table.when_empty:
            table.when_empty = lines
            table.refresh()

    def action_pane(self, pane: str) -> None:
        super().action_pane(pane)
        if pane == "details":
            self._read_detail_soon()

    @on(events.Resize)
    def _read_detail_soon(self) -> None:
        if self._detail is not None:
            self._detail.stop()
        self._detail = self.set_timer(_DETAIL_DELAY, self._read_detail)

    def _read_detail(self) -> None:
        """Read the movie under the cursor, where there is a panel to show it."""
        if self.query_one(DetailPanel).region and (movie := self.query_one(MovieTable).current) is not None:
            run(self, self._fetch_detail(movie.id), doing="read the movie", group="detail")

    async def _fetch_detail(self, id: str) -> None:
        self.query_one(DetailPanel).show(await self.catalogue.read(id))

    # ------------------------------------------------------------------------------------------ strategies and stores

    def action_choose_strategy(self) -> None:
        chooser = StrategyScreen(
            self.catalogue.strategies,
            self.catalogue.strategy,
            self.windows.summary(),
            lambda: self.catalogue.stats().trace,
            self.catalogue.store,
        )
        self.app.push_screen(chooser, self._switch_strategy)

    def action_choose_store(self) -> None:
        self.app.push_screen(StoreScreen(self.catalogue.stores, self.catalogue.store), self._switch_store)

    def action_choose_fault(self) -> None:
        self.app.push_screen(FaultScreen(self.catalogue.faults.active), self._break)

    def _break(self, chosen: str | None) -> None:
        if chosen is not None:
            run(self, self._switch_fault(chosen), doing="switch the fault", group="fault", exclusive=False)

    async def _switch_fault(self, chosen: str) -> None:
        movie = self.query_one(MovieTable).current
        said = await switch(self.catalogue.faults, chosen, movie.id if movie else None)
        self.notify(said, title="Fault", severity="warning", markup=False)

    @property
    def visitors_mark(self) -> str:
        return visitors_mark(self.visitors)

    def action_visitors(self) -> None:
        self.app.push_screen(VisitorsScreen(self.visitors))

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
        self.query_one(StrategyBar).show(self.catalogue.strategy, self.catalogue.store, switching_to)


def same_filter(one: Query, other: Query) -> bool:
    """Whether two queries select the same movies, in whatever order."""
    return msgspec.structs.replace(one, sort="title", descending=False) == msgspec.structs.replace(
        other, sort="title", descending=False
    )
