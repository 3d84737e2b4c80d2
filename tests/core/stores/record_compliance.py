"""What every database must keep of a movie: all that the model allows."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given

from core.model import Movie, replace, same_content
from core.query import MOST_ROWS, Query
from core.stores.base import Store
from tests.core.stores.corpus import BARE, FULL, ODD_TITLES, OLD, movies
from tests.core.stores.open_stores import MOVIES, OpenStores, asked_of_one_store


class RecordCompliance(OpenStores):
    """One movie goes in, the same one comes out."""

    @pytest.mark.parametrize("movie", [FULL, BARE, OLD], ids=["full", "bare", "old"])
    async def test_every_field_survives(self, store: Store, movie: Movie) -> None:
        stored = await store.insert(movie)
        assert stored.version > 0
        assert same_content(stored, movie)
        assert await store.get(movie.id) == stored

    async def test_every_field_survives_an_update(self, store: Store) -> None:
        stored = await store.insert(FULL)
        emptied = await store.update(replace(BARE, id=FULL.id, version=stored.version))
        assert await store.get(FULL.id) == emptied
        assert same_content(emptied, replace(BARE, id=FULL.id))
        filled = await store.update(replace(FULL, version=emptied.version))
        assert await store.get(FULL.id) == filled
        assert same_content(filled, FULL)

    async def test_odd_titles_survive(self, store: Store) -> None:
        odd = [Movie(id=f"odd-{n}", title=title) for n, title in enumerate(ODD_TITLES)]
        await store.load(odd)
        found = await store.get_many([movie.id for movie in odd])
        assert [found[movie.id].title for movie in odd] == list(ODD_TITLES)

    @asked_of_one_store
    @given(movie=movies())
    @example(movie=Movie(id="Q1", title="´", cast=("´", "Ian Holm")))  # a name without a word
    async def test_any_movie_survives(self, store: Store, movie: Movie) -> None:
        await store.load([movie])
        found = await store.get(movie.id)
        assert found is not None
        assert same_content(found, movie)

    @pytest.mark.parametrize("day", [date(1870, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2100, 12, 31)])
    async def test_dates_have_no_time_zone(self, store: Store, day: date) -> None:
        await store.insert(replace(BARE, released=day))
        found = await store.get(BARE.id)
        assert found is not None
        assert found.released == day

    async def test_titles_and_words_may_be_as_long_as_the_model_allows(self, store: Store) -> None:
        names = tuple(f"{number:03}" + "㌀" * 197 for number in range(500))
        long = Movie(id="i" * 100, title="㌀" * 499 + "x", cast=names, plot="🎬" * 20_000)
        await store.insert(long)
        found = await store.get(long.id)
        assert found is not None
        assert same_content(found, long)
        assert (await store.window(Query(text="アパート"), 0, 1)).ids == (long.id,)
        assert (await store.window(Query(text="499アパ"), 0, 1)).ids == (long.id,)

    async def test_a_movie_that_is_not_there(self, store: Store) -> None:
        assert await store.get("Q404") is None
        assert await store.get("") is None
        assert await store.get("no such id \x00 '$") is None

    async def test_get_many(self, filled: Store) -> None:
        asked = [MOVIES[5].id, "Q404", FULL.id, "\x00", BARE.id, FULL.id]
        found = await filled.get_many(asked)
        assert found.keys() == {MOVIES[5].id, FULL.id, BARE.id}
        assert all(id == movie.id and movie.version > 0 for id, movie in found.items())
        assert same_content(found[FULL.id], FULL)
        assert await filled.get_many([]) == {}

    async def test_get_many_takes_a_whole_window(self, filled: Store) -> None:
        window = await filled.window(Query(), 0, MOST_ROWS)
        found = await filled.get_many(window.ids)
        assert found.keys() == {movie.id for movie in MOVIES}
        assert all(same_content(found[movie.id], movie) for movie in MOVIES)
