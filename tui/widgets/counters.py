"""The cache's figures: CountersPanel shows them all, CountersStrip the few that fit in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

import msgspec

from core.observe.histogram import percentile
from core.observe.stats import LatencyStats, SharedStats, Stats, StrategyStats
from tui import figures
from tui.near_texts import is_near_told_of, near_dropped, near_held
from tui.widgets.consistency_lines import consistency_lines
from tui.widgets.lines import Line, LinePanel, Part, line_width
from tui.widgets.sparkline import line_chart, sparkline
from tui.windows import Summary, Window, cache_latency, hit_ratio, reads, store_latency

LEAST_CHART: Final = 4
MOST_CHART: Final = 10
"""Rows of the hit ratio over time, its time axis among them."""
_AXIS: Final = 6


class CountersPanel(LinePanel):
    """Hits, misses, latencies and what each strategy made of them, with the hit ratio over time."""

    PART = "stats"
    BORDER_TITLE = "2 Cache"
    DEFAULT_CLASSES = "-framed"
    DEFAULT_CSS = "CountersPanel { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: Summary | None = None

    def show(self, summary: Summary, *, paused: bool = False) -> None:
        """Take the figures of this moment, or of that at which they were paused."""
        self._summary = summary
        held, cleared = "PAUSED · " if paused else "", "since you cleared them · " if summary.cleared else ""
        self.caption(f"{held}{cleared}window: {summary.span.label}")
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Sections from the most to the least asked for; the chart takes rows only where there are some to spare."""
        summary = self._summary
        if summary is None:
            return [(("Waiting for the first figures…", "muted"),)]
        head, latency = headline(summary, width), latency_lines(summary.now, width)
        table, health = strategy_table(summary, width), health_lines(summary, width)
        truth = consistency_lines(summary.stats, width)
        if height < sum(map(len, (head, latency, table, health, truth))) + LEAST_CHART:
            truth = []
        health += truth
        spare = height - len(head) - len(latency) - len(table) - len(health)
        blanks = 4
        apart = spare >= LEAST_CHART + blanks
        if apart:
            spare -= blanks
        chart = ratio_chart(summary, width, min(spare, MOST_CHART))
        sections = [head, chart, latency, table, health]
        lines: list[Line] = []
        for section in sections:
            if apart and lines:
                lines.append(())
            lines.extend(section)
        return lines


