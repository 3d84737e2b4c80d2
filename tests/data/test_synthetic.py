"""Invented movies: always the same, within the rules, and never to be taken for real ones."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

import data
from core.errors import InvalidQuery
from core.model import Movie, check
from data.synthetic import FICTIONAL, MOST, Synthetic

COUNT = 3_000


@pytest.fixture(scope="module")
def invented() -> list[Movie]:
    return [movie for movie in Synthetic(COUNT, 1) if isinstance(movie, Movie)]


def test_the_seed_alone_decides(invented: list[Movie]) -> None:
    assert list(Synthetic(COUNT, 1)) == invented
    assert list(islice(Synthetic(MOST, 1), 100)) == invented[:100], "fewer are the first ones of more"
    assert list(Synthetic(100, 2)) != invented[:100]


def test_each_is_within_the_rules_as_it_is(invented: list[Movie]) -> None:
    assert all(check(movie) is movie for movie in invented)
    assert len({movie.id for movie in invented}) == COUNT


def test_none_can_be_taken_for_a_real_one(invented: list[Movie]) -> None:
    real = {movie.id for movie in data.shipped() if isinstance(movie, Movie)}
    people = {name for movie in data.shipped() if isinstance(movie, Movie) for name in (*movie.directors, *movie.cast)}
    for movie in invented:
        assert movie.id not in real
        assert movie.id.startswith("sy")
        assert (movie.type, movie.imdb_id) == (FICTIONAL, None)
        assert not people & {*movie.directors, *movie.cast, *movie.writers}


def test_they_are_as_various_as_real_ones(invented: list[Movie]) -> None:
    genres = Counter(genre for movie in invented for genre in movie.genres)
    assert genres.most_common(1)[0][0] == "Drama"
    assert len({movie.title for movie in invented}) > COUNT / 2
    reviews = sorted((movie.critic_reviews or 0 for movie in invented), reverse=True)
    assert reviews[0] > 8 * reviews[COUNT // 2]
    assert 0 < sum(movie.box_office is not None for movie in invented) < COUNT / 2


def test_progress_and_bad_counts() -> None:
    source = Synthetic(4, 1)
    assert [source.fraction for _ in source] == [0.0, 0.25, 0.5, 0.75]
    assert source.fraction == 1.0
    for count in (0, -1, MOST + 1):
        with pytest.raises(InvalidQuery, match="cannot be made"):
            Synthetic(count, 1)
