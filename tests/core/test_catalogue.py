"""The catalogue over real servers: reads, writes and switches, for both stores and every strategy."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg import sql

from core import (
    Catalogue,
    EditConflict,
    InvalidMovie,
    InvalidQuery,
    MovieExists,
    MovieNotFound,
    Query,
    Settings,
    UnknownStore,
    UnknownStrategy,
    open_catalogue,
    replace,
)
from core import browsing as module
from core.intake import Source
from core.lab.slow import Slowness, SlowStore
from core.lab.visitors import Plan, Visitors
from core.model import Movie
from core.stores.base import Window
from core.strategies.codec import encode_movie
from core.strategies.fills import LEASE
from core.strategies.keys import movie_key
from tests.core.movies import movie, movies
from tests.core.sources import ListSource
from tests.core.waiting import until

Open = Callable[..., AbstractAsyncContextManager[Catalogue]]


@pytest.fixture
def open_test_catalogue(unhurried: None, redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path) -> Open:
    """Opens a catalogue over empty databases."""

    @asynccontextmanager
    async def opened(**settings: object) -> AsyncIterator[Catalogue]:
        chosen = {"redis_url": redis_url, "postgres_url": postgres_url, "mongo_url": mongo_url, "state_dir": tmp_path}
        async with open_catalogue(Settings(**(chosen | settings))) as catalogue:  # type: ignore[arg-type]  # test's own
            yield catalogue

    return opened


@pytest.fixture(params=["postgresql", "mongodb"])
def store(request: pytest.FixtureRequest) -> str:
    """Each store in turn."""
    return str(request.param)


@pytest.fixture(params=Catalogue.strategies)
def strategy(request: pytest.FixtureRequest) -> str:
    """Each strategy in turn."""
    return str(request.param)


def source(*films: Movie) -> Source:
    return ListSource(list(films))


async def test_a_second_read_is_a_hit_and_says_so(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        added = await catalogue.add(movie(1))
        first, second = await catalogue.read("Q1"), await catalogue.read("Q1")
        assert (first.tier, second.tier) == ("store", "redis")
        assert first.movie == second.movie == added
        assert second.freshness == "fresh"
        assert 0 < second.seconds < 5


async def test_the_trace_tells_the_way_of_each_operation(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        added = await catalogue.add(movie(1))
        await catalogue.get("Q1")
        await catalogue.get("Q1")
        saved = await catalogue.save(replace(added, runtime=118))
        await catalogue.use_strategy("write-through")
        await catalogue.save(replace(saved, runtime=119))
        await catalogue.use_strategy("no-cache")
        await catalogue.get("Q1")
        lines = [line for line in catalogue.stats().trace if line.operation in ("get", "save")]
        assert [[(step.where, step.outcome) for step in line.steps] for line in lines] == [
            [("redis", "miss"), ("redis", "lease"), ("store", "read"), ("redis", "filled")],
            [("redis", "hit")],
            [("redis", "hidden"), ("store", "committed"), ("redis", "dropped")],
            [("redis", "hidden"), ("store", "committed"), ("redis", "put")],
            [("store", "read")],
        ]
        assert all(sum(step.seconds or 0 for step in line.steps) <= line.seconds for line in lines)


async def test_first_rows_come_before_they_are_counted_to_who_is_in_a_hurry(
    open_test_catalogue: Open, store: str, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(text="movie", sort="year", descending=True)
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        await catalogue.load(source(*movies(60)))
        inside, gate = catalogue._binding.store, asyncio.Event()
        window, first, order = inside.window, inside.first, list[str]()

        async def counting(query: Query, offset: int, limit: int) -> Window:
            order.append("count begun")
            await gate.wait()
            return await window(query, offset, limit)

        async def beginning(query: Query, limit: int) -> tuple[str, ...]:
            rows = await first(query, limit)
            order.append("first rows")
            return rows

        monkeypatch.setattr(inside, "window", counting)
        monkeypatch.setattr(inside, "first", beginning)
        monkeypatch.setattr(module, "ALONE", 30.0)
        begun = await catalogue.browse(query, 0, 20, hurry=20)
        assert (begun.counted, begun.total, len(begun.movies)) == (False, 20, 20)
        assert order == ["first rows"], "the store is theirs and their movies' alone"
        waiting = asyncio.create_task(catalogue.browse(query, 0, 20))
        gate.set()
        whole = await waiting
        assert whole.counted
        assert whole.total > 20
        assert whole.movies == begun.movies
        monkeypatch.setattr(module, "SOON", 30.0)
        assert (await catalogue.browse(query, 0, 20, hurry=20)).counted == (strategy != "no-cache"), "soon enough"


async def test_first_rows_that_are_all_rows_are_not_counted_once_more(
    open_test_catalogue: Open, store: str, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(text="movie 1", sort="year", descending=True)
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        await catalogue.load(source(*movies(60)))
        counted = await catalogue._binding.store.window(query, 0, 20)

        async def counting(query: Query, offset: int, limit: int) -> Window:
            raise AssertionError("counted")

        with monkeypatch.context() as patch:
            patch.setattr(catalogue._binding.store, "window", counting)
            patch.setattr(module, "SOON", 30.0)  # else the rows could be asked for before the cache on a busy machine
            few = await catalogue.browse(query, 0, 20, hurry=20)
            assert few.counted
            assert (few.total, tuple(movie.id for movie in few.movies)) == (counted.total, counted.ids)
            again = await catalogue.browse(query, 0, 20) if strategy != "no-cache" else few
            assert (again.window_tier, again.movies) == ("redis" if strategy != "no-cache" else "store", few.movies)
        removed = few.movies[0]
        await catalogue.remove(removed.id, version=removed.version)
        rest = await catalogue.browse(query, 0, 20, hurry=20)
        assert (rest.total, rest.movies) == (few.total - 1, few.movies[1:])


async def test_rows_that_were_asked_for_before_the_cache_are_not_kept_in_it(
    open_test_catalogue: Open, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(text="movie 1", sort="year")
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*movies(60)))
        await until(lambda: catalogue.stats().doubt is None)  # else the cache is not looked at
        assert (await catalogue.browse(Query())).freshness == "fresh"
        inside, counted = catalogue._binding.store, asyncio.Event()
        window = inside.window

        async def counting(query: Query, offset: int, limit: int) -> Window:
            counted.set()
            return await window(query, offset, limit)

        monkeypatch.setattr(inside, "window", counting)
        monkeypatch.setattr(module, "SOON", 0.0)  # the store is asked while the cache is still being looked at
        monkeypatch.setattr(catalogue._binding.answers, "_patience", None)
        few = await catalogue.browse(query, 0, 20, hurry=20)
        async with asyncio.timeout(30):
            await counted.wait()
        assert (few.counted, few.freshness) == (True, "uncached")
        assert (await catalogue.browse(query, 0, 20)).movies == few.movies


async def test_the_trace_tells_the_way_of_a_window(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*movies(60)))
        await catalogue.browse(Query())
        await catalogue.browse(Query())
        await catalogue.use_strategy("no-cache")
        await catalogue.browse(Query())
        lines = [line for line in catalogue.stats().trace if line.operation == "browse"]
        ways = [[(s.where, s.outcome, s.seconds is not None) for s in line.steps] for line in lines]
        assert ways == [
            [
                ("redis", "no order", False),
                ("store", "order", False),
                ("redis", "0 of 50", False),
                ("store", "50 movies", False),
            ],
            [("redis", "order", True), ("redis", "50 of 50", True)],
            [("store", "order", True), ("store", "50 movies", True)],
        ]


async def test_who_shares_a_load_is_not_given_the_times_of_another(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        await catalogue.add(movie(1))
        await asyncio.gather(catalogue.read("Q1"), catalogue.read("Q1"))
        ways = [line.steps[1:] for line in catalogue.stats().trace if line.operation == "get"]
        assert sorted(tuple(step.outcome for step in way) for way in ways) == [
            ("lease", "read", "filled"),
            ("load shared",),
        ]


async def test_a_switch_says_what_it_waited_for(open_test_catalogue: Open) -> None:
    async with open_test_catalogue(strategy="write-through") as catalogue:
        added = await catalogue.add(movie(1))
        await catalogue.use_strategy("cache-aside")
        saving = asyncio.create_task(catalogue.save(replace(added, runtime=118)))
        await asyncio.sleep(0)
        assert str(catalogue.unfinished) == "1 running write"
        await catalogue.use_strategy("no-cache")
        assert saving.done()
        await saving
        await catalogue.use_strategy("cache-aside")
        said = [line.verdict for line in catalogue.stats().trace if line.operation == "switch"]
        assert "s for 1 running write" in said[-2]
        assert said[-1] == "no-cache -> cache-aside, nothing to wait for"


@pytest.mark.parametrize("kind", ["strategy", "store"])
async def test_a_switch_that_waits_is_stopped_and_the_old_one_is_in_force(
    open_test_catalogue: Open, store: str, kind: str
) -> None:
    async with open_test_catalogue(store=store, strategy="write-through") as catalogue:
        added = await catalogue.add(movie(1))
        other = next(name for name in Catalogue.stores if name != store)
        if kind == "store":
            await catalogue.use_store(other)
            await catalogue.use_store(store)
        held = asyncio.Event()
        catalogue._binding.background.start(held.wait())
        use = catalogue.use_store(other) if kind == "store" else catalogue.use_strategy("no-cache")
        switching = asyncio.create_task(use)
        while not catalogue.settling:
            await asyncio.sleep(0)
        switching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await switching
        held.set()
        assert (catalogue.store, catalogue.strategy, catalogue.settling) == (store, "write-through", False)
        saved = await catalogue.save(replace(added, runtime=118))
        await catalogue.use_strategy("cache-aside")
        reading = await catalogue.read("Q1")
        assert (reading.tier, reading.movie) == ("redis", saved), "the write went through, as before"


async def test_write_through_leaves_the_new_state_in_the_cache(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store, strategy="write-through") as catalogue:
        added = await catalogue.add(movie(1))
        saved = await catalogue.save(replace(added, runtime=118))
        await catalogue.use_strategy("cache-aside")
        reading = await catalogue.read("Q1")
        assert (reading.tier, reading.movie) == ("redis", saved)


async def test_cache_aside_drops_what_was_written(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        added = await catalogue.add(movie(1))
        await catalogue.get("Q1")
        saved = await catalogue.save(replace(added, runtime=118))
        assert (await catalogue.read("Q1")).tier == "store"
        assert (await catalogue.read("Q1")).movie == saved


async def test_no_cache_never_asks_redis_but_leaves_no_stale_entry(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        added = await catalogue.add(movie(1))
        await catalogue.get("Q1")
        await catalogue.use_strategy("no-cache")
        assert (await catalogue.read("Q1")).tier == "store"
        saved = await catalogue.save(replace(added, runtime=118))
        await catalogue.use_strategy("cache-aside")
        assert await catalogue.get("Q1") == saved


async def test_windows_and_histogram_never_show_the_state_before_a_write(
    open_test_catalogue: Open, store: str, strategy: str
) -> None:
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        await catalogue.load(source(*movies(60)))
        horror = Query(genres=("Horror",), sort="year", descending=True)
        for round_ in range(4):
            before = await catalogue.browse(horror, 0, 50)
            counts = {c.name: c.count for c in await catalogue.genres(Query())}
            assert before.total == counts["Horror"] == len(before.movies)
            victim = before.movies[round_ % before.total]
            left = tuple(g for g in victim.genres if g != "Horror")
            saved = await catalogue.save(replace(victim, genres=left, title=f"Renamed{round_}"))
            after = await catalogue.browse(horror, 0, 50)
            assert after.total == before.total - 1
            assert victim.id not in {m.id for m in after.movies}
            found = await catalogue.browse(Query(text=f"Renamed{round_}"))
            assert found.movies == (saved,)
            counts = {c.name: c.count for c in await catalogue.genres(Query())}
            assert counts.get("Horror", 0) == after.total


def slowed(catalogue: Catalogue) -> Slowness:
    """How much longer the store takes."""
    store = catalogue._binding.store
    assert isinstance(store, SlowStore)
    return store._slowness


async def test_an_answer_that_takes_longer_than_a_lease_lives_is_cached(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*movies(80)))
        await catalogue.browse(Query(), 0, 50)
        slowed(catalogue).seconds = LEASE + 0.1
        assert (await catalogue.counts("genres", Query())).tier == "store"
        assert (await catalogue.counts("genres", Query())).tier == "redis"


async def test_an_answer_that_was_given_up_leaves_nothing_behind(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*movies(80)))
        await catalogue.browse(Query(), 0, 50)
        slowed(catalogue).seconds = 60
        counting = asyncio.create_task(catalogue.counts("genres", Query()))
        await until(lambda: bool(catalogue.stats().in_flight))
        counting.cancel()
        await asyncio.wait([counting])
        slowed(catalogue).seconds = 0
        assert (await catalogue.counts("genres", Query())).tier == "store"
        assert (await catalogue.counts("genres", Query())).tier == "redis"


async def test_a_page_is_served_from_redis_the_second_time(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*movies(80)))
        cold = await catalogue.browse(Query(sort="year"), 10, 50)
        warm = await catalogue.browse(Query(sort="year"), 10, 50)
        assert warm.movies == cold.movies
        assert (cold.window_tier, set(cold.tiers)) == ("store", {"store"})
        assert (warm.window_tier, set(warm.tiers)) == ("redis", {"redis"})
        assert (await catalogue.browse(Query(sort="year"), 200, 50)).movies == ()
        assert (await catalogue.browse(Query(sort="year"), 200, 50)).total == 80


async def test_conflict_leaves_the_store_and_the_cache_as_they_were(
    open_test_catalogue: Open, store: str, strategy: str
) -> None:
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        added = await catalogue.add(movie(1))
        theirs = await catalogue.save(replace(added, runtime=100))
        with pytest.raises(EditConflict) as conflict:
            await catalogue.save(replace(added, runtime=200))
        assert conflict.value.current == theirs
        assert await catalogue.get("Q1") == theirs
        await catalogue.save(replace(theirs, runtime=200))
        assert (await catalogue.get("Q1")).runtime == 200


async def test_a_known_absence_is_cached_and_never_hides_an_insert(
    open_test_catalogue: Open, store: str, strategy: str
) -> None:
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        for _ in range(2):
            with pytest.raises(MovieNotFound):
                await catalogue.get("Q1")
        negatives = catalogue.stats().strategies[strategy].negatives
        assert negatives == (0 if strategy == "no-cache" else 1)
        added = await catalogue.add(movie(1))
        assert await catalogue.get("Q1") == added
        await catalogue.remove("Q1", version=added.version)
        with pytest.raises(MovieNotFound):
            await catalogue.get("Q1")


async def test_each_refusal_is_typed(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        added = await catalogue.add(movie(1))
        with pytest.raises(MovieExists):
            await catalogue.add(movie(1))
        with pytest.raises(MovieNotFound):
            await catalogue.save(movie(2))
        with pytest.raises(InvalidMovie, match="runtime: must lie between 1 and 60 000"):
            await catalogue.save(replace(added, runtime=-5))
        with pytest.raises(InvalidMovie, match="title: is required"):
            await catalogue.save(replace(added, title=" "))
        with pytest.raises(EditConflict):
            await catalogue.remove("Q1", version=added.version - 1)
        with pytest.raises(InvalidQuery):
            await catalogue.browse(Query(), -1, 50)
        with pytest.raises(UnknownStrategy, match="'fastest'"):
            await catalogue.use_strategy("fastest")
        with pytest.raises(UnknownStore, match="'sqlite'"):
            await catalogue.use_store("sqlite")
        assert await catalogue.get("Q1") == added


async def test_stores_are_switched_live_and_never_mix(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        here = await catalogue.add(movie(1, title="In PostgreSQL"))
        await catalogue.get("Q1")
        await catalogue.use_store("mongodb")
        with pytest.raises(MovieNotFound):
            await catalogue.get("Q1")
        await catalogue.add(movie(1, title="In MongoDB"))
        assert (await catalogue.get("Q1")).title == "In MongoDB"
        left = catalogue._binding.views
        catalogue.viewed("Q1")
        await catalogue.use_store("postgresql")
        assert not left._untold, "the other copies hear of what was looked at until then"
        assert await catalogue.get("Q1") == here
        assert catalogue.store == "postgresql"


async def test_readers_racing_with_writers_never_see_an_acknowledged_write_undone(
    open_test_catalogue: Open, store: str, strategy: str
) -> None:
    async with open_test_catalogue(store=store, strategy=strategy) as catalogue:
        present = await catalogue.add(movie(1, runtime=100))
        acknowledged, stale = 100, 0
        done = asyncio.Event()

        async def reader() -> None:
            nonlocal stale
            while not done.is_set():
                floor = acknowledged
                runtime = (await catalogue.get("Q1")).runtime
                page = await catalogue.browse(Query(), 0, 10)
                stale += (runtime or 0) < floor
                stale += (page.movies[0].runtime or 0) < floor

        readers = [asyncio.create_task(reader()) for _ in range(6)]
        for runtime in range(101, 131):
            present = await catalogue.save(replace(present, runtime=runtime))
            acknowledged = runtime
        done.set()
        await asyncio.gather(*readers)
        assert stale == 0


async def test_a_stampede_on_a_cold_key_loads_once(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        await catalogue.load(source(movie(1)))
        before = catalogue.stats().strategies["cache-aside"].store_reads
        await asyncio.gather(*(catalogue.get("Q1") for _ in range(100)))
        assert catalogue.stats().strategies["cache-aside"].store_reads == before + 1


async def test_loading_twice_changes_nothing_and_is_seen_at_once(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        films = movies(600)
        await catalogue.load(source(*films[:300]))
        assert (await catalogue.browse(Query())).total == 300
        with pytest.raises(MovieNotFound):
            await catalogue.get(films[400].id)
        first = await catalogue.load(source(*films))
        assert (first.read, first.stored, first.unchanged) == (600, 300, 300)
        assert (await catalogue.get(films[400].id)).title == films[400].title
        assert (await catalogue.browse(Query())).total == 600
        again = await catalogue.load(source(*films))
        assert (again.stored, again.unchanged, again.rejected) == (0, 600, 0)


async def test_a_load_can_be_stopped_between_batches(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        stop = asyncio.Event()
        report = await catalogue.load(source(*movies(1_000)), lambda _: stop.set(), stop=stop)
        assert report.cancelled
        assert 0 < report.stored < 1_000
        assert (await catalogue.browse(Query())).total == report.stored


async def test_a_load_tells_the_store_its_size_and_ends_the_reading_when_it_is_stopped(
    open_test_catalogue: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[float | None] = []

    class Watched(ListSource):
        def __iter__(self) -> Iterator[object]:
            try:
                yield from super().__iter__()
            finally:
                ended.append(self.fraction)

    async with open_test_catalogue() as catalogue:
        inside, told = catalogue._binding.store, list[int]()
        bulk = inside.bulk

        def listening(expected: int) -> AbstractAsyncContextManager[None]:
            told.append(expected)
            return bulk(expected)

        monkeypatch.setattr(inside, "bulk", listening)
        stop = asyncio.Event()
        await catalogue.load(Watched(movies(6_000)), lambda _: stop.set(), stop=stop)
        assert told == [6_000], "of what the first batch was a part, however far the reading is by then"
        assert ended
        assert ended[0] is not None
        assert ended[0] < 1.0


async def test_an_entry_past_its_soft_ttl_is_served_and_refreshed(open_test_catalogue: Open) -> None:
    async with open_test_catalogue(soft_ttl=0.001, hard_ttl=60.0) as catalogue:
        await catalogue.add(movie(1))
        await catalogue.get("Q1")
        async with asyncio.timeout(60):
            while (reading := await catalogue.read("Q1")).freshness == "fresh":
                pass
        assert (reading.tier, reading.freshness) == ("redis", "stale")
        assert catalogue.stats().strategies["cache-aside"].stale == 1


async def test_stats_tell_what_happened(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        await catalogue.add(movie(1))
        await catalogue.get("Q1")
        await catalogue.get("Q1")
        stats = catalogue.stats()
        counted = stats.strategies["cache-aside"]
        assert (counted.hits, counted.misses, counted.writes) == (1, 1, 1)
        assert (counted.hit_latency.count, counted.miss_latency.count, counted.write_latency.count) == (1, 1, 1)
        assert [line.operation for line in stats.trace] == ["add", "get", "get"]
        assert (stats.store, stats.strategy, stats.breaker) == ("postgresql", "cache-aside", "closed")


async def test_addresses_are_masked(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        assert catalogue.redis_url
        assert catalogue.store_url.startswith("postgresql://")


async def test_an_entry_that_was_dear_to_load_is_refreshed_before_its_time(open_test_catalogue: Open) -> None:
    async with open_test_catalogue() as catalogue:
        added = await catalogue.add(movie(1))
        cache, key = catalogue._binding.cache, movie_key("Q1")
        reads = catalogue._binding.strategies["cache-aside"]._reads  # type: ignore[attr-defined]  # of a caching one

        async def put() -> int:
            assert (await cache.acquire(key, "t", 5, refresh=True)).verdict == "token"
            assert await cache.fill(key, "t", added.version, encode_movie(added), load_ms=100_000) == "set"
            entry = await cache.get(key)
            assert entry is not None
            return entry.load_ms

        for draw, refreshed in ((0.0, False), (0.5, True)):
            reads._random = lambda draw=draw: draw
            assert await put() == 100_000
            assert (await catalogue.read("Q1")).freshness == "fresh"
            await catalogue._binding.background.drain()
            entry = await cache.get(key)
            assert entry is not None
            assert (entry.load_ms < 100_000) == refreshed


async def test_two_databases_behind_one_redis_never_see_each_others_entries(
    open_test_catalogue: Open, postgres_url: str, postgres_server: str
) -> None:
    name = f"test_{secrets.token_hex(6)}"
    admin = await psycopg.AsyncConnection.connect(postgres_server, autocommit=True)
    async with admin:
        await admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        elsewhere = postgres_server.replace("/reelcache?", f"/{name}?")
        async with open_test_catalogue() as one, open_test_catalogue(postgres_url=elsewhere) as other:
            await one.add(movie(1, title="Here"))
            await other.add(movie(1, title="There"))
            for _ in range(2):
                assert (await one.get("Q1")).title == "Here"
                assert (await other.get("Q1")).title == "There"
        await admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


async def test_visitors_come_and_go_through_switches_and_leave_nothing_outdated(
    open_test_catalogue: Open, store: str
) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        await catalogue.load(source(*(replace(film, critic_reviews=10) for film in movies(100))))
        visitors = Visitors(catalogue, random=Random(5))
        visitors.start(Plan(visitors=8, rate=500, edits=30, browses=10))
        async with asyncio.timeout(60):
            for name in (*Catalogue.strategies, "cache-aside"):
                await catalogue.use_strategy(name)
                enough = visitors.done.edited + 40
                while visitors.done.edited < enough:
                    await asyncio.sleep(0.01)
        await visitors.stop()
        kept = await catalogue._binding.store.get_many([film.id for film in movies(100)])
        assert {id: await catalogue.get(id) for id in kept} == kept
        assert any(film.critic_reviews == 11 for film in kept.values())
        assert {name for name, counts in catalogue.stats().strategies.items() if counts.writes} == set(
            Catalogue.strategies
        )


async def test_values_are_counted_completed_and_follow_edits(open_test_catalogue: Open, store: str) -> None:
    async with open_test_catalogue(store=store) as catalogue:
        first = await catalogue.add(movie(1, year=1979, directors=("Ridley Scott",), genres=("Horror",)))
        await catalogue.add(movie(2, year=1979, directors=("Ridley Scott", "Tony Scott"), genres=("Drama",)))
        await catalogue.add(movie(3, year=None, directors=("Agnès Varda",), genres=("Drama",)))

        async def completed(field: str, beginning: str, **more: Query) -> list[tuple[str, int]]:
            return [(value.name, value.count) for value in await catalogue.completions(field, beginning, **more)]  # type: ignore[arg-type]

        for _ in range(2):  # from the store, then from Redis
            assert await completed("directors", "sco") == [("Ridley Scott", 2), ("Tony Scott", 1)]
            assert await completed("directors", "agnes v") == [("Agnès Varda", 1)]
            assert await completed("genres", "") == [("Drama", 2), ("Horror", 1)]
            assert await completed("directors", "sco", among=Query(genres=("Horror",))) == [("Ridley Scott", 1)]
            assert [(year.name, year.count) for year in await catalogue.years(Query())] == [("1979", 2)]
        await catalogue.save(replace(first, directors=("Scott Hicks",), year=1996))
        assert await completed("directors", "sco") == [("Ridley Scott", 1), ("Scott Hicks", 1), ("Tony Scott", 1)]
        assert {year.name for year in await catalogue.years(Query())} == {"1979", "1996"}
        with pytest.raises(InvalidQuery):
            await catalogue.completions("plot", "x")
