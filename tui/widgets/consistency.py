"""ConsistencyPanel: whether the cache tells the truth, how soon it does after a change, and what kept it from lying."""

from __future__ import annotations

from collections.abc import Sequence

from core.observe.stats import LatencyStats, Stats
from tui import figures
from tui.widgets.consistency_lines import BINS, audit_lines, bar, decades, prevented_lines, relay_lines, rows_of
from tui.widgets.counters import breaker_words
from tui.widgets.lines import Line, LinePanel, Part
from tui.windows import Summary


class ConsistencyPanel(LinePanel):
    """Trust, the outside observer's findings, races prevented, the change log's lag, and how outdated entries got."""

    PART = "consistency"
    BORDER_TITLE = "5 Consistency"
    DEFAULT_CLASSES = "-framed"
    DEFAULT_CSS = "ConsistencyPanel { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: Summary | None = None

    def show(self, summary: Summary) -> None:
        """Take the figures of this moment."""
        self._summary = summary
        self.caption("since the start")
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """All sections, apart from each other where there is room; what finds none can be scrolled to."""
        if self._summary is None:
            return [(("Waiting for the first figures…", "muted"),)]
        stats = self._summary.stats
        sections = [
            trust_lines(stats, width, self._summary.away),
            audit_lines(stats.audit, width),
            relay_lines(stats.relay, width),
            prevented_lines(stats, width),
            histogram_lines(stats.relay.staleness, width),
        ]
        apart = sum(map(len, sections)) + len(sections) - 1 <= height
        lines: list[Line] = []
        for section in sections:
            if apart and lines:
                lines.append(())
            lines.extend(section)
        return lines


def trust_lines(stats: Stats, width: int, away: float | None = None) -> list[Line]:
    """Whether the cache is believed, what breaks it, and how Redis does."""
    believed: Part = ("believed", "good")
    if stats.breaker != "closed":
        believed = "not asked: Redis is away", "bad"
    elif stats.doubt:
        believed = f"not believed: {figures.printable(stats.doubt)}", "warning"
    since = f" for {figures.age(away)}" if away is not None and away >= 1 else ""
    times = "once" if stats.breaker_opened == 1 else f"{figures.short(stats.breaker_opened)} times"
    opened = f", opened {times}" if stats.breaker_opened else ""
    if 16 + len(stats.breaker + since + opened) > width:
        opened = ""
    rows: list[tuple[str, Part]] = [
        ("the cache is", believed),
        ("Redis", breaker_words(stats)),
        ("breaker", (stats.breaker + since + opened, "" if stats.breaker == "closed" else "warning")),
    ]
    if stats.faults:
        rows.insert(0, ("FAULT", (", ".join(stats.faults), "bad")))
    return rows_of(rows, width)


def histogram_lines(staleness: LatencyStats, width: int) -> list[Line]:
    """How long entries had been outdated when the change log removed them: a bar for each decade."""
    counts = decades(staleness)
    digits = max(len(figures.count(count)) for count in counts)
    room = max(width - max(map(len, BINS)) - digits - 2, 0)
    title = "entries by how long they were outdated"
    lines: list[Line] = [((figures.fit(title, width).rstrip(), "muted"),)]
    if not staleness.count:
        return [*lines, ((figures.fit("none was: writers tell the cache themselves", width).rstrip(), ""),)]
    for name, count in zip(BINS, counts, strict=True):
        label = f"{name:<{max(map(len, BINS))}} {figures.count(count):>{digits}} "
        lines.append(
            (
                (figures.fit(label, min(len(label), width)), "" if count else "muted"),
                (bar(count, max(counts), room), "chart"),
            )
        )
    return lines
