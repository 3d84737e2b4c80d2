from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.model import Movie
from core.query import SORTS
from tests.tui.memory_catalogue import TITLES
from tui.columns import GAP, MARK_WIDTH, OPTIONAL, TRENDING, WITH_IMDB, Column, cut, fit, visible
from tui.row_window import Row
from tui.years import parse_years, show_years


@given(st.text(max_size=80), st.integers(0, 40), st.sampled_from(["left", "right"]))
def test_any_text_takes_exactly_the_cells_it_is_given(text: str, width: int, align: str) -> None:
    shown = cut(text, width, "right" if align == "right" else "left")
    assert cell_len(shown) == width
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)


@pytest.mark.parametrize("title", TITLES)
def test_real_titles_pass_unchanged(title: str) -> None:
    assert cut(title, 40).rstrip() == title


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 4, "abc…"),
        ("千と千尋", 5, "千と…"),
        ("千と千尋", 4, "千… "),
        ("a\x1b[31mb", 9, "a·[31mb  "),
        ("x\ny", 3, "x·y"),
    ],
)
def test_cutting(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


def test_direction_overrides_are_shown_as_dots() -> None:
    assert visible("a\u202eb\u2066c\ud800") == "a·b·c·"


@given(
    st.integers(1, 300), st.integers(4, 9), st.integers(0, 9), st.sampled_from([OPTIONAL, WITH_IMDB]),
    st.sampled_from(SORTS),
)  # fmt: skip
def test_columns_never_pass_the_width_and_the_one_sorted_by_is_there(
    width: int, number_width: int, skip: int, columns: tuple[Column, ...], sort: str
) -> None:
    placed = fit(width, number_width, columns, skip, sort)
    assert placed[0].column.id == "title"
    for one, other in pairwise(placed):
        assert one.left + one.width + GAP == other.left
    if width >= 40:
        assert placed[-1].left + placed[-1].width + MARK_WIDTH <= width
    if width >= 70:
        assert sort in [p.column.sort for p in placed] or all(column.sort != sort for column in columns)


def test_eighty_columns_show_what_the_design_asks_for() -> None:
    assert [p.column.label for p in fit(77, 6)][:4] == ["Title", "Year", "Genre", "Rating"]
    assert "Country" in [p.column.label for p in fit(190, 6)]


def test_every_sort_of_a_column_is_one_that_queries_know() -> None:
    assert all(column.sort is None or column.sort in SORTS for column in WITH_IMDB)


def test_unknown_values_are_blank() -> None:
    row = Row(Movie(id="Q1", title="x"), None)
    assert all(column.text(row) == "" for column in (*WITH_IMDB, *TRENDING.values()))


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("", (None, None)),
        ("1979", (1979, 1979)),
        ("1979-1989", (1979, 1989)),
        ("1979..1989", (1979, 1989)),
        (" 1979 - ", (1979, None)),
        ("-1989", (None, 1989)),
    ],
)
def test_years(text: str, years: tuple[int | None, int | None]) -> None:
    assert parse_years(text) == years
    assert parse_years(show_years(*years)) == years


@pytest.mark.parametrize("text", ["abc", "79", "1989-1979", "20244", "1979 1989", "-", "1700", "1979-1989-1999"])
def test_wrong_years_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        parse_years(text)
