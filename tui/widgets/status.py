"""StatusLine: in one line, what is in force and how it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len

from core.observe.histogram import percentile
from tui import figures
from tui.widgets.lines import Line, LinePanel, Part, line_width
from tui.windows import Summary, read_latency

_PAUSED: Final = " PAUSED, p goes on "
STORE_NAMES: Final = {"postgresql": "PostgreSQL", "mongodb": "MongoDB"}


class StatusLine(LinePanel, can_focus=False):
    """Strategy, store, hit ratio and p95 of the window, and Redis; in words and red while Redis is away."""

    PART = "status"
    DEFAULT_CSS: ClassVar[str] = "StatusLine { height: 1; overflow-y: hidden; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: Summary | None = None
        self._paused = False
        self._visitors = self._metrics = ""

    @property
    def faulty(self) -> bool:
        """Whether something is broken or simulated on purpose: that is to be seen whatever else is said."""
        return bool(self._visitors) or (self._summary is not None and bool(self._summary.stats.faults))

    def show(self, summary: Summary, *, paused: bool = False, visitors: str = "", metrics: str = "") -> None:
        """Take the figures of this moment, or of that at which they were paused, who makes up part of them, and where
        they are told."""
        self._summary, self._paused, self._visitors, self._metrics = summary, paused, visitors, metrics
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The line, without what has no room."""
        if self._summary is None:
            return [((" connecting…", "muted"),)]
        line = status_line(self._summary, width, paused=self._paused, visitors=self._visitors, metrics=self._metrics)
        return [line]


def status_line(summary: Summary, width: int, *, paused: bool = False, visitors: str = "", metrics: str = "") -> Line:
    """The line in so many cells: first what is broken on purpose, then Redis being away, for either explains every
    other figure; both are cut rather than left out."""
    stats, now = summary.stats, summary.now.total
    store = STORE_NAMES.get(stats.store, stats.store)
    away = redis_away(summary, store)
    p95 = figures.latency(percentile(read_latency(now), 0.95))
    line: Line = ()
    if stats.faults:
        fault = f" FAULT: {', '.join(stats.faults)} "
        line = ((figures.fit(fault, min(cell_len(fault), width)), "fault"),)
    for mark in (_PAUSED if paused else "", f" {visitors} " if visitors else ""):
        if mark:
            line += ((figures.fit(mark, max(0, min(len(mark), width - line_width(line)))), "active"),)
    if line_width(line) < width:
        line += ((" ", ""),)
    begun = len(line)
    if away is not None:
        text, style = away
        line += ((figures.fit(text, min(cell_len(text), width - line_width(line))), style),)
    parts: list[Line] = [
        ((stats.strategy, "value"),),
        ((store, ""),),
        (("hit ", "muted"), (figures.ratio_in_words(now), ""), (f" ({summary.span.label})", "muted")),
        (("p95 ", "muted"), (p95, "")),
    ]
    if away is None:
        parts.append((("Redis ", "muted"), ("ok", "good")))
    if stats.near.on:
        parts.append((("near ", "muted"), ("nothing kept", "warning") if stats.near.problem else ("on", "good")))
    if metrics:
        parts.append((("metrics ", "muted"), (metrics, "")))
    for part in parts:
        divided: Line = (*(((" · ", "muted"),) if len(line) > begun else ()), *part)
        if line_width(line) + line_width(divided) <= width:
            line += divided
    return line


def redis_away(summary: Summary, store: str) -> Part | None:
    """What to say while Redis is not used, or not believed though it answers; None while it is."""
    if summary.stats.breaker == "half-open":
        return f"Redis is being tried again: reading from {store}", "warning"
    if summary.stats.breaker == "open" or summary.stats.cache_problem:
        return f"Redis away: reading from {store}", "bad"
    if summary.stats.doubt:
        return f"Cache not believed: {figures.printable(summary.stats.doubt)}", "warning"
    return None
