"""Sparkline: values over time as blocks, in one style and only as many rows as asked: cheap to send to a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
GAP: Final = "·"
MARK: Final = "│"


def sparkline(
    values: Sequence[float | None],
    width: int,
    height: int = 1,
    *,
    top: float = 1.0,
    marks: Collection[int] = (),
) -> list[str]:
    """The last `width` values as `height` rows of text, the topmost first, the newest value at the right end.

    `top` is the value that fills a column. None is a gap, shown as a dot at the bottom; a value of 0 is a thin line,
    so that "nothing" and "zero" differ. Columns whose index is in `marks` are a vertical line."""
    first = max(len(values) - width, 0)
    columns = [_column(values[i], height, top, i in marks) for i in range(first, len(values))]
    pad = " " * (width - len(columns))
    return [pad + "".join(column[row] for column in columns) for row in range(height)]


def _column(value: float | None, height: int, top: float, marked: bool) -> str:
    if marked:
        return MARK * height
    if value is None:
        return " " * (height - 1) + GAP
    share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
    level = max(round(share * height * 8), 1)
    full, rest = divmod(level, 8)
    column = BLOCKS[8] * full + (BLOCKS[rest] if rest else "")
    return column.ljust(height)[::-1]
