"""Values over time as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.sparkline import line_chart, sparkline

RATIOS = st.lists(st.none() | st.floats(min_value=0, max_value=1), max_size=60)


def test_gap_zero_and_full_differ() -> None:
    assert sparkline((None, 0.0, 0.5, 1.0), 4) == "·▁▄█"


def test_the_newest_is_at_the_right_and_the_oldest_fall_off() -> None:
    assert sparkline((1.0, 0.0, 0.0), 2) == "▁▁"
    assert sparkline((1.0,), 3) == "  █"


def test_a_switch_is_a_vertical_line() -> None:
    assert sparkline((1.0, 1.0, 1.0), 3, marks={1}) == "█│█"


def test_the_line_is_at_the_top_for_one_and_at_the_bottom_for_zero() -> None:
    assert line_chart((1.0, 1.0), 1, 2) == ["⠉", " "]
    assert line_chart((0.0, 0.0), 1, 2) == [" ", "⣀"]
    assert line_chart((None, None), 1, 2) == [" ", " "]


def test_a_jump_is_joined() -> None:
    assert line_chart((0.0, 1.0), 1, 1) == ["⡸"]


def test_a_switch_reaches_from_top_to_bottom() -> None:
    assert line_chart((None, None), 1, 2, marks={1}) == ["⢸", "⢸"]


@given(RATIOS, st.integers(min_value=0, max_value=20), st.integers(min_value=1, max_value=8))
def test_the_size_is_exact_whatever_comes(values: list[float | None], width: int, height: int) -> None:
    chart = line_chart(values, width, height, marks={0, 3})
    assert [len(row) for row in chart] == [width] * height
    assert len(sparkline(values, width, marks={0, 3})) == width
