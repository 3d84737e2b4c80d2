"""What every database must answer: the same as the reference, whatever is asked."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from core.model import Movie, replace
from core.query import COUNTED, MOST_ROWS, SORTS, Query
from core.score import points_of
from core.stores.base import Store, Window
from tests.core.stores import reference
from tests.core.stores.corpus import FULL, GENRES, catalogues, queries, questions_about
from tests.core.stores.open_stores import MOVIES, OpenStores, asked_of_one_store


class QueryCompliance(OpenStores):
    """Windows, orders, counts and rankings, against `reference`."""

    @pytest.mark.parametrize("sort", SORTS)
    async def test_windows_in_every_order(self, filled: Store, sort: str) -> None:
        for query in (Query(sort=sort), Query(sort=sort, descending=True), Query(sort=sort, year_from=1900)):
            whole = reference.answer(MOVIES, query)
            assert await filled.window(query, 0, MOST_ROWS) == Window(ids=tuple(whole), total=len(whole))
            for offset in range(0, len(whole), 37):
                assert await filled.window(query, offset, 40) == reference.window(MOVIES, query, offset, 40)

    @asked_of_one_store
    @given(query=queries())
    async def test_an_order_is_the_whole_answer_with_its_keys(self, filled: Store, query: Query) -> None:
        rows = [row async for part in filled.order(query) for row in part]
        assert [id for id, _ in rows] == reference.answer(MOVIES, structs.replace(query, descending=False))
        known = [(key, id) for id, key in rows if key is not None]
        assert {type(key) for key, _ in known} <= {str, int, float}, "what a kept order can encode"
        assert known == sorted(known)
        assert rows[len(known) :] == [(id, None) for id in sorted(id for id, _ in rows[len(known) :])]
        asked = [*(movie.id for movie in MOVIES[::5]), "Q404", "no such id \x00"]
        assert await filled.keys(query, asked) == {id: key for id, key in rows if id in asked}

    async def test_windows_at_the_edges(self, filled: Store) -> None:
        total = len(MOVIES)
        for offset, limit in ((0, 1), (total - 1, 10), (total, 10), (total + 1000, 10), (0, 0), (10**12, 1)):
            for query in (Query(), Query(sort="year", descending=True)):
                assert await filled.window(query, offset, limit) == reference.window(MOVIES, query, offset, limit)

    async def test_an_empty_store_answers(self, store: Store) -> None:
        for query in (Query(), Query(text="alien", genres=("Drama",), year_from=1979, sort="year")):
            assert await store.window(query, 0, 50) == Window(ids=(), total=0)
            assert await store.counts(query, "genres") == ()
        assert await store.count() == 0

    @asked_of_one_store
    @given(query=queries(), offset=st.integers(0, 200), limit=st.integers(0, 60))
    async def test_windows_of_any_query(self, filled: Store, query: Query, offset: int, limit: int) -> None:
        assert await filled.window(query, offset, limit) == reference.window(MOVIES, query, offset, limit)
        assert await filled.first(query, limit + 1) == reference.window(MOVIES, query, 0, limit + 1).ids
        assert await filled.ranked(query, limit + 1) == reference.ranked(MOVIES, query, limit + 1)

    async def test_a_ranking_is_exact_for_any_figures(self, store: Store) -> None:
        choose = Random(3)
        rated = [
            Movie(
                id=f"r{number}",
                title="Rated",
                genres=GENRES[: number % 3],
                critic_rating=choose.choice((None, 0, 10, choose.uniform(0, 10), choose.randrange(20_000) / 2_000)),
                critic_reviews=choose.choice((None, 0, 1, 1_000_000, choose.randrange(1_000_001), choose.randrange(9))),
            )
            for number in range(600)
        ]
        await store.load(rated)
        for query in (Query(), Query(genres=GENRES[:1], sort="year")):
            expected = reference.ranked(rated, query, 600)
            assert await store.ranked(query, 600) == expected
            assert {row.id: row.points for row in expected} == {
                movie.id: points
                for movie in rated
                if set(query.genres) <= set(movie.genres) and (points := points_of(movie)) is not None
            }

    @pytest.mark.parametrize("near", [0, 10**9], ids=["all deep", "all near"])
    async def test_windows_however_they_are_walked_to(
        self, filled: Store, near: int, depth_of_near: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(depth_of_near, near)
        for query in (
            *(Query(sort=sort, descending=descending) for sort in SORTS for descending in (False, True)),
            Query(text="a", sort="imdb_rating"),
            Query(text="a the", within=(("cast", "a"),), sort="year", descending=True),
            Query(genres=GENRES[:1], year_from=1900, sort="oscars_won"),
        ):
            for offset in range(0, len(MOVIES) + 20, 17):
                expected = reference.window(MOVIES, query, offset, 20)
                assert await filled.window(query, offset, 20) == expected, (query, offset)

    @asked_of_one_store
    @given(query=queries(), field=st.sampled_from(COUNTED))
    async def test_counts_of_any_query(self, filled: Store, query: Query, field: str) -> None:
        rows = [row async for part in filled.values(query, field) for row in part]
        assert [id for id, _ in rows] == sorted(reference.answer(MOVIES, query))
        counted = reference.counts(MOVIES, query, field)
        assert await filled.counts(query, field) == counted
        assert Counter(value for _, values in rows for value in values) == {
            found.name: found.count for found in counted
        }
        asked = [*(movie.id for movie in MOVIES[::5]), "Q404", "no such id \x00"]
        assert await filled.values_of(query, field, asked) == {id: values for id, values in rows if id in asked}

    @settings(asked_of_one_store, max_examples=30)  # each fills the store anew
    @given(data=st.data())
    async def test_any_movies_answer_any_question_as_the_reference_does(
        self, store: Store, data: st.DataObject
    ) -> None:
        found = data.draw(catalogues())
        await store.clear()
        await store.load(found)
        assert await store.count() == len(found)
        for query in data.draw(st.lists(questions_about(found), min_size=1, max_size=5)):
            offset, limit = data.draw(st.tuples(st.integers(0, 30), st.integers(0, 30)))
            assert await store.window(query, 0, MOST_ROWS) == reference.window(found, query, 0, MOST_ROWS)
            assert await store.window(query, offset, limit) == reference.window(found, query, offset, limit)
            field = data.draw(st.sampled_from(COUNTED))
            assert await store.counts(query, field) == reference.counts(found, query, field)

    async def test_every_odd_title_is_found_by_its_own_text(self, filled: Store) -> None:
        for movie in MOVIES:
            query = Query(text=movie.title)
            assert await filled.window(query, 0, MOST_ROWS) == reference.window(MOVIES, query, 0, MOST_ROWS)

    async def test_every_genre_is_found_by_its_own_name(self, filled: Store) -> None:
        for genre in (*GENRES, *FULL.genres):
            query = Query(genres=(genre,))
            assert await filled.window(query, 0, MOST_ROWS) == reference.window(MOVIES, query, 0, MOST_ROWS)
            assert await filled.counts(query, "genres") == reference.counts(MOVIES, query, "genres")

    async def test_answers_follow_writes(self, filled: Store) -> None:
        base = await filled.get(FULL.id)
        assert base is not None
        renamed = replace(base, title="Ætheling’s Zebra", genres=("Nouveau",), year=None, directors=("Ünlü Kişi",))
        await filled.update(renamed)
        movies = [movie if movie.id != FULL.id else renamed for movie in MOVIES]
        for query in (
            Query(),
            Query(text="zebra"),
            Query(text="unlu"),
            Query(text="ridley"),
            Query(genres=("Nouveau",)),
            Query(genres=("Horror",)),
            Query(year_from=1979, year_to=1979, sort="year"),
        ):
            assert await filled.window(query, 0, MOST_ROWS) == reference.window(movies, query, 0, MOST_ROWS)
            assert await filled.counts(query, "genres") == reference.counts(movies, query, "genres")
