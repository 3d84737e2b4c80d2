"""Figures of consistency as lines of text: the audit, the change log, the races prevented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.observe.histogram import BOUNDS, BUCKETS_PER_DECADE, percentile
from core.observe.stats import AUDIT_AGES, AuditStats, LatencyStats, RelayStats, Stats
from tui import figures
from tui.widgets.lines import Line, Part

_LABEL: Final = 16
_SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
BINS: Final = ("under 1 ms", "1 to 10 ms", "10 to 100 ms", "0.1 to 1 s", "1 to 10 s", "10 s and more")
"""The decades of the staleness histogram."""


def audit_lines(audit: AuditStats, width: int) -> list[Line]:
    """The share of writes that the cache was consistent with, so many seconds later."""
    cells = _figure(width)
    title = "".join(figures.fit_right(f"{age:g} s", cells) for age in AUDIT_AGES)
    shares, looked = "", ""
    good = True
    for seen, outdated in zip(audit.looked, audit.outdated, strict=True):
        shares += figures.fit_right(figures.share((seen - outdated) / seen if seen else None), cells)
        looked += figures.fit_right(figures.short(seen), cells)
        good = not outdated
    style = "muted" if not any(audit.looked) else "good" if good else "bad"
    return [
        _row("writes, after", (title, "muted"), width),
        _row("consistent", (shares, style), width),
        _row("looked at", (looked, "" if any(audit.looked) else "muted"), width),
    ]


def relay_lines(relay: RelayStats, width: int) -> list[Line]:
    """What the store's log of changes carried into the cache, and how late."""
    pending = "" if relay.pending is None else f", {figures.short(relay.pending)} pending"
    cells = _figure(width)
    title = "".join(figures.fit_right(name, cells) for _, name in _SHARES)
    lines = [
        _row("change log", (f"{figures.count(relay.applied)} carried in{pending}", ""), width),
        _row("", (title, "muted"), width),
    ]
    for label, latency in (("carried in after", relay.lag), ("outdated for", relay.staleness)):
        values = "".join(figures.fit_right(figures.latency(percentile(latency, q)), cells) for q, _ in _SHARES)
        lines.append(_row(label, (values, "" if latency.count else "muted"), width))
    return lines


def prevented_lines(stats: Stats, width: int) -> list[Line]:
    """Fills and finishes that came too late and were refused, by reason; and answers given while the store was away."""
    total = sum(stats.refused.values())
    rows: list[tuple[str, Part]] = [("races prevented", (figures.count(total), ""))]
    rows += [
        (f"  {figures.printable(reason.replace('_', ' '))}", (figures.count(times), ""))
        for reason, times in sorted(stats.refused.items(), key=lambda item: -item[1])
    ]
    served = [(name, strategy.fail_safe) for name, strategy in stats.strategies.items() if strategy.fail_safe]
    last_known = ", ".join(f"{figures.count(times)} times by {name}" for name, times in served)
    rows.append(("last known", (f"served {last_known}" if served else "never had to serve", "")))
    return rows_of(rows, width)


def consistency_lines(stats: Stats, width: int) -> list[Line]:
    """The same in two lines, for a panel that has other things to show."""
    shares = [
        figures.share((seen - outdated) / seen if seen else None)
        for seen, outdated in zip(stats.audit.looked, stats.audit.outdated, strict=True)
    ]
    label = 21 if width >= 64 else 16
    within = ", ".join(f"{share} in {age:g} s" for share, age in zip(shares, AUDIT_AGES, strict=True))
    if len(within) > width - label:
        within = f"{' / '.join(shares)} in {'/'.join(f'{age:g}' for age in AUDIT_AGES)} s"
    lag = figures.latency(percentile(stats.relay.lag, 0.95))
    rows = (
        ("consistent", within if any(stats.audit.looked) else "none looked at yet"),
        ("change log lag", f"p95 {lag}, {figures.short(stats.relay.applied)} carried in"),
    )
    return [
        ((figures.fit(name, label), "muted"), (figures.fit(text, width - label).rstrip(), "")) for name, text in rows
    ]


def decades(latency: LatencyStats) -> tuple[int, ...]:
    """The counts of a histogram by decade, one for each of BINS."""
    counts = [0] * len(BINS)
    for index, count in enumerate(latency.buckets):
        # Bucket i ends at BOUNDS[i]: the 48 steps to 1 ms are the first bin, each later decade is one.
        decade = (max(index, 1) - 1) // BUCKETS_PER_DECADE - 2 if index < len(BOUNDS) else len(BINS)
        counts[min(max(decade, 0), len(BINS) - 1)] += count
    return tuple(counts)


def bar(count: int, most: int, width: int) -> str:
    """A bar in half cells, the greatest count filling the width; whatever is more than nothing has one.

    Not by plotext, which in a chart of six rows bleeds bars into the empty rows between them."""
    halves = max(round(2 * width * count / most), 1) if count and width else 0
    return "━" * (halves // 2) + "╸" * (halves % 2)


def rows_of(rows: Sequence[tuple[str, Part]], width: int) -> list[Line]:
    """Labels and what belongs to them, one below the other."""
    return [_row(name, part, width) for name, part in rows]


def _figure(width: int) -> int:
    """Cells of each of three figures beside a label."""
    return max(min(9, (width - _LABEL) // 3), 1)


def _row(name: str, part: Part, width: int) -> Line:
    text, style = part
    label = min(_LABEL, width)
    return (figures.fit(name, label), "muted"), (figures.fit(text, width - label).rstrip(), style)
