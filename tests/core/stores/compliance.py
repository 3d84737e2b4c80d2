"""The store compliance suite: what every database behind the contract of `core.stores.base` must do.

A store's own test module inherits `StoreCompliance` and gives the fixtures that raise NotImplementedError here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from core.errors import EditConflict, MovieExists, MovieNotFound, StoreUnavailable
from core.model import Movie, replace, same_content
from core.place import Place
from core.query import COUNTED, MOST_ROWS, SORTS, Query
from core.score import points_of
from core.stores.base import Store, Stored, Window
from core.stores.writer import MANY
from tests.core.stores import reference
from tests.core.stores.corpus import (
    BARE,
    FULL,
    GENRES,
    ODD_TITLES,
    OLD,
    catalogues,
    corpus,
    movies,
    queries,
    questions_about,
)

NewStore = Callable[[], Store]
MOVIES = corpus()
asked_of_one_store = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # each store's class runs the inherited test, on purpose
    ],
)


class StoreCompliance:
    """The tests. Each starts on an empty database of its own."""

    @pytest.fixture
    def new_store(self) -> NewStore:
        """Makes one more store, not yet opened, on the database of this test: another process, so to speak."""
        raise NotImplementedError

    @pytest.fixture
    def unreachable(self) -> Store:
        """A store with a timeout of 1 s, at an address where nobody listens, whose URL holds the password `s3cret`."""
        raise NotImplementedError

    @pytest.fixture
    def depth_of_near(self) -> str:
        """Where the store has the number of rows up to which a window is walked to otherwise than deeper ones."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, new_store: NewStore) -> AsyncIterator[Store]:
        """An open store without movies."""
        store = new_store()
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def other(self, new_store: NewStore, store: Store) -> AsyncIterator[Store]:
        """A second open store on the same database."""
        other = new_store()
        await other.open()
        yield other
        await other.close()

    @pytest.fixture
    async def filled(self, store: Store) -> Store:
        """An open store with the corpus in it."""
        await store.load(MOVIES)
        return store

    # -------------------------------------------------------------------------------------------- one movie

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

    async def test_an_update_changes_nothing_before_it_may(self, store: Store) -> None:
        stored = await store.insert(FULL)
        changed = replace(stored, runtime=7)

        async def refused() -> None:
            assert await store.get(FULL.id) == stored
            raise StoreUnavailable("elsewhere", "it may not")

        async def allowed() -> None:
            assert await store.get(FULL.id) == stored

        with pytest.raises(StoreUnavailable, match="it may not"):
            await store.update(changed, refused())
        assert await store.get(FULL.id) == stored
        updated = await store.update(changed, allowed())
        assert await store.get(FULL.id) == updated
        assert updated.runtime == 7

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

    # -------------------------------------------------------------------------------- writes and their versions

    async def test_insert_refuses_an_id_that_is_there(self, store: Store) -> None:
        first = await store.insert(FULL)
        with pytest.raises(MovieExists) as refusal:
            await store.insert(replace(BARE, id=FULL.id))
        assert refusal.value.id == FULL.id
        assert await store.get(FULL.id) == first

    async def test_update_needs_the_version_it_began_from(self, store: Store) -> None:
        base = await store.insert(FULL)
        theirs = await store.update(replace(base, runtime=118))
        with pytest.raises(EditConflict) as conflict:
            await store.update(replace(base, runtime=119))
        assert conflict.value.current == theirs
        assert conflict.value.base == base.version
        assert await store.get(FULL.id) == theirs

    async def test_update_of_a_movie_that_is_gone(self, store: Store) -> None:
        base = await store.insert(FULL)
        await store.delete(base.id, base.version)
        with pytest.raises(MovieNotFound) as missing:
            await store.update(replace(base, runtime=118))
        assert missing.value.id == base.id
        with pytest.raises(MovieNotFound):
            await store.update(replace(base, id="no such id \x00"))
        with pytest.raises(MovieNotFound):
            await store.delete("no such id \x00", base.version)
        assert await store.get(base.id) is None

    async def test_delete(self, filled: Store) -> None:
        base = await filled.get(FULL.id)
        assert base is not None
        removal = await filled.delete(base.id, base.version)
        assert removal > base.version
        assert await filled.get(base.id) is None
        assert await filled.count() == len(MOVIES) - 1
        with pytest.raises(MovieNotFound):
            await filled.delete(base.id, base.version)

    async def test_delete_needs_the_version_it_began_from(self, store: Store) -> None:
        base = await store.insert(FULL)
        theirs = await store.update(replace(base, runtime=118))
        with pytest.raises(EditConflict) as conflict:
            await store.delete(base.id, base.version)
        assert conflict.value.current == theirs
        assert await store.get(base.id) == theirs

    async def test_versions_are_the_clock_in_microseconds(self, store: Store) -> None:
        stored = await store.insert(replace(BARE, version=7))
        assert abs(stored.version / 1e6 - time.time()) < 60

    async def test_versions_only_grow(self, store: Store) -> None:
        seen = []
        for _ in range(5):
            movie = await store.insert(BARE)
            seen.append(movie.version)
            for runtime in range(1, 4):
                movie = await store.update(replace(movie, runtime=runtime))
                seen.append(movie.version)
            await store.load([replace(BARE, runtime=99)])
            loaded = await store.get(BARE.id)
            assert loaded is not None
            seen.append(loaded.version)
            seen.append(await store.delete(BARE.id, loaded.version))
        assert seen == sorted(set(seen))

    async def test_one_winner_among_edits_of_one_base(self, store: Store, other: Store) -> None:
        base = await store.insert(BARE)
        losers: list[EditConflict] = []

        async def edit(number: int) -> Movie | None:
            try:
                return await (store, other)[number % 2].update(replace(base, runtime=number + 1))
            except EditConflict as conflict:
                losers.append(conflict)
                return None

        outcomes = await asyncio.gather(*(edit(number) for number in range(24)))
        winners = [movie for movie in outcomes if movie is not None]
        assert len(winners) == 1
        assert all(loser.base == base.version and loser.current == winners[0] for loser in losers)
        assert await store.get(BARE.id) == winners[0]

    async def test_one_winner_among_inserts_of_one_id(self, store: Store, other: Store) -> None:
        async def add(number: int) -> Movie | None:
            try:
                return await (store, other)[number % 2].insert(replace(BARE, runtime=number + 1))
            except MovieExists:
                return None

        outcomes = await asyncio.gather(*(add(number) for number in range(24)))
        winners = [movie for movie in outcomes if movie is not None]
        assert len(winners) == 1
        assert await store.get(BARE.id) == winners[0]

    async def test_no_version_is_given_twice_whatever_the_order_of_writers(self, store: Store, other: Store) -> None:
        """Many tasks insert, edit and delete one id: each acknowledged version is above those acknowledged before."""
        versions: list[int] = []

        async def write(number: int) -> None:
            through = (store, other)[number % 2]
            for turn in range(12):
                floor = max(versions, default=0)
                try:
                    current = await through.get(BARE.id)
                    if current is None:
                        given = (await through.insert(BARE)).version
                    elif (number + turn) % 2:
                        given = await through.delete(BARE.id, current.version)
                    else:
                        given = (await through.update(replace(current, runtime=number * 100 + turn + 1))).version
                except (MovieExists, MovieNotFound, EditConflict):
                    continue
                assert given > floor
                versions.append(given)

        await asyncio.gather(*(write(number) for number in range(15)))
        assert len(versions) >= 10, "of fifteen who all read the same state one wins: hardly more than one a turn"
        assert len(set(versions)) == len(versions)

    async def test_an_acknowledged_write_is_seen_by_everyone(self, store: Store, other: Store) -> None:
        movie = await store.insert(BARE)
        for runtime in range(1, 20):
            movie = await store.update(replace(movie, runtime=runtime))
            assert await other.get(BARE.id) == movie

    # --------------------------------------------------------------------------------------------- questions

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

    # ----------------------------------------------------------------------------------------------------- theaters

    async def test_theaters_are_kept_beside_the_movies(self, store: Store, other: Store) -> None:
        theaters = [
            Place(id="1000", kind="theater", lat=44.85466, lon=-93.24565, street="340 W Market", city="Bloomington",
                  state="MN", zipcode="55425"),
            Place(id="csv:é'\"\\ $x", kind="theater", name="Le Grand Rex {$gt: 1}", lat=48.87, lon=2.347, country="FR"),
            Place(id="0042", kind="theater", name="42", lat=-85.05112878, lon=-180.0),
            Place(id="42", kind="theater", name="千と千尋 \u200d", lat=0.1 + 0.2, lon=180.0),
        ]  # fmt: skip
        assert await all_theaters(store) == []
        # Two who bring the same at once bring it once.
        loads = await asyncio.gather(*(each.load_theaters(theaters) for each in (store, other)))
        assert sum(load.inserted + load.updated + load.unchanged for load in loads) == 8
        assert await all_theaters(other) == sorted(theaters, key=lambda place: place.id)
        assert await store.load_theaters(theaters) == Stored(inserted=0, updated=0, unchanged=4)
        moved = structs.replace(theaters[0], lat=45.0, street=None, name="Moved")
        assert await other.load_theaters([moved, theaters[1]]) == Stored(inserted=0, updated=1, unchanged=1)
        assert await all_theaters(store, 44.9, 60) == [moved, theaters[1]]
        assert await store.count() == 0
        await store.clear()
        assert await all_theaters(other) == []

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

    # -------------------------------------------------------------------------------------------------- loads

    async def test_load_is_idempotent(self, store: Store) -> None:
        assert await store.load(MOVIES) == Stored(inserted=len(MOVIES), updated=0, unchanged=0)
        before = await store.get_many([movie.id for movie in MOVIES])
        assert await store.load(MOVIES) == Stored(inserted=0, updated=0, unchanged=len(MOVIES))
        assert await store.get_many([movie.id for movie in MOVIES]) == before
        assert await store.count() == len(MOVIES)

    async def test_load_tells_what_became_of_each_movie(self, store: Store) -> None:
        await store.load(MOVIES[:50])
        before = await store.get_many([movie.id for movie in MOVIES])
        changed = [replace(movie, plot="changed") for movie in MOVIES[:20]]
        report = await store.load([*changed, *MOVIES[20:80]])
        assert report == Stored(inserted=30, updated=20, unchanged=30)
        after = await store.get_many([movie.id for movie in MOVIES])
        assert all(after[movie.id].version > before[movie.id].version for movie in changed)
        assert all(same_content(after[movie.id], movie) for movie in changed)
        assert all(after[movie.id] == before[movie.id] for movie in MOVIES[20:50])

    async def test_load_sees_a_change_in_any_field(self, store: Store) -> None:
        await store.load([FULL])
        for field in FULL.__struct_fields__:
            if field in ("id", "version", "title"):
                continue
            emptied = replace(FULL, **{field: getattr(BARE, field)})
            assert await store.load([emptied]) == Stored(inserted=0, updated=1, unchanged=0), field
            assert await store.load([FULL]) == Stored(inserted=0, updated=1, unchanged=0), field
            found = await store.get(FULL.id)
            assert found is not None
            assert same_content(found, FULL)

    async def test_load_keeps_a_version_that_the_given_movie_claims_out(self, store: Store) -> None:
        await store.load([replace(BARE, version=5)])
        found = await store.get(BARE.id)
        assert found is not None
        assert found.version > 5
        assert await store.load([replace(BARE, version=6)]) == Stored(inserted=0, updated=0, unchanged=1)

    async def test_load_of_nothing(self, store: Store) -> None:
        assert await store.load([]) == Stored(inserted=0, updated=0, unchanged=0)

    async def test_loads_at_once_lose_nothing(self, store: Store, other: Store) -> None:
        forwards, backwards = store.load(MOVIES), other.load(MOVIES[::-1])
        reports = await asyncio.gather(forwards, backwards)
        assert sum(report.inserted for report in reports) == len(MOVIES)
        assert sum(report.unchanged for report in reports) == len(MOVIES)
        assert await store.count() == len(MOVIES)

    async def test_a_load_that_fails_leaves_nothing_half_written(self, store: Store) -> None:
        broken = replace(BARE, id="Q2", plot="NUL \x00 and a lone surrogate \ud800, which no door lets in")
        await store.load(MOVIES[:3])
        with pytest.raises(Exception, match=r".+"):
            await store.load([replace(FULL, runtime=1), *MOVIES[3:60], broken, *MOVIES[60:]])
        assert await store.count() == 3
        found = await store.get(FULL.id)
        assert found is not None
        assert same_content(found, FULL)

    async def test_a_load_that_is_cancelled_is_whole_or_absent(self, store: Store, other: Store) -> None:
        for ticks in range(0, 60, 6):
            await store.clear()
            load = asyncio.create_task(store.load(MOVIES))
            for _ in range(ticks):
                await asyncio.sleep(0)
            load.cancel()
            await asyncio.wait([load])
            assert await other.count() in (0, len(MOVIES))
        assert await store.load(MOVIES[:1]) is not None

    async def test_a_bulk_load_can_be_looked_at_all_the_while(self, store: Store, other: Store) -> None:
        query = Query(sort="year", descending=True)
        await store.load(MOVIES[:20])
        async with store.bulk(1_000), other.bulk(1_000):
            for first in range(20, len(MOVIES), 30):
                await store.load(MOVIES[first : first + 30])
                assert await other.window(query, 5, 40) == reference.window(MOVIES[: first + 30], query, 5, 40)
        assert await store.window(query, 5, 40) == reference.window(MOVIES, query, 5, 40)

    async def test_a_large_load_goes_on_when_the_process_that_writes_it_out_is_killed(self, store: Store) -> None:
        query = Query(sort="year", descending=True)
        async with store.bulk(MANY):
            assert await store.load(MOVIES[:40]) == Stored(inserted=40, updated=0, unchanged=0)
            process = store._loads._writer._process  # type: ignore[attr-defined]  # both stores have it there
            process.kill()
            await process.wait()
            assert await store.load(MOVIES[40:]) == Stored(inserted=len(MOVIES) - 40, updated=0, unchanged=0)
        assert await store.window(query, 0, 1_000) == reference.window(MOVIES, query, 0, 1_000)
        assert (await store.get_many([movie.id for movie in MOVIES])).keys() == {movie.id for movie in MOVIES}

    async def test_what_was_removed_comes_back_by_a_load_above_its_removal(self, store: Store) -> None:
        base = await store.insert(FULL)
        removal = await store.delete(base.id, base.version)
        assert await store.load([FULL, BARE]) == Stored(inserted=2, updated=0, unchanged=0)
        found = await store.get_many([FULL.id, BARE.id])
        assert found[FULL.id].version > removal
        assert same_content(found[FULL.id], FULL)

    # -------------------------------------------------------------------------------------------- house-keeping

    async def test_notes(self, store: Store, other: Store) -> None:
        assert await store.note("shipped") is None
        await store.set_note("shipped", "sha256 '$\\ 😀")
        await store.set_note("$other.name", "x")
        assert await other.note("shipped") == "sha256 '$\\ 😀"
        await store.set_note("shipped", "")
        assert await other.note("shipped") == ""
        assert await other.note("$other.name") == "x"

    async def test_clear(self, filled: Store) -> None:
        await filled.set_note("shipped", "yes")
        before = await filled.get(FULL.id)
        assert before is not None
        await filled.clear()
        assert await filled.count() == 0
        assert await filled.note("shipped") is None
        assert await filled.get(FULL.id) is None
        assert await filled.counts(Query(), "genres") == ()
        again = await filled.insert(FULL)
        assert again.version > before.version

    async def test_identity(self, store: Store) -> None:
        identity = await store.identity()
        assert identity.product.lower() == store.name
        assert identity.version[0].isdigit()
        assert identity.address

    async def test_what_was_stored_outlives_the_store_object(self, new_store: NewStore, filled: Store) -> None:
        await filled.close()
        again = new_store()
        await again.open()
        try:
            assert await again.count() == len(MOVIES)
            assert await again.load(MOVIES) == Stored(inserted=0, updated=0, unchanged=len(MOVIES))
        finally:
            await again.close()

    async def test_two_may_open_an_empty_database_at_once(self, new_store: NewStore) -> None:
        stores = [new_store() for _ in range(4)]
        try:
            await asyncio.gather(*(store.open() for store in stores))
            for number, store in enumerate(stores):
                await store.insert(replace(BARE, id=f"Q{number}"))
            assert [await store.count() for store in stores] == [len(stores)] * len(stores)
        finally:
            await asyncio.gather(*(store.close() for store in stores))

    async def test_closing_twice_is_fine_and_using_it_after_is_not(self, new_store: NewStore) -> None:
        store = new_store()
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.get(FULL.id)
        with pytest.raises(StoreUnavailable):
            await store.insert(FULL)

    async def test_closing_what_was_never_open_is_fine(self, new_store: NewStore) -> None:
        await new_store().close()

    async def test_nobody_at_the_address(self, unreachable: Store, capfd: pytest.CaptureFixture[str]) -> None:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as failure:
            await unreachable.open()
        assert time.monotonic() - began < 5
        assert "s3cret" not in f"{failure.value} {failure.value!r} {failure.value.__cause__!r} {unreachable!r}"
        assert failure.value.reason
        assert failure.value.remedy
        await unreachable.close()
        assert capfd.readouterr() == ("", "")

    async def test_what_changed_since_a_place_is_told(self, filled: Store, other: Store) -> None:
        async def since(place: bytes | None) -> set[str] | None:
            ids = (await filled.changed_since(place)).ids
            return None if ids is None else set(ids)

        assert await since(None) is None
        beginning = (await filled.changed_since(None)).place
        assert await since(beginning) == set()
        edited, gone, *_ = MOVIES
        present = await other.get_many([edited.id, gone.id])
        await other.update(replace(present[edited.id], runtime=7))
        between = await filled.changed_since(beginning)
        assert between.ids == (edited.id,)
        await filled.delete(gone.id, present[gone.id].version)
        await other.insert(replace(BARE, id="new"))
        assert await since(between.place) == {gone.id, "new"}
        assert await since(beginning) == {edited.id, gone.id, "new"}
        assert await since((await filled.changed_since(between.place)).place) == set()
        await other.clear()
        assert await since(beginning) is None

    async def test_every_acknowledged_write_is_told(self, filled: Store, other: Store) -> None:
        place, acknowledged, told = (await filled.changed_since(None)).place, list[str](), set[str]()

        async def write(first: int) -> None:
            for number in range(first, first + 15):
                acknowledged.append((await other.insert(replace(BARE, id=f"w{number}"))).id)

        writing, turn = asyncio.gather(*(write(100 * number) for number in range(6))), 0
        while not writing.done():
            turn += 1
            asked = tuple(acknowledged)
            asking = asyncio.create_task(filled.changed_since(place))
            if turn % 3 == 0:
                for _ in range(turn % 16):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
                continue
            since = await asking
            told.update(since.ids or ())
            assert told.issuperset(asked)
            place = since.place
        told.update((await filled.changed_since(place)).ids or ())
        assert len(told) == len(await writing) * 15

    async def test_reads_cancelled_in_flight_break_nothing(self, filled: Store) -> None:
        for ticks in range(40):
            read = asyncio.create_task(filled.window(Query(text="a", sort="year"), 0, 50))
            for _ in range(ticks % 20):
                await asyncio.sleep(0)
            read.cancel()
            await asyncio.wait([read])
            assert await filled.count() == len(MOVIES)

    async def test_many_readers_at_once(self, filled: Store) -> None:
        found = await asyncio.gather(*(filled.get(MOVIES[n % len(MOVIES)].id) for n in range(300)))
        assert all(movie is not None for movie in found)


async def all_theaters(store: Store, *between: float) -> list[Place]:
    """What the store has, as it comes."""
    return [theater async for part in store.theaters(*between) for theater in part]
