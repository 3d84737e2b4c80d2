"""The outside observer on real servers: what is wrong in Redis is found, what is on its way is no lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from core.audit import Auditor, check, compare, compared
from core.cache.entry import Entry
from core.cache.keys import Namespace
from core.cache.redis import RedisCache
from core.errors import StoreUnavailable
from core.lab.slow import Slowness, SlowStore
from core.model import Movie, replace
from core.observe.counters import Observer
from core.observe.stats import AuditStats
from core.stores.postgres import PostgresStore
from core.strategies.codec import CODEC, encode_movie
from core.strategies.keys import COLLECTION, answer_key, movie_key
from tests.core.movies import movie, movies

AGES = (0.02, 0.04)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """Ten movies in PostgreSQL."""
    store = PostgresStore(postgres_url)
    await store.open()
    await store.load(movies(10))
    yield store
    await store.close()


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisCache]:
    """An empty cache on a real Redis."""
    cache = RedisCache(redis_url, Namespace("test", "p"), soft_ttl=60, hard_ttl=600, codec=CODEC, budget=5)
    await cache.open()
    yield cache
    await cache.close()


async def put(cache: RedisCache, id: str, version: int, payload: bytes | None) -> None:
    """Put an entry into the cache whatever is there, as the protocol would only let a reader with a lease do."""
    await cache.acquire(movie_key(id), "by hand", 60, refresh=True)
    assert await cache.fill(movie_key(id), "by hand", version, payload) == "set"


async def stocked(cache: RedisCache, store: PostgresStore) -> dict[str, Movie]:
    """All ten movies in the cache, as they are in the store."""
    stored = await store.get_many([f"Q{number}" for number in range(10)])
    for found in stored.values():
        await put(cache, found.id, found.version, encode_movie(found))
    return stored


async def test_a_cache_that_agrees_is_found_right_without_waiting(cache: RedisCache, store: PostgresStore) -> None:
    await stocked(cache, store)
    await put(cache, "nobody", 0, None)
    await cache.acquire(COLLECTION, "by hand", 60)
    await cache.fill(COLLECTION, "by hand", 0, b"a generation's name")
    await cache.acquire(answer_key("a window"), "by hand", 60)
    await cache.fill(answer_key("a window"), "by hand", 0, b"a generation's name and ids")
    async with asyncio.timeout(50):
        found = await check(store, cache, ages=(60.0, 3600.0))
    assert found.entries == 11, "movies and known absences, nothing else"
    assert found.wrong == {60.0: (), 3600.0: ()}


async def test_entries_made_wrong_by_hand_are_found(cache: RedisCache, store: PostgresStore) -> None:
    stored = await stocked(cache, store)
    old = replace(stored["Q1"], runtime=1)
    await put(cache, "Q1", stored["Q1"].version, encode_movie(old))  # the right version, but other content
    await store.update(replace(stored["Q2"], runtime=2))  # nobody told the cache
    await store.delete("Q3", stored["Q3"].version)
    await store.insert(movie(11))
    await put(cache, "Q12", 0, None)
    await store.insert(movie(12))  # known to be absent, and it is there
    assert await compare(store, cache, ["Q0", "Q1", "Q2", "Q3", "Q11", "Q12"]) == {
        "Q0": "equal",
        "Q1": "unequal",
        "Q2": "outdated",
        "Q3": "outdated",
        "Q11": "absent",
        "Q12": "outdated",
    }
    found = await check(store, cache, AGES)
    assert {age: sorted(ids) for age, ids in found.wrong.items()} == {age: ["Q1", "Q12", "Q2", "Q3"] for age in AGES}


async def test_a_redis_that_is_slow_for_once_is_waited_for(
    cache: RedisCache, store: PostgresStore, redis_url: str
) -> None:
    """A stall that costs a reader the cache once cost a person the answer of `reelcache check`."""
    stored = await stocked(cache, store)
    await store.update(replace(stored["Q2"], runtime=2))
    hasty = RedisCache(redis_url, cache.namespace, soft_ttl=60, hard_ttl=600, budget=0.0, codec=CODEC)
    await hasty.open()
    found = await check(store, hasty, AGES)
    await hasty.close()
    assert (found.entries, found.wrong) == (10, dict.fromkeys(AGES, ("Q2",)))


async def test_a_write_under_way_is_no_lie(cache: RedisCache, store: PostgresStore) -> None:
    stored = await stocked(cache, store)
    saved = await store.update(replace(stored["Q2"], runtime=2))
    checking = asyncio.create_task(check(store, cache, (0.0, 1.0)))
    assert await cache.invalidate(movie_key("Q2"), saved.version) == "dropped"
    found = await checking
    assert found.wrong[1.0] == ()
    # Announced, and not yet committed: the entry is gone, or hidden, and nothing is wrong.
    await cache.begin([movie_key("Q4")], "a writer", 10)
    assert (await compare(store, cache, ["Q4"]))["Q4"] == "absent"


async def test_a_movie_added_between_the_two_looks_is_right(cache: RedisCache, store: PostgresStore) -> None:
    class Adding(SlowStore):
        async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
            found = await super().get_many(ids)
            if not found:
                added = await store.insert(movie(99))
                await put(cache, added.id, added.version, encode_movie(added))
            return found

    assert await compare(Adding(store, Slowness()), cache, ["Q99"]) == {"Q99": "equal"}


def test_an_entry_newer_than_the_look_at_the_store_is_right() -> None:
    film = movie(1, version=5)
    entry = Entry(True, 6, 0, 0, CODEC, encode_movie(replace(film, runtime=9)))
    assert compared(entry, film) == "equal"


def test_what_is_none_of_ours_is_not_judged() -> None:
    film = movie(1, version=5)
    assert compared(Entry(True, 4, 0, 0, "?", b""), film) == "unread"
    assert compared(Entry(True, 5, 0, 0, CODEC, b"\xff rubbish"), film) == "unread"


async def test_the_auditor_counts_writes_by_their_age(cache: RedisCache, store: PostgresStore) -> None:
    stored = await stocked(cache, store)
    await store.update(replace(stored["Q2"], runtime=2))
    now = 100.0
    observer = Observer(["cache-aside"], now=lambda: now)
    auditor = Auditor(store, cache, observer, clock=lambda: now)

    def audited() -> AuditStats:
        return observer.snapshot(at=now, store="postgresql", strategy="cache-aside").audit

    async def looked(*counts: int) -> AuditStats:
        async with asyncio.timeout(60):
            while audited().looked != counts:
                await asyncio.sleep(0.01)
        return audited()

    auditing = asyncio.create_task(auditor.run())
    try:
        for id in ("Q1", "Q2"):
            auditor.wrote(id)
        now += 0.1
        assert (await looked(2, 0, 0)).outdated == (1, 0, 0)
        now += 0.9
        assert (await looked(2, 2, 0)).outdated == (1, 1, 0)
        await cache.invalidate(movie_key("Q2"), 0, force=True)
        now += 9.0
        assert (await looked(2, 2, 2)).outdated == (1, 1, 0)
        await store.close()
        auditor.wrote("Q1")
        now += 0.1
        with pytest.raises(StoreUnavailable):
            await compare(store, cache, ["Q1"])
        await store.open()
        auditor.wrote("Q1")
        now += 0.1
        await looked(3, 2, 2)
    finally:
        auditing.cancel()
        await asyncio.gather(auditing, return_exceptions=True)
