"""The near tier in words: whether it is on, why it keeps nothing all the same, how much it holds and what left it."""

from __future__ import annotations

from core.observe.stats import NearStats, Stats, StrategyStats
from tui import figures
from tui.widgets.lines import Part


def near_held(stats: Stats, width: int) -> Part:
    """What the near tier keeps, or why it keeps nothing, in so many cells."""
    near = stats.near
    if not near.on:
        return _first_fitting(
            width, "off: N keeps what is read here too, in front of Redis", "off: N turns it on"
        ), "muted"
    if near.problem is not None:
        return f"keeps nothing: {figures.printable(near.problem)}", "warning"
    entries, size = figures.short(near.entries), figures.memory(near.size)
    bounds = f"{entries} of {figures.short(near.most_entries)} entries, {size} of {figures.memory(near.most_size)}"
    passed = "" if stats.strategy != "no-cache" else "; no-cache passes it by"
    share = f"{figures.share(near.size / near.most_size if near.most_size else None)} full"
    wordings = (bounds + passed, bounds, f"{entries} entries, {size}, {share}", f"{entries} entries, {share}")
    return _first_fitting(width, *wordings), "muted" if passed else ""


def near_dropped(near: NearStats, width: int) -> str:
    """What left the near tier, and why."""
    changed, crowded = figures.short(near.invalidated), figures.short(near.evicted)
    return _first_fitting(
        width,
        f"dropped: {changed} by the bell, {crowded} for want of room",
        f"{changed} by the bell, {crowded} no room",
    )


def near_told(near: NearStats) -> str:
    """What is said when it was switched."""
    if not near.on:
        return "Nothing is kept here any more: what is read comes from Redis again."
    if near.problem is not None:
        return f"On, but it keeps nothing yet: {near.problem}"
    most = f"{near.most_entries:,} entries or {figures.memory(near.most_size)}"
    return f"What is read from Redis is kept here too, up to {most}: such rows are marked n."


def is_near_told_of(near: NearStats, total: StrategyStats) -> bool:
    """Whether its figures are worth a place: it is on, or was."""
    return near.on or total.near_hits > 0


def _first_fitting(width: int, *texts: str) -> str:
    """The longest wording that there is room for, or else the last."""
    return next((text for text in texts if len(text) <= width), texts[-1])
