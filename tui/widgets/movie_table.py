"""MovieTable: a table of any length that draws the rows in view and asks for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.timer import Timer

from core.model import Movie
from core.query import Page, Query
from tui.asking import Asking
from tui.bindings import bindings
from tui.columns import GAP, WITH_IMDB
from tui.row_window import Request, Row
from tui.terms import COLUMNS, PANELS
from tui.widgets.explained import Explained
from tui.widgets.extent import set_extent
from tui.widgets.movie_lines import HEADER_LINES, MovieLines

_CHANGE_SHOWN: Final = 3.0
"""Seconds that a row which changed under the person stands out."""
_VERSIONS_KEPT: Final = 20_000
_STILL: Final = 0.03
"""Seconds for which the screen waits for rows that the view leapt to, before it shows that they are not there."""


class _Place(NamedTuple):
    """Where the table stood before the answer grew too short for it, as while another store is being filled."""

    cursor: int
    id: str | None
    top: int


class MovieTable(MovieLines, Explained):
    """The rows of one query. It posts `PageWanted`; whoever reads the movies answers with `take` or `fail`.

    The cursor is a movie's id and a row number: it stays with the movie when a reload finds it near by, and with the
    number where the id is gone. The last column says where the row came from: h Redis, n near tier, m store.
    """

    BORDER_TITLE = "1 Movies"
    BINDINGS = bindings("movies")

    class PageWanted(Message):
        """Rows are in view that are not held."""

        def __init__(self, request: Request, query: Query) -> None:
            super().__init__()
            self.request = request
            self.query = query

    class PageUnwanted(Message):
        """The rows of the last `PageWanted` are out of sight and not there yet."""

    class Moved(Message):
        """Another row is under the cursor, or the one there was read (anew)."""

        def __init__(self, number: int, row: Row | None) -> None:
            super().__init__()
            self.number = number
            self.row = row

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MovieTable.Moved)

    class Opened(Message):
        """A movie was asked to be shown whole."""

        def __init__(self, movie: Movie) -> None:
            super().__init__()
            self.movie = movie

    class SortChosen(Message):
        """The header of a column was clicked; `field` is what a query sorts by."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cursor_id: str | None = None
        self._to_top = False
        self._to_end = False
        """The last row is gone to as soon as it is known which one that is."""
        self._left: _Place | None = None
        self._versions: dict[str, int] = {}
        self._asking = Asking(self.window)
        self._asking_soon: Timer | None = None
        self._still = ExitStack()
        """Holds the screen still while it is entered."""
        self._patient = True

    # ------------------------------------------------------------------------------------------------ what it shows

    @property
    def current(self) -> Movie | None:
        """The movie under the cursor, as far as it was read."""
        row = self.window.row(self.cursor)
        return row.movie if row else None

    @property
    def wanted_at_once(self) -> int:
        """Rows of an answer yet to come that reach to the end of the screen, and one that shows that it goes on."""
        top = 0 if self._to_top else self.scroll_offset.y
        return top + self.rows_in_view + 1

    def show(self, query: Query, *, keep_place: bool = False) -> None:
        """Show the answer to a query: from its top, or where the table stands now."""
        self.query_shown = query
        self.window.restart()
        self._to_top, self._to_end = not keep_place, False
        if not keep_place:
            self._left = None
        self.refresh()
        self._look()

    def renew(self) -> None:
        """Read the rows in view again; those there stay until the answer comes."""
        self.window.renew()
        self._look()

    def take(self, request: Request, page: Page) -> None:
        """The answer to a `PageWanted`; one that came too late is dropped."""
        before = (self.window.total, self.window.restarted, self.cursor)
        if not self.window.answer(request, page):
            return
        self._compare(page.movies)
        if any(movie.imdb_rating is not None for movie in page.movies):
            self._columns = WITH_IMDB
        if self._left is None and not self._to_top and self.cursor >= max(1, page.total):
            self._left = _Place(self.cursor, self._cursor_id, self.scroll_offset.y)
        set_extent(self, Size(1, page.total + HEADER_LINES))
        if self._left is not None and self._left.cursor < page.total:
            self.cursor, self._cursor_id, top = self._left
            self._left = None
            self.scroll_to(y=top, animate=False, immediate=True)
        if self._to_top:
            self._to_top = False
            self.cursor, self._cursor_id = 0, None
            self.scroll_to(y=0, animate=False, immediate=True)
        if self._to_end and page.counted:
            self._move_to(page.total - 1)
        self._settle()
        top = self.scroll_offset.y
        in_sight = request.offset < top + self.rows_in_view and top < request.offset + request.limit
        if in_sight or before != (self.window.total, self.window.restarted, self.cursor):
            self.refresh()
            self._tell()
        self._patient = True
        self._look()

    def fail(self, request: Request) -> None:
        """The answer to a `PageWanted` that could not be had; `renew` asks again."""
        self.window.give_up(request)
        self._still.close()

    def go_to(self, number: int, id: str | None = None) -> None:
        """Put the cursor on a row; on this movie, should it stand near by once the rows are read.

        A row of an answer that is yet to come, longer than the one shown, is gone to when it comes."""
        self._move_to(number)
        if id is not None:
            self._cursor_id = id
        if number >= (self.window.total or 0):
            self._left = _Place(number, id, max(0, number - self.rows_in_view // 2))

    # ------------------------------------------------------------------------------------------------------- moving

    def action_move(self, rows: int) -> None:
        self._move_to(self.cursor + rows)

    def action_page(self, screens: float) -> None:
        rows = int(self.rows_in_view * screens)
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, immediate=True)
        self._move_to(self.cursor + rows)

    def action_edge(self, side: int) -> None:
        self._move_to(0 if side < 0 else (self.window.total or 1) - 1)
        self._to_end = side > 0 and (self.window.restarted or not self.window.counted)

    def action_shift(self, columns: int) -> None:
        most = len(self.columns) - 1
        self._skip = max(0, min(most, self._skip + columns))
        self.refresh()

    def action_mark(self) -> None:
        """Mark the movie under the cursor, or take its mark away, and go on to the next row."""
        if (movie := self.current) is not None:
            if self.marked.pop(movie.id, None) is None:
                self.marked[movie.id] = movie
            self.action_move(1)
            self._refresh_row(self.cursor)

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self.refresh()
        self._tell()

    def forget_versions(self) -> None:
        """What comes next is another store's: that its versions differ means nothing."""
        self._versions.clear()

    def _compare(self, movies: Sequence[Movie]) -> None:
        """Remember the versions read; show for a while which of them are others than before."""
        changed = {movie.id for movie in movies if self._versions.get(movie.id, movie.version) != movie.version}
        if len(self._versions) > _VERSIONS_KEPT:
            self._versions.clear()
        self._versions.update((movie.id, movie.version) for movie in movies)
        self.marked.update((movie.id, movie) for movie in movies if movie.id in self.marked)
        if changed:
            self._changed |= changed
            self.set_timer(_CHANGE_SHOWN, lambda: self._calm(changed))

    def _calm(self, ids: set[str]) -> None:
        self._changed -= ids
        self.refresh()

    def action_open(self) -> None:
        if (movie := self.current) is not None:
            self.post_message(self.Opened(movie))

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        event.stop()
        if place.y < HEADER_LINES:
            for column, left, width in ((p.column, p.left, p.width) for p in self.placed):
                if left <= place.x < left + width + GAP and column.sort:
                    self.post_message(self.SortChosen(column.sort))
            return
        self._move_to(self.scroll_offset.y + place.y - HEADER_LINES)
        if event.chain == 2:
            self.action_open()

    def explanation(self, place: Offset | None) -> str:
        """What a column holds, on its header; what the mark at the end of a row means; the table, on its frame."""
        if place is None:
            return PANELS["movies"]
        last = self.placed[-1]
        if place.x >= last.left + last.width:
            return COLUMNS["tier"]
        if place.y >= HEADER_LINES:
            return ""
        at = (placed.column.id for placed in reversed(self.placed) if placed.left <= place.x)
        return COLUMNS[next(at, "number")]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._look()

    def on_resize(self) -> None:
        self._look()

    def on_focus(self) -> None:
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        self._refresh_row(self.cursor)

    def _move_to(self, number: int) -> None:
        number = max(0, min(number, (self.window.total or 1) - 1))
        before, self.cursor = self.cursor, number
        self._to_top = self._to_end = False
        self._left = None
        row = self.window.row(number)
        self._cursor_id = row.movie.id if row else None
        top, rows = self.scroll_offset.y, self.rows_in_view
        if not top <= number < top + rows:
            near = abs(number - before) <= rows
            target = (number if number < top else number - rows + 1) if near else number - rows // 2
            self.scroll_to(y=max(0, target), animate=False, immediate=True)
        for changed in {before, number}:
            self._refresh_row(changed)
        self._tell()

    def _settle(self) -> None:
        """Keep the cursor on its movie where a reload moved it, and inside the answer; at the top it stays there."""
        total = self.window.total or 0
        row = self.window.row(self.cursor)
        if self.cursor and self._cursor_id is not None and (row is None or row.movie.id != self._cursor_id):
            found = self.window.find(self._cursor_id)
            if found is not None:
                self.scroll_to(y=self.scroll_offset.y + found - self.cursor, animate=False, immediate=True)
                self.cursor = found
        self.cursor = max(0, min(self.cursor, total - 1))
        row = self.window.row(self.cursor)
        if row is not None:
            self._cursor_id = row.movie.id

    def _look(self) -> None:
        top = 0 if self._to_top else self.scroll_offset.y
        self.window.look(top, self.rows_in_view)
        self._ask()
        if not self.window.blank:
            self._still.close()
        elif self._patient and self.is_mounted:
            self._hold_still()

    def _hold_still(self) -> None:
        """Paint nothing until the rows in view are there, or for a moment: to paint the page without them first takes
        longer than most answers, and keeps them waiting."""
        self._patient = False
        self._still.enter_context(self.app.batch_update())
        self.set_timer(_STILL, self._still.close)

    def on_unmount(self) -> None:
        self._still.close()

    def _ask(self) -> None:
        """Ask for the next page, now or soon; give up the last one where it came to nothing."""
        if not self.is_mounted:
            return
        request, wait, gave_up = self._asking.turn()
        if gave_up:
            self.post_message(self.PageUnwanted())
        if request is not None:
            self.post_message(self.PageWanted(request, self.query_shown))
        if self._asking_soon is not None:
            self._asking_soon.stop()
        self._asking_soon = None if wait is None else self.set_timer(wait, self._ask)

    def _tell(self) -> None:
        self.post_message(self.Moved(self.cursor, self.window.row(self.cursor)))
