"""StatusLine: in one line, what is in force and how it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from core.observe.histogram import percentile
from tui import figures
from tui.widgets.lines import Line, LinePanel, Part, line_width
from tui.windows import Summary, read_latency

STORE_NAMES: Final = {"postgresql": "PostgreSQL", "mongodb": "MongoDB"}


class StatusLine(LinePanel, can_focus=False):
    """Strategy, store, hit ratio and p95 of the window, and Redis; in words and red while Redis is away."""

    DEFAULT_CSS: ClassVar[str] = "StatusLine { height: 1; overflow-y: hidden; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: Summary | None = None

    def show(self, summary: Summary) -> None:
        """Take the figures of this moment."""
        self._summary = summary
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The line, without what has no room."""
        return [status_line(self._summary, width)] if self._summary else [((" connecting…", "muted"),)]


def status_line(summary: Summary, width: int) -> Line:
    """The line in so many cells: when Redis is away that comes first, as it explains every other figure."""
    stats, now = summary.stats, summary.now.total
    store = STORE_NAMES.get(stats.store, stats.store)
    away = redis_away(summary, store)
    p95 = figures.latency(percentile(read_latency(now), 0.95))
    parts: list[Line] = [
        ((stats.strategy, "value"),),
        ((store, ""),),
        (("hit ", "muted"), (figures.ratio_in_words(now), ""), (f" ({summary.span.label})", "muted")),
        (("p95 ", "muted"), (p95, "")),
        (("Redis ", "muted"), ("ok", "good")),
    ]
    if away is not None:
        parts = [(away,), *parts[:-1]]
    line: Line = ((" ", ""),)
    for index, part in enumerate(parts):
        divided: Line = (*(((" · ", "muted"),) if index else ()), *part)
        if line_width(line) + line_width(divided) <= width:
            line += divided
    if away is not None and len(line) == 1:
        return ((figures.fit(f" {away[0]}", width), away[1]),)
    return line


def redis_away(summary: Summary, store: str) -> Part | None:
    """What to say while Redis is not used; None while it is."""
    if summary.stats.breaker == "half-open":
        return f"Redis is being tried again: reading from {store}", "warning"
    if summary.stats.breaker == "open" or summary.stats.cache_problem:
        return f"Redis away: reading from {store}", "bad"
    return None