class CountersStrip(LinePanel, can_focus=False):
    """The cache's figures in one line, for a terminal that has no room for the panel."""

    PART = "strip"
    DEFAULT_CSS: ClassVar[str] = "CountersStrip { height: 1; overflow-y: hidden; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: Summary | None = None

    def show(self, summary: Summary) -> None:
        """Take the figures of this moment."""
        self._summary = summary
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The line; figures that find no room are left out, the least asked for first."""
        return [strip_line(self._summary, width)] if self._summary else [()]


# ------------------------------------------------------------------------------------------------------- sections


def headline(summary: Summary, width: int) -> list[Line]:
    """The hit ratio now and overall, hits and misses per second and in all; hits by tier once there are two."""
    now, overall = summary.now.total, summary.overall.total
    ratio = hit_ratio(now)

    def row(label: str, part: Part, every: str) -> Line:
        text, style = part
        value: Line = ((figures.fit(label, 10), "muted"), (figures.fit_right(text, 16), style))
        return (*value, (f"   {every}", "muted")) if 29 + len(every) <= width else value

    return [
        row(
            "hit ratio",
            (figures.ratio_in_words(now), "value" if ratio is not None else "muted"),
            f"overall {figures.ratio_in_words(overall)}",
        ),
        row("hits", (figures.rate(summary.now.rate(now.hits)), ""), f"{figures.count(overall.hits)} in all"),
        *(
            row(f"  {tier}", (figures.rate(summary.now.rate(count)), ""), f"{figures.count(every)} in all")
            for tier, count, every in (
                ("near", now.near_hits, overall.near_hits),
                ("Redis", now.hits - now.near_hits, overall.hits - overall.near_hits),
            )
            if is_near_told_of(summary.stats.near, overall)
        ),
        row("misses", (figures.rate(summary.now.rate(now.misses)), ""), f"{figures.count(overall.misses)} in all"),
    ]


def ratio_chart(summary: Summary, width: int, height: int) -> list[Line]:
    """The hit ratio of each second over time, the newest at the right, with gaps where nobody asked a cache.

    Below three rows it is a single row of blocks, else the last row is the time axis."""
    columns = max(width - _AXIS, 0)
    if height < 3:
        row = sparkline(summary.hit_ratios, columns, marks=summary.switches)
        return [((figures.fit("ratio", _AXIS), "muted"), (row, "chart"))]
    rows = line_chart(summary.hit_ratios, columns, height - 1, marks=summary.switches)
    axis = {0: "100 %", len(rows) - 1: "  0 %"}
    lines: list[Line] = [((figures.fit(axis.get(y, ""), _AXIS), "muted"), (row, "chart")) for y, row in enumerate(rows)]
    ago = f"{2 * columns} s ago"
    visible = any(index >= len(summary.hit_ratios) - 2 * columns for index in summary.switches)
    middle = columns - len(ago) - len("now")
    hint = "⡇ switched" if visible else ""
    if middle > len(hint):
        lines.append(((" " * _AXIS + ago + hint.center(middle) + "now", "muted"),))
    return lines


def latency_lines(window: Window, width: int) -> list[Line]:
    """p50, p95 and p99 of a hit, of a miss (or of any read that ended in the store) and of a write; hits of the near
    tier have a row of their own."""
    total = window.total
    store = "miss" if not total.bypass_latency.count else "store read"
    near = (("near hit", total.near_latency),) if total.near_latency.count else ()
    rows: tuple[tuple[str, LatencyStats], ...] = (
        *near,
        ("Redis hit" if near else "hit", total.hit_latency),
        (store, store_latency(total)),
        ("write", total.write_latency),
    )
    shares = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))[: max((width - 10) // 9, 1)]
    title = "".join(figures.fit_right(name, 9) for _, name in shares)
    lines: list[Line] = [((figures.fit("latency", 10) + title, "muted"),)]
    for label, latency in rows:
        values = "".join(figures.fit_right(figures.latency(percentile(latency, q)), 9) for q, _ in shares)
        lines.append(((figures.fit(label, 10), "muted"), (values, "" if latency.count else "muted")))
    return lines


class _Column(msgspec.Struct, frozen=True):
    """A column of the comparison; those of low `rank` stay longest when the panel is narrow."""

    title: str
    rank: float
    text: Callable[[StrategyStats, StrategyStats, str], str]
    """From the figures of the window, those since the start, and for how long there has been nothing to count."""
    width: int = 10


def _latency_column(
    title: str, rank: int, of: Callable[[StrategyStats], LatencyStats], q: float, width: int = 10
) -> _Column:
    return _Column(title, rank, lambda _, overall, __: figures.latency(percentile(of(overall), q)), width)


COLUMNS: Final = (
    _Column("hit now", 3, lambda now, _, __: figures.share(hit_ratio(now)), 9),
    _Column("hit all", 0, lambda _, overall, __: figures.share(hit_ratio(overall)), 9),
    _latency_column("p50 hit", 1, cache_latency, 0.5),
    _latency_column("p50 miss", 5, store_latency, 0.5),
    _latency_column("p95 miss", 2, store_latency, 0.95),
    _latency_column("p95 write", 4, lambda stats: stats.write_latency, 0.95, 11),
    _Column("ago", 1.5, lambda _, __, ago: ago, 7),
    _Column("reads", 6, lambda _, overall, __: figures.short(reads(overall)), 7),
    _Column("queries", 8, lambda _, overall, __: figures.short(overall.store_reads), 9),
    _Column("saved", 7, lambda _, overall, __: figures.short(overall.saved), 7),
)


def strategy_table(summary: Summary, width: int) -> list[Line]:
    """One row for each strategy since the start, so that the difference is visible; the one in force is marked."""
    names = list(summary.stats.strategies)
    label = max((len(name) for name in names), default=0) + 2
    room = width - label
    chosen: list[_Column] = []
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        if column.width <= room:
            chosen.append(column)
            room -= column.width
    columns = [column for column in COLUMNS if column in chosen]
    title = "".join(figures.fit_right(column.title, column.width) for column in columns)
    lines: list[Line] = [((figures.fit("strategy", label) + title, "muted"),)]
    for name in names:
        now = summary.now.strategies.get(name, StrategyStats())
        overall = summary.overall.strategies.get(name, StrategyStats())
        in_force = name == summary.stats.strategy
        ago = "now" if in_force else figures.age(summary.idle[name]) if name in summary.idle else figures.NOTHING
        values = "".join(figures.fit_right(column.text(now, overall, ago), column.width) for column in columns)
        used = reads(overall) or overall.writes
        style = "value" if in_force else "" if used else "muted"
        lines.append(((figures.fit(("▸ " if in_force else "  ") + name, label), style), (values, style)))
    return lines


def health_lines(summary: Summary, width: int) -> list[Line]:
    """Store reads avoided, races prevented, errors, and how Redis and the near tier do."""
    overall, stats = summary.overall, summary.stats
    total = overall.total
    label = 21 if width >= 64 else 16
    asked = total.saved + total.store_reads
    avoided = f"{figures.count(total.saved)} of {figures.count(asked)}" if asked else "none asked for yet"
    if asked:
        avoided += f" ({figures.share(total.saved / asked)})"
    prevented = sum(overall.refused.values())
    verdicts = ", ".join(
        f"{figures.printable(verdict.replace('_', ' '))} {figures.short(times)}"
        for verdict, times in sorted(overall.refused.items(), key=lambda item: -item[1])
    )
    near: list[tuple[str, Part]] = [("near tier", near_held(stats, width - label))]
    if stats.near.on and stats.near.problem is None:
        near.append(("", (near_dropped(stats.near, width - label), "")))
    rows: list[tuple[str, Part]] = [
        *(near if stats.near.on else []),
        ("store reads avoided" if width >= 64 else "reads avoided", (avoided, "")),
        ("races prevented", (figures.count(prevented) + (f"  {verdicts}" if verdicts else ""), "")),
        ("Redis", breaker_words(stats, summary.away)),
    ]
    if stats.redis is not None:
        redis = stats.redis
        memory, keys = figures.memory(redis.used_memory), f", {figures.short(redis.keys)} keys"
        limit = f" of {figures.memory(redis.max_memory)}" if redis.max_memory else ""
        wordings = (memory + limit + keys, memory + keys, memory)
        server = next((text for text in wordings if len(text) <= width - label), memory)
        rows.append(("  whole server", (server, "")))
        gone = f"{figures.short(redis.evicted)} evicted, {figures.short(redis.expired)} expired"
        rows.append(("", (gone, "warning" if redis.evicted else "")))
    if not stats.near.on:
        rows += near
    rows += shared_rows(stats.shared)
    if total.errors or total.conflicts:
        failed = f"{figures.count(total.errors)} errors, {figures.count(total.conflicts)} edit conflicts"
        rows.append(("refused", (failed, "warning" if total.errors else "")))
    return [
        ((figures.fit(name, label), "muted"), (figures.fit(text, width - label).rstrip(), style))
        for name, (text, style) in rows
    ]


def shared_rows(shared: SharedStats) -> list[tuple[str, Part]]:
    """What all running copies counted together, one row for each strategy that was used; or that nobody knows."""
    if not shared.copies:
        return [("all copies", ("not known: above is this copy alone", "warning"))] if shared.problem else []
    rows: list[tuple[str, Part]] = [("all copies", ("1 runs" if shared.copies == 1 else f"{shared.copies} run", ""))]
    for name, totals in sorted(shared.strategies.items()):
        asked = totals.hits + totals.misses
        read = asked + totals.bypasses
        if read or totals.writes:
            hit = f"{figures.share(totals.hits / asked)} hit, " if asked else ""
            rows.append((f"  {name}", (f"{hit}{figures.short(read)} reads, {figures.short(totals.writes)} writes", "")))
    return rows


def breaker_words(stats: Stats, away: float | None = None) -> Part:
    """Whether Redis is used, in words; for how many seconds it has not been, where that is known."""
    problem = figures.printable(stats.cache_problem) if stats.cache_problem else ""
    if stats.breaker == "half-open":
        return "being tried again", "warning"
    if stats.breaker == "open" or problem:
        since = f" for {figures.age(away)}" if away is not None and away >= 1 else ""
        return f"away{since}: {problem}" if problem else f"away{since}", "bad"
    return "in use", "good"


def strip_line(summary: Summary, width: int) -> Line:
    """The one-line variant: hits, misses and their ratio first, then what else there is room for."""
    now, overall = summary.now.total, summary.overall.total
    prevented = sum(summary.overall.refused.values())
    state, style = breaker_words(summary.stats)
    redis = summary.stats.redis
    candidates: list[tuple[int, Line]] = [
        (0, ((" hit ", "muted"), (figures.ratio_in_words(now), "value"))),
        (7, ((" ", ""), (sparkline(summary.hit_ratios, 16, marks=summary.switches), "chart"))),
        (1, (("  hits ", "muted"), (figures.rate(summary.now.rate(now.hits)), ""))),
        (2, (("  misses ", "muted"), (figures.rate(summary.now.rate(now.misses)), ""))),
        *(
            [(5, (("  near ", "muted"), (figures.share(now.near_hits / now.hits if now.hits else None), "")))]
            if summary.stats.near.on
            else []
        ),
        (4, (("  saved ", "muted"), (figures.short(overall.saved), ""))),
        (6, (("  races ", "muted"), (figures.short(prevented), ""))),
        (3, (("  Redis ", "muted"), (figures.memory(redis.used_memory) if redis else state.split(":")[0], style))),
    ]
    kept: set[int] = set()
    for rank, part in sorted(candidates, key=lambda candidate: candidate[0]):
        if line_width(part) <= width:
            width -= line_width(part)
            kept.add(rank)
    return tuple(part for rank, parts in candidates if rank in kept for part in parts)
