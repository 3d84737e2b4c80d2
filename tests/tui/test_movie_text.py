"""A movie as text: complete, never wider than its room, never steering the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from core.model import FIELDS, Movie, replace
from core.query import Tier
from core.reading import Reading
from tests.tui.movies import ALIEN, TITLES, any_movies, quick
from tui.formats import DASH
from tui.widgets.movie_text import provenance, readable, reading_lines


def reading(movie: Movie, tier: Tier = "redis") -> Reading:
    return Reading(movie, movie.version, tier, "fresh", "within its soft time to live", 0.000412)


def plain(lines: list[Content]) -> str:
    return "\n".join(line.plain for line in lines)


@quick
@given(any_movies, st.integers(20, 250))
def test_every_line_fits_and_steers_nothing(movie: Movie, width: int) -> None:
    for line in reading_lines(reading(movie), width):
        assert line.cell_length <= width
        assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line.plain)


@pytest.mark.parametrize("width", [30, 76, 146])
def test_every_field_is_there(width: int) -> None:
    text = plain(reading_lines(reading(ALIEN), width))
    for field in FIELDS:
        if field.name not in ("title", "year", "plot"):
            assert field.label in text
    assert "Alien (1979)" in text
    assert "deadly" in text
    for shown in ("117 min", "25 May 1979", "8.5 / 10", "999,111", "93 / 100", "$84.2M", "Redis", "412 µs", "fresh"):
        assert shown in text


def test_unknown_values_are_dashes() -> None:
    text = plain(reading_lines(reading(Movie(id="my:x", title="x")), 76))
    assert text.count(DASH) == len(FIELDS) - 3  # all but id, title and year


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_data(title: str) -> None:
    text = plain(reading_lines(reading(replace(ALIEN, title=title)), 76))
    assert title.replace(" ", "") in text.replace("\n", "").replace(" ", "")


def test_values_read_well() -> None:
    assert readable("runtime", 45) == "45 min"
    assert readable("imdb_rating", 7.0) == "7 / 10"
    assert readable("oscars_won", 0) == "0"
    assert readable("genres", ()) == ""
    assert provenance(reading(ALIEN, "near")) == "near tier · 412 µs"


def test_the_last_known_state_is_called_stale_with_its_reason() -> None:
    stale = Reading(ALIEN, 7, "redis", "stale", "the last known state: PostgreSQL is away", 0.000412)
    assert provenance(stale) == "Redis, stale · 412 µs"
    text = "\n".join(line.plain for line in reading_lines(stale, 80))
    assert "the last known state: PostgreSQL is away" in text
