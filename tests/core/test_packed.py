"""Movies that stay packed: what they hold is what was packed, however they are put together and cut."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import Movie, replace
from core.packed import CELL, ENTRY, PackedMovies, columns_of, encode, ids_of, movies_of, parts_of, pieces_of
from tests.core.movies import movie, movies
from tests.core.stores import corpus


def packed(given: list[Movie]) -> PackedMovies:
    columns = columns_of(given) if given else ()
    return PackedMovies.of([movie.id for movie in given], msgspec.Raw(encode(columns)))


@pytest.mark.parametrize("counts", [(0,), (1, 15, 16), (17, 0, 200), (2_000,)])
def test_packed_movies_are_those_that_were_packed(counts: tuple[int, ...]) -> None:
    given = [movies(min(count, 250)) * max(1, count // 250) for count in counts]
    together = PackedMovies.together([packed(part) for part in given])
    expected = [movie for part in given for movie in part]
    assert ids_of(together) == ids_of(expected) == [movie.id for movie in expected]
    assert list(together) == expected
    pieces = pieces_of(together, 16)
    assert [movie for piece in pieces for movie in piece] == expected
    assert [id for piece in pieces for id in ids_of(piece)] == ids_of(together)
    assert all(len(piece) >= 16 for piece in pieces[:-1])
    assert together[:3] == expected[:3]


@given(st.lists(corpus.movies(), min_size=1, max_size=5))
def test_columns_say_of_any_movie_what_it_says(given: list[Movie]) -> None:
    assert movies_of(columns_of(given)) == given


@pytest.mark.parametrize("separator", [CELL, ENTRY])
@pytest.mark.parametrize("field", ["title", "plot", "cast"])
def test_a_text_that_would_become_two_is_not_packed(separator: str, field: str) -> None:
    text = f"one{separator}two"
    broken = replace(movie(1), **{field: (text, "three") if field == "cast" else text})
    with pytest.raises(ValueError, match="forbidden character"):
        parts_of([movie(0), broken])
