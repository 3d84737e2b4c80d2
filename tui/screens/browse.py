"""BrowseScreen: the movie table with its panels around it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from textual import events, on
from textual.content import Content
from textual.timer import Timer

from core.catalogue import Catalogue
from core.errors import StoreUnavailable
from core.filter_text import filter_text, parse_filter
from core.observe.stats import Stats
from core.query import TRENDS, Page, Query, ValueCount
from core.strategies.orders import Making
from tui import figures
from tui.bindings import bindings
from tui.empty import away_lines, empty_lines
from tui.messages import StatsSampled
from tui.remembered import Memory
from tui.row_window import PAGE_ROWS, Request
from tui.screens import dialogs
from tui.screens.switching import SwitchingScreen
from tui.widgets.detail import DetailPanel
from tui.widgets.filling_line import FillingLine
from tui.widgets.filter_bar import FilterLine, describe_filter
from tui.widgets.genres import GenrePanel
from tui.widgets.key_footer import KeyFooter
from tui.widgets.movie_table import MovieTable
from tui.widgets.years import YearsPanel
from tui.work import run

if TYPE_CHECKING:
    from tui.looking import Left, Look

_RETRY_SECONDS: Final = 2.0
_DETAIL_DELAY: Final = 0.2
_VIEWS_SECONDS: Final = 5.0
"""How often it is looked whether an order by views has changed."""
_ROWS_FIRST: Final = 1.0
"""Seconds that the rows and their number have for themselves before the histograms are asked for beside them."""


class BrowseScreen(SwitchingScreen):
    """Browse, search, filter and edit one catalogue, and see what its cache does."""

    BINDINGS = bindings("everywhere")
    AUTO_FOCUS = "MovieTable"

    def __init__(self, catalogue: Catalogue, memory: Memory) -> None:
        super().__init__(catalogue, memory)
        self._filling = False
        self._generation: str | None = None
        self._followed = False
        """Whether a state of the collection was ever seen."""
        self._views_seen = 0.0
        """When it was last looked whether an order by views has changed, by the monotonic clock."""
        self._believed = True
        """Whether the cache was, at the last look and when the rows were read."""
        self._bypassed = False
        """Whether the rows were read past the cache."""
        self._new = True
        """It was not shown yet."""
        self._counts: tuple[Query, tuple[ValueCount, ...]] | None = None
        self._rows_came = asyncio.Event()
        """The rows of the query in force have come, and are counted."""
        self._making: Making | None = None
        self._look: Look | None = None
        """Where the places were looked at from."""
        self._retry: Timer | None = None
        self._detail: Timer | None = None
        self._at_hand: Page | None = None
        """The first rows, asked for before there is a table for them, so that the screen is not painted without them
        first."""
        if self.app.return_value is None:  # else it ends, and waits for nobody's work
            run(self.app, self._read_first(), doing="read the first movies", group="first page")

    def on_mount(self) -> None:
        if self.app.return_value is not None:
            return  # Textual mounts no parts of a screen once the app ends
        self._filling = self.catalogue.filling is not None
        self.query_one(MovieTable).choose(self.memory.now.columns)
        self.show_query(self.query_now)
        page, self._at_hand = self._at_hand, None
        request = self.query_one(MovieTable).window.under_way
        if page is not None and request is not None:
            if page.counted:
                self._show_page(request, self.query_now, page)
            else:
                self._show_uncounted(request, page)
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
        self._rows_came.clear()
        self.query_one(MovieTable).show(query, keep_place=keep_place)
        self._read_genres()

    def action_places(self) -> None:
        """See what is around a place; the countries there may become the filter."""
        from tui.looking import Look  # and with it the shipped cities

        self.app.push_screen(dialogs.PlacesScreen(self.catalogue, self._look or Look()), self._left_places)

    def _left_places(self, left: Left | None) -> None:
        if left is None:
            return
        self._look = left.look
        if left.countries is not None:
            others = tuple(within for within in self.query_now.within if within[0] != "countries")
            self.change(within=(*others, ("countries", left.countries)))

    def action_reload(self) -> None:
        """Ask again for what is shown."""
        self.query_one(MovieTable).renew()
        self._read_genres()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        if self._new:
            event.refresh_styles, self._new = False, False  # each part was styled as it was mounted

    async def _read_first(self) -> None:
        with suppress(StoreUnavailable):  # told of by whoever asks again
            self._at_hand = await self.catalogue.browse(self.query_now, 0, PAGE_ROWS, hurry=self.app.size.height)

    @on(MovieTable.PageWanted)
    def read_page(self, event: MovieTable.PageWanted) -> None:
        if self.query_one(MovieTable).window.under_way != event.request:
            return  # answered meanwhile
        run(self, self._read_page(event.request, event.query), doing="read the movies", group="page")

    @on(MovieTable.PageUnwanted)
    def stop_reading(self) -> None:
        self.workers.cancel_group(self, "page")

    async def _read_page(self, request: Request, query: Query) -> None:
        table = self.query_one(MovieTable)
        try:
            hurry = table.wanted_at_once if table.window.restarted else 0
            page = await self.catalogue.browse(query, request.offset, request.limit, hurry=hurry)
            if not page.counted:
                self._show_uncounted(request, page)
                page = await self.catalogue.browse(query, request.offset, request.limit)
        except BaseException as error:
            table.fail(request)
            self._let_count(query)
            if isinstance(error, Exception):
                self._store_away(error)
            raise
        self._show_page(request, query, page)

    def _show_uncounted(self, request: Request, page: Page) -> None:
        """Show first rows before it is known how many there are."""
        if page.movies:
            self.query_one(MovieTable).take(request, page)
            self._show_place()

    def _show_page(self, request: Request, query: Query, page: Page) -> None:
        table = self.query_one(MovieTable)
        # A doubt may come and go between two looks. Where nothing is ever cached, once more is enough.
        if page.bypassed and not self._bypassed:
            self._believed = False
        self._bypassed = page.bypassed
        if page.freshness == "stale":
            self._retry_soon(f"{self.store_name} is away: last known state")
        else:
            self._store_back()
        table.take(request, page)
        self._let_count(query)
        line = self.query_one(FilterLine)
        line.matches = page.total
        if not query.selective:
            line.whole = page.total
        self._show_place()
        self._show_genres()

    def _let_count(self, query: Query) -> None:
        """The rows of this query have come, or will not."""
        if query == self.query_now:
            self.call_after_refresh(self._rows_came.set)

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
        with suppress(TimeoutError):
            # They count for as long as the store is at it; one types for the rows, and who types on wants no histogram.
            async with asyncio.timeout(_ROWS_FIRST):
                await self._rows_came.wait()
        await self.whole.wait()
        genres, years = await asyncio.gather(self.catalogue.genres(query), self.catalogue.years(query))
        self._counts = (query, genres)
        self.query_one(YearsPanel).show(years)
        if not query.selective:
            self.known_genres = tuple(count.name for count in genres)
        elif query.genres and not genres and not self.known_genres:
            await self._spell_genres(query)
        self._show_genres()

    async def _spell_genres(self, query: Query) -> None:
        """A genre was filtered by before the names of the genres were known, and no movie has one so spelt."""
        self.known_genres = tuple(count.name for count in await self.catalogue.genres(Query()))
        if query == self.query_now:
            self.filter_by(parse_filter(filter_text(query), self.known_genres))

    def _show_genres(self) -> None:
        """Show the histogram as soon as it and the number of movies are known of the same query."""
        total = self.query_one(FilterLine).matches
        if total is None or self._counts is None:
            return
        query, counts = self._counts
        if same_filter(query, self.query_now):
            self.query_one(GenrePanel).show(counts, query.genres, total)

    @on(StatsSampled)
    def show_stats(self, event: StatsSampled) -> None:
        event.stop()
        if not self.whole.is_set():
            return  # the next ones come soon
        self.watch_stats(event.stats)
        filling = self.catalogue.filling
        self.query_one(FillingLine).progress = filling
        self._show_making()
        self._filling |= filling is not None
        # Once more when the filling has ended; and then only, for an answer under way may be of before its end.
        if self._filling and not self.query_one(MovieTable).window.waiting:
            self._filling = filling is not None
            self.action_reload()
        self._follow_others(event.stats)
        self._follow_views()

    def _follow_others(self, stats: Stats) -> None:
        """Read the rows in view again once anybody has written since they were read; and once the cache is believed, or
        believed again, where they were read without it, for then nothing tells of what others write."""
        if self.query_one(MovieTable).window.waiting:
            return
        before, self._believed = self._believed, stats.doubt is None and stats.cache_problem is None
        again = self._believed and not before
        if stats.generation == self._generation:
            if stats.generation is None and again:
                self.action_reload()
            return
        first, self._generation = self._generation is None and not self._followed, stats.generation
        self._followed = True
        # The first one was made for what stands here already, unless that was read without the cache.
        if not first or again:
            self.action_reload()

    def _follow_views(self) -> None:
        """Look every few seconds whether what is shown by views begins otherwise by now."""
        table, now = self.query_one(MovieTable), time.monotonic()
        at_the_first = table.scroll_offset.y < table.window.page_size
        if self.query_now.sort in TRENDS and at_the_first and now - self._views_seen > _VIEWS_SECONDS:
            self._views_seen = now
            run(self, self._see_views(self.query_now), doing="look at the views", group="views")

    async def _see_views(self, query: Query) -> None:
        if await self.catalogue.moved(query) and query == self.query_now:
            self.query_one(MovieTable).renew()

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
        if not table.window.counted:
            many = f"the first {total:,}, counting…"
        order = f"{self.query_now.sort.replace('_', ' ')} {'▼' if self.query_now.descending else '▲'}"
        if self._making is not None:
            mine = both_ways(self._making.query) == both_ways(self.query_now)
            of = "" if mine else f" of {self._making.query.sort.replace('_', ' ')}"
            order += f" · order index{of} {figures.share(self._making.rows / self._making.of)}"
        caption = Content(f"{marked}{many} · {order}")
        # A new caption repaints the whole table: so it says nothing that changes with the cursor.
        if table.border_subtitle != caption.markup:
            table.border_subtitle = caption
        if total == 0:
            self._say_in_table(empty_lines(self.query_now, self.store_name, filling=self.catalogue.filling is not None))

    def _show_making(self) -> None:
        """Show how far an order index is that is being made."""
        if self.catalogue.ordering != self._making:
            self._making = self.catalogue.ordering
            self._show_place()

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
        if (
            self.whole.is_set()
            and self.query_one(DetailPanel).region
            and (movie := self.query_one(MovieTable).current) is not None
        ):
            run(self, self._fetch_detail(movie.id), doing="read the movie", group="detail")

    async def _fetch_detail(self, id: str) -> None:
        self.query_one(DetailPanel).show(await self.catalogue.read(id))


def same_filter(one: Query, other: Query) -> bool:
    """Whether two queries select the same movies, in whatever order."""
    return msgspec.structs.replace(both_ways(one), sort="title") == msgspec.structs.replace(
        both_ways(other), sort="title"
    )


def both_ways(query: Query) -> Query:
    """The query ascending: one order serves both directions."""
    return msgspec.structs.replace(query, descending=False)
