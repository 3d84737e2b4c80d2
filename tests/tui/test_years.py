"""The line of years, and the decades below it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.query import ValueCount
from tests.tui.desk import desk
from tui.widgets.years import YearsPanel, decade_ticks


@given(first=st.integers(1870, 2100), years=st.integers(1, 230), width=st.integers(1, 200))
def test_each_decade_is_marked_below_the_block_that_holds_its_first_year(first: int, years: int, width: int) -> None:
    last = first + years - 1
    step = max(1, -(-years // width))
    line = decade_ticks(first, last, step)
    assert len(line) <= min(width, (last - first) // step + 1)
    for match in re.finditer(r"╵(\d{4})s", line):
        begins = first + match.start() * step
        assert begins <= int(match[1]) < begins + step
    assert line.count("╵") <= years // 10 + 1


@pytest.mark.parametrize(
    ("first", "last", "step", "line"),
    [
        (1938, 1964, 1, "  ╵1940s    ╵1950s    ╵"),
        (1940, 1999, 2, "╵1940s    ╵1960s    ╵1980s"),
        (1941, 1949, 1, ""),
        (1870, 2020, 30, ""),
    ],
)
def test_names_stand_where_they_have_room(first: int, last: int, step: int, line: str) -> None:
    assert decade_ticks(first, last, step) == line


def test_without_room_there_are_two_lines() -> None:
    panel = YearsPanel()
    panel.show(tuple(ValueCount(str(year), year - 1930) for year in range(1940, 2015)))
    assert [len(panel.lines(80, height)) for height in (2, 3, 4)] == [2, 3, 3]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_decades_are_shown_where_the_screen_has_room(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press("3")
        await at.until(lambda: "╵19" in at.text)
        assert "most" in at.text
