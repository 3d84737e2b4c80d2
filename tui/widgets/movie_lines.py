"""MovieLines: the rows of one query in view, each drawn as one line and kept as Textual finished it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.model import Movie
from core.query import Query
from tui.columns import GAP, OPTIONAL, TRENDING, WITH_IMDB, Column, Placed, cut, fit
from tui.row_window import Row, RowWindow
from tui.widgets.movie_row import header_strip, row_strip

HEADER_LINES: Final = 1
_LINES_KEPT: Final = 256
"""Lines that are kept finished: both ends of the answer and some pages about the cursor; about 1 MB."""


class _Shown(NamedTuple):
    number: int
    is_cursor: bool
    is_marked: bool
    is_changed: bool


class MovieLines(ScrollView, can_focus=True, can_focus_children=False):
    """The lines of the rows that are held, with a cursor, marks, and what was changed by others. It moves nothing.

    A finished line has its frame, its theme and its escape codes; to make those is most of the work of a frame, and a
    person goes back and forth. So a line is kept as long as nothing that shows in it is another."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "movie-table--header",
        "movie-table--sorted",
        "movie-table--number",
        "movie-table--title",
        "movie-table--rest",
        "movie-table--loading",
        "movie-table--cursor",
        "movie-table--cursor-blurred",
        "movie-table--hit",
        "movie-table--near",
        "movie-table--miss",
        "movie-table--marked",
        "movie-table--changed",
    }
    DEFAULT_CSS = """
    MovieLines {
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 30%;
        scrollbar-color-hover: $foreground 50%;
        scrollbar-color-active: $border;
        scrollbar-background: $surface;
        scrollbar-background-hover: $surface;
        scrollbar-background-active: $surface;
        overflow-x: hidden;
        overflow-y: auto;
        border: round $border-blurred;
        border-title-color: $foreground 70%;
        border-subtitle-color: $foreground 60%;
        &:focus { border: round $border; border-title-color: $foreground; border-title-style: bold; }

        & .movie-table--header { color: $text-muted; text-style: bold; }
        & .movie-table--sorted { color: $text-accent; text-style: bold; }
        & .movie-table--number { color: $text-muted; }
        & .movie-table--title { color: $foreground; }
        & .movie-table--rest { color: $text-muted; }
        & .movie-table--loading { color: $text-muted; }
        & .movie-table--cursor {
            color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold;
        }
        & .movie-table--cursor-blurred { background: $block-cursor-blurred-background; text-style: bold; }
        & .movie-table--hit { color: $text-success; }
        & .movie-table--near { color: $text-accent; }
        & .movie-table--miss { color: $text-warning; }
        & .movie-table--marked { color: $text-accent; text-style: bold; }
        & .movie-table--changed { color: $text-warning; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = RowWindow()
        self.query_shown = Query()
        self.cursor = 0
        self._skip = 0
        self._columns: tuple[Column, ...] = OPTIONAL
        self._chosen: tuple[str, ...] | None = None
        self._styles: dict[str, Style] = {}
        self._fitted: tuple[tuple[object, ...], tuple[Placed, ...]] | None = None
        """The columns at their places, with what they were fitted to: every line asks for them."""
        self._finished: OrderedDict[_Shown, tuple[Row, Strip]] = OrderedDict()
        self._look_kept: tuple[object, ...] = ()
        """What the finished lines have in common, beside the theme."""
        self.when_empty: tuple[str, ...] = ()
        """What stands in place of rows where there are none."""
        self.marked: dict[str, Movie] = {}
        """The movies that are marked, by id, in the order of their marking."""
        self._changed: set[str] = set()
        """The movies whose row changed within the last seconds."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns beside number, title and mark, as far as the person wants them."""
        if self._chosen is None:
            return self._columns
        by_id = {column.id: column for column in (*WITH_IMDB, *OPTIONAL)}
        return tuple(by_id[id] for id in self._chosen if id in by_id)

    def choose(self, columns: tuple[str, ...] | None) -> None:
        """Show these columns, by their ids, as far as they fit; None shows what fits best."""
        self._chosen, self._skip = columns, 0
        self.refresh()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The columns at their places, for the present width."""
        width, sort = self.scrollable_content_region.width, self.query_shown.sort
        columns = (*self.columns, TRENDING[sort]) if sort in TRENDING else self.columns
        wanted = (width, self._number_width, columns, self._skip, sort)
        if self._fitted is None or self._fitted[0] != wanted:
            self._fitted = (wanted, fit(*wanted))
        return self._fitted[1]

    @property
    def rows_in_view(self) -> int:
        """How many rows there is room for, at least one."""
        return max(1, self.scrollable_content_region.height - HEADER_LINES)

    @property
    def _number_width(self) -> int:
        return max(4, len(f"{self.window.total or 0:,}"))

    # ------------------------------------------------------------------------------------------------------ drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._finished.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the widget, its frame included: those kept, and between them those made anew."""
        look = (crop.column_span, self.placed, self._number_width)
        if look != self._look_kept:
            self._look_kept = look
            self._finished.clear()
        strips: list[Strip] = []
        first, rows = crop.y, self._rows(crop)
        for y, (number, row) in rows.items():
            kept = self._finished.get(self._shows(number, row))
            if kept is not None and kept[0] == row:
                strips += self._made(crop, first, y, rows)
                strips.append(kept[1])
                first = y + 1
        return strips + self._made(crop, first, crop.bottom, rows)

    def _made(self, crop: Region, first: int, end: int, rows: Mapping[int, tuple[int, Row]]) -> list[Strip]:
        """The lines from `first` to before `end` as Textual makes them; those of rows are kept."""
        if first == end:
            return []
        made = super().render_lines(Region(crop.x, first, crop.width, end - first))
        for y, strip in zip(range(first, end), made, strict=True):
            if y in rows:
                number, row = rows[y]
                self._finished[self._shows(number, row)] = row, strip
        while len(self._finished) > _LINES_KEPT:
            self._finished.popitem(last=False)
        return made

    def _rows(self, crop: Region) -> dict[int, tuple[int, Row]]:
        """The rows that are held, with their numbers, by the line of the widget that each is on."""
        top = self.content_region.y - self.region.y + HEADER_LINES
        above = self.scroll_offset.y - top
        row_of = self.window.row
        lines = range(max(crop.y, top), min(crop.bottom, top + self.rows_in_view))
        return {y: (y + above, row) for y in lines if (row := row_of(y + above)) is not None}

    def _shows(self, number: int, row: Row) -> _Shown:
        """What a line shows beside its row and what all lines have in common."""
        return _Shown(number, number == self.cursor, row.movie.id in self.marked, row.movie.id in self._changed)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y < HEADER_LINES:
            label = cut("#", self._number_width, "right") + " " * GAP
            header = header_strip(label, self.placed, self.query_shown, self._style)
            return header.adjust_cell_length(width, self._style("header"))
        number = self.scroll_offset.y + y - HEADER_LINES
        if self.window.total is None or number >= self.window.total:
            return self._blank(y - HEADER_LINES, width)
        return self._line(number).adjust_cell_length(width, self._style("rest"))

    def _blank(self, y: int, width: int) -> Strip:
        """A line without a movie; where there is none at all, the first of them say why."""
        if self.window.total or not 1 <= y <= len(self.when_empty):
            return Strip.blank(width, self._style("rest"))
        text = " " * GAP + self.when_empty[y - 1]
        return Strip([Segment(cut(text, width), self._style("title" if y == 1 else "rest"))])

    def _line(self, number: int) -> Strip:
        cursor = None
        if number == self.cursor:
            cursor = "cursor" if self.has_focus else "cursor-blurred"
        row = self.window.row(number)
        shows = self._shows(number, row) if row is not None else None
        marked, changed = shows is not None and shows.is_marked, shows is not None and shows.is_changed
        # Characters as well as colours, for a terminal that has none.
        label = cut(f"{number + 1:,}", self._number_width, "right") + ("●" if marked else "*" if changed else " ") + " "
        kind = "changed" if changed else "marked" if marked else "number"
        return row_strip(label, row, self.placed, lambda name: self._style(cursor or name), number_style=kind)

    def _refresh_row(self, number: int) -> None:
        y = number - self.scroll_offset.y + HEADER_LINES
        if HEADER_LINES <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"movie-table--{name}")
        return style
