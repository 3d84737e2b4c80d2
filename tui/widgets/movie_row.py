"""The lines of the movie table as strips: text cut to its columns, in the styles that the table names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from core.query import Query
from tui.columns import GAP, MARK_WIDTH, Placed, cut
from tui.row_window import Row

_MARKS: Final = {"redis": ("h", "hit"), "near": ("n", "near"), "store": ("m", "miss"), None: ("", "miss")}
"""Letter and style for each tier."""


def header_strip(label: str, placed: Sequence[Placed], query: Query, style: Callable[[str], Style]) -> Strip:
    """The names of the columns, with an arrow at the one that the query sorts by."""
    segments = [Segment(label, style("header"))]
    for column, width in ((p.column, p.width) for p in placed):
        is_sort = column.sort == query.sort
        arrow = (" ▼" if query.descending else " ▲") if is_sort else ""
        name = cut(column.label + arrow, width, column.align)
        segments += [Segment(name, style("sorted" if is_sort else "header")), Segment(" " * GAP, style("header"))]
    return Strip([*segments, Segment("c", style("header"))])


def row_strip(
    label: str,
    row: Row | None,
    placed: Sequence[Placed],
    style: Callable[[str], Style],
    *,
    number_style: str = "number",
) -> Strip:
    """One row behind its number; an ellipsis in place of the title while it is not read yet."""
    title, *others = placed
    number = Segment(label, style(number_style))
    if row is None:
        width = placed[-1].left + placed[-1].width - title.left + MARK_WIDTH
        return Strip([number, Segment(cut("…", width), style("loading"))])
    rest = "".join(" " * GAP + cut(p.column.text(row), p.width, p.column.align) for p in others)
    mark, kind = _MARKS[row.tier]
    return Strip(
        [
            number,
            Segment(cut(row.movie.title, title.width), style("title")),
            Segment(rest, style("rest")),
            Segment(" " * GAP + cut(mark, MARK_WIDTH - GAP), style(kind)),
        ]
    )
