"""What every database must make of many movies that come at once."""

from __future__ import annotations

import asyncio

import pytest

from core.model import replace, same_content
from core.query import Query
from core.stores.base import Store, Stored
from core.stores.writer import MANY
from tests.core.stores import reference
from tests.core.stores.corpus import BARE, FULL
from tests.core.stores.open_stores import MOVIES, OpenStores


class LoadCompliance(OpenStores):
    """Batches: what becomes of each movie, and what a broken load leaves."""

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

    async def test_a_bulk_load_that_is_taken_up_again_adds_what_is_not_there(self, store: Store) -> None:
        await store.load([replace(FULL, runtime=1), *MOVIES[1:20]])
        assert MOVIES[0].id == FULL.id
        async with store.bulk(1_000):
            assert await store.load(MOVIES) == Stored(inserted=len(MOVIES) - 20, updated=1, unchanged=19)
            assert await store.load(MOVIES) == Stored(inserted=0, updated=0, unchanged=len(MOVIES))
        found = await store.get(FULL.id)
        assert found is not None
        assert same_content(found, FULL)
        assert await store.count() == len(MOVIES)

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
