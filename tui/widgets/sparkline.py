"""Values over time as text of one style, which is cheap to send to a terminal: blocks in one row, or a dotted line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
GAP: Final = "·"
MARK: Final = "│"


def sparkline(values: Sequence[float | None], width: int, *, marks: Collection[int] = ()) -> str:
    """The last `width` values (0 to 1) as one row of blocks, the newest at the right end.

    None is a gap, shown as a dot; 0 is a thin line, so that "nothing" and "zero" differ. A column whose index is in
    `marks` is a vertical line."""
    first = max(len(values) - width, 0)
    cells = (MARK if i in marks else _block(values[i]) for i in range(first, len(values)))
    return "".join(cells).rjust(width)


def line_chart(values: Sequence[float | None], width: int, height: int, *, marks: Collection[int] = ()) -> list[str]:
    """The last `2 * width` values (0 to 1) as a line of braille dots in `height` rows, the topmost row first.

    None is a gap in the line. An index in `marks` is a vertical line from top to bottom."""
    levels = 4 * height
    first = len(values) - 2 * width
    dots = [[0] * width for _ in range(height)]
    before: int | None = None
    for column in range(max(-first, 0), 2 * width):
        value = values[first + column]
        level = None if value is None else round(min(max(value, 0.0), 1.0) * (levels - 1))
        lit: Collection[int] = ()
        if first + column in marks:
            lit = range(levels)
        elif level is not None:
            # Joined to the value before, so that a jump is a line and not two lonely dots.
            lit = range(min(level, before + 1), max(level, before - 1) + 1) if before is not None else (level,)
        for y in lit:
            dots[height - 1 - y // 4][column // 2] |= _DOTS[column % 2][y % 4]
        before = level
    # Blanks between dots are blank braille: in fonts whose braille has a width of its own, rows stay aligned.
    return ["".join(chr(0x2800 + cell) for cell in row).rstrip("\u2800").ljust(width) for row in dots]


_DOTS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of a braille cell's left and right column, from the bottom up."""


def _block(value: float | None) -> str:
    return GAP if value is None else BLOCKS[max(round(min(max(value, 0.0), 1.0) * 8), 1)]
