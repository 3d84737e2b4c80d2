"""Figures as text: short, of steady width, and never better than the truth."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from rich.cells import cell_len, set_cell_size

from core.observe.stats import StrategyStats
from tui.windows import hit_ratio, reads

NOTHING: Final = "–"
"""What stands where there is no figure: not 0, which would be one."""


def latency(seconds: float | None) -> str:
    """A duration with three digits at most: "85 µs", "0.42 ms", "12.9 ms", "1.20 s"."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 1e-6:
        return "<1 µs"
    if seconds < 99.5e-6:
        return f"{seconds * 1e6:.0f} µs"
    milliseconds = seconds * 1e3
    if milliseconds < 9.995:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 99.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"


def count(number: int) -> str:
    """A count in full, with commas between the thousands."""
    return f"{number:,}"


def short(number: float) -> str:
    """A count in at most five characters: "842", "12.3k", "1.2M"."""
    for limit, divisor, unit in ((999.5, 1, ""), (999_500, 1e3, "k"), (999_500_000, 1e6, "M"), (math.inf, 1e9, "G")):
        if number < limit:
            value = number / divisor
            return f"{value:.0f}{unit}" if divisor == 1 or value >= 99.95 else f"{value:.1f}{unit}"
    return NOTHING


def rate(per_second: float | None) -> str:
    """Events per second: "842/s", and "0.4/s" where a whole number would say nothing."""
    if per_second is None:
        return NOTHING
    if 0 < per_second < 9.95:
        return f"{max(per_second, 0.1):.1f}/s"
    return f"{short(per_second)}/s"


def share(ratio: float | None) -> str:
    """A ratio in percent, cut so that 100 % means all of it and 0 % none of it."""
    if ratio is None:
        return NOTHING
    if 0 < ratio < 0.001:
        return "<0.1 %"
    if ratio >= 1:
        return "100 %"
    return f"{math.floor(ratio * 1000 + 1e-9) / 10:.1f} %"


def ratio_in_words(stats: StrategyStats) -> str:
    """The hit ratio, or why there is none."""
    ratio = hit_ratio(stats)
    if ratio is not None:
        return share(ratio)
    return "cache not asked" if reads(stats) else "no traffic"


def memory(size: int) -> str:
    """Bytes as "1.5 MB" or "41 MB" (1 MB = 1,048,576 bytes, as Redis counts)."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GB"


def clock(at: float) -> str:
    """The local time of day to the millisecond, of Unix seconds."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S.%f")[:-3]


def age(seconds: float) -> str:
    """A length of time in its greatest unit: "now" for less than a second, "12 s", "2 min", "3 h"."""
    for limit, divisor, unit in ((1, 1, ""), (60, 1, "s"), (3600, 60, "min"), (math.inf, 3600, "h")):
        if seconds < limit:
            return f"{seconds // divisor:.0f} {unit}" if unit else "now"
    return NOTHING


def printable(text: str) -> str:
    """Text that a terminal only shows: what would steer it, or turn its direction, stands as a question mark."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def fit(text: str, width: int) -> str:
    """Text cut or padded to this many cells; a cut one ends in an ellipsis."""
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1) + "…" if cell_len(text) > width else set_cell_size(text, width)


def fit_right(text: str, width: int) -> str:
    """Text set to the right end of this many cells."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)
