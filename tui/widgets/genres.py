"""GenrePanel: how many movies of the current filter have each genre; choosing a bar filters by it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from core.query import ValueCount
from tui import figures
from tui.widgets.cursor_panel import CursorPanel, cursor_bindings
from tui.widgets.lines import Line

_NARROWEST_BAR: Final = 4


class GenrePanel(CursorPanel):
    """One bar for each genre, most first. Up and Down choose one, Enter or a click posts `Chosen`."""

    PART = "genres"
    BORDER_TITLE = "3 Genres"
    DEFAULT_CLASSES = "-framed"
    BINDINGS: ClassVar[list[BindingType]] = [
        *cursor_bindings("genres"),
        Binding("enter,space", "choose", "Filter by this genre", id="genres.choose"),
    ]

    class Chosen(Message):
        """A genre was chosen, or chosen again, which takes it out of the filter."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._counts: tuple[ValueCount, ...] | None = None
        self._chosen: frozenset[str] = frozenset()
        self._bars: list[str] = []
        self._bars_of: tuple[tuple[ValueCount, ...], int] | None = None

    def show(self, counts: tuple[ValueCount, ...], chosen: tuple[str, ...], total: int) -> None:
        """Take the histogram of the filter's answer of `total` movies, and the genres that are in the filter.

        The cursor stays on its genre."""
        at = self._counts[self._cursor].name if self._counts else None
        self._counts, self._chosen = counts, frozenset(chosen)
        names = [genre.name for genre in counts]
        self._cursor = names.index(at) if at in names else min(self._cursor, max(len(names) - 1, 0))
        self.caption(f"of {figures.count(total)} movies" if total != 1 else "of 1 movie")
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A line for each genre: whether it is chosen, its name, its count and its bar."""
        if self._counts is None:
            return [((" Counting…", "muted"),)]
        if not self._counts:
            return [((" No movie of this filter has a genre.", "muted"),)]
        names = [figures.printable(genre.name) for genre in self._counts]
        digits = max(len(figures.count(genre.count)) for genre in self._counts)
        room = max(width - digits - 4 - _NARROWEST_BAR, 4)
        label = min(max(cell_len(name) for name in names), room, max(width // 3, 12))
        bars = self._bars_in(max(width - label - digits - 4, 0))
        return [
            self._line(row, figures.fit(name, label), figures.count(genre.count).rjust(digits), bar)
            for row, (genre, name, bar) in enumerate(zip(self._counts, names, bars, strict=True))
        ]

    def _line(self, row: int, name: str, number: str, bar: str) -> Line:
        chosen = self._counts is not None and self._counts[row].name in self._chosen
        label = f"{'●' if chosen else ' '} {name} {number}"
        if row == self._cursor and self.has_focus:
            return (label, "cursor"), (f" {bar}", "chosen" if chosen else "chart")
        return (label, "chosen" if chosen else ""), (f" {bar}", "chosen" if chosen else "chart")

    def _bars_in(self, width: int) -> list[str]:
        """The bars in so many cells, drawn anew only when the counts or the width changed (it takes some 20 ms)."""
        counts = self._counts or ()
        if self._bars_of != (counts, width):
            self._bars = bars([genre.count for genre in counts], width)
            self._bars_of = (counts, width)
        return self._bars

    @property
    def count(self) -> int:
        """How many genres there are."""
        return len(self._counts or ())

    def action_choose(self) -> None:
        """Post the genre under the cursor."""
        if self._counts:
            self.post_message(self.Chosen(self._counts[self._cursor].name))

    def on_click(self, event: events.Click) -> None:
        """Choose the genre that was clicked."""
        if (row := self.clicked(event)) is not None:
            self._cursor = row
            self.redraw()
            self.action_choose()


def bars(counts: Sequence[int], width: int) -> list[str]:
    """Horizontal bars drawn by plotext, one row for each count, the greatest filling the width.

    Whatever is more than nothing has a bar, however short."""
    rows = len(counts)
    # A bar of no length would blank the beginning of its neighbour.
    bars_at = {rows - row: count for row, count in enumerate(counts) if count > 0}
    if not bars_at or width < 1:
        return [""] * rows
    from textual_plotext.plot import Plot  # some 60 ms, paid by the first histogram and not by the start

    plot = Plot()
    plot.theme("clear")
    plot.plotsize(width, rows)
    plot._set_size(width, rows)  # plotsize alone limits a plot to the real terminal, as textual-plotext found too
    plot.frame(False)
    # Half-cell marker, bars half a row wide and one row for each: anything else blends neighbours into stairs.
    plot.bar(list(bars_at), list(bars_at.values()), orientation="horizontal", width=0.5, marker="hd")
    plot.xticks([])
    plot.yticks([])
    plot.xlim(0, max(counts))
    plot.ylim(0.5, rows + 0.5)
    drawn = _COLOUR.sub("", plot.build()).split("\n")
    return [row.rstrip().translate(_LIGHTER) for row in drawn[:rows]]


_LIGHTER: Final = str.maketrans("█▌", "━╸")
"""Bars that leave air between the rows."""
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
