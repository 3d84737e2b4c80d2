"""YearsPanel: how many movies of the current filter are of each year, as a row of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from core.query import ValueCount
from tui import figures
from tui.widgets.lines import Line, LinePanel
from tui.widgets.sparkline import sparkline


class YearsPanel(LinePanel, can_focus=False):
    """One block for each year, or for each few where there are more years than cells; the years below.

    Where there is room for a third line, it names the decades."""

    PART = "years"
    BORDER_TITLE = "Years"
    DEFAULT_CLASSES = "-framed"
    DEFAULT_CSS: ClassVar[str] = "YearsPanel { height: 4; padding: 0 1; overflow-y: hidden; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._counts: tuple[ValueCount, ...] | None = None

    def show(self, counts: tuple[ValueCount, ...]) -> None:
        """Take the years of the filter's answer."""
        self._counts = counts
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The blocks, below them the decades where there is room, then the first year, the one of most and the last."""
        if self._counts is None:
            return [(("Counting…", "muted"),)]
        counts = {int(year.name): year.count for year in self._counts}
        if not counts:
            return [(("No movie of this filter has a year.", "muted"),)]
        first, last = min(counts), max(counts)
        step = max(1, -(-(last - first + 1) // width))
        columns = [sum(counts.get(year + i, 0) for i in range(step)) for year in range(first, last + 1, step)]
        most = max(columns)
        blocks = sparkline([count / most if count else None for count in columns], len(columns))
        at = columns.index(most) * step + first
        top = f"{at}–{min(at + step - 1, last)}" if step > 1 else str(at)
        peak = f"most {top}: {figures.count(most)}"
        ends = (str(first), str(last)) if first != last else (str(first), "")
        room = len(columns) - len(ends[0]) - len(ends[1])
        between = peak.center(room) if room >= len(peak) + 2 else " " * max(room, 1)
        after = "" if room >= len(peak) + 2 else f"  {peak}"
        lines: list[Line] = [((blocks, "chart"),), ((f"{ends[0]}{between}{ends[1]}{after}"[:width], "muted"),)]
        if height > len(lines) and (ticks := decade_ticks(first, last, step)):
            lines.insert(1, ((ticks, "muted"),))
        return lines


def decade_ticks(first: int, last: int, step: int) -> str:
    """A mark below the block that holds the first year of each decade, with its name where that has room.

    Only every second, or fifth, decade is named where they stand too close."""
    decades = range(-(-first // 10) * 10, last + 1, 10)
    columns = (last - first) // step + 1
    for every in (1, 2, 5, 10):
        if every * 10 // step >= len("╵1940s") + 1:
            line = ""
            for decade in decades:
                at = (decade - first) // step
                name = f"╵{decade}s" if decade // 10 % every == 0 else "╵"
                if at >= len(line):
                    line = line.ljust(at) + (name if at + len(name) <= columns else "╵")
            return line if line.strip(" ╵") else ""
    return ""
