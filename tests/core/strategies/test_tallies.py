"""Histograms from the tallies that a process keeps: what the store would count, whoever changed what, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from core import Catalogue, Query, ValueCount, replace
from core.cache.redis import RedisCache
from core.query import Range
from core.relay import Relay
from core.stores.base import Changed
from core.strategies import tallies
from core.strategies.tallies import Tallies
from tests.core.movies import movie
from tests.core.sources import ListSource
from tests.core.strategies.changes import COUNT, change

ASKED = (
    Query(),
    Query(genres=("Drama",)),
    Query(text="movie 1"),
    Query(ranges=(Range("critic_rating", least=6),), year_to=2000),
)


async def test_histograms_are_the_stores_own_after_any_changes_by_whomever(
    copies: tuple[Catalogue, Catalogue], redis_url: str, postgres_url: str, mongo_url: str
) -> None:
    reader, writer = copies
    choose = Random(5)
    for query in ASKED:
        await kept(reader, query)
    for turn in range(60):
        await change(choose.choice(copies), choose)
        if turn % 3:  # else several changes are carried in at once
            await near(reader, choose.choice(ASKED))

    for query in ASKED:
        await near(reader, query)

    async def read() -> None:
        while True:
            await sources(reader, choose.choice(ASKED))

    reading = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(*(change(writer, Random(number)) for number in range(40)), return_exceptions=True)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    for query in ASKED:
        await near(reader, query)

    await behind_its_back(reader.store, postgres_url, mongo_url)
    await reader._binding.store.settle()
    await near(reader, Query())
    assert "Behind Its Back" in [value.name for value in await reader.genres(Query())]

    # Where Redis' journal is gone, the store's tells.
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    await change(writer, choose)
    await near(reader, Query())
    await reader.load(ListSource([movie(1, genres=("Western",)), movie(COUNT + 50, genres=("Western",))]))
    # Where the store tells which ones were loaded, it needs no new one.
    if reader.store == "postgresql":
        assert await right(reader, Query()) == {"store"}
    else:
        await near(reader, Query())

    await kept(reader, Query())
    reader._cache.breaker.trip("somebody pulled the plug")
    assert await right(reader, Query()) == {"store"}


async def test_what_is_too_much_or_too_little_is_not_kept(
    copies: tuple[Catalogue, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, _ = copies
    mine = reader._binding.tallies
    monkeypatch.setattr(tallies, "LEAST", 10_000)
    await reader.genres(Query())
    await reader._binding.keeping.drain(within=0)
    assert not mine.being_made
    monkeypatch.setattr(tallies, "LEAST", 1)
    monkeypatch.setattr(Tallies, "most_bytes", 100)
    await reader.genres(Query())
    await made(reader)
    assert mine._too_large == {(Query(), "genres")}
    assert "near" not in await right(reader, Query())


async def test_what_this_process_wrote_is_counted_without_asking_the_store(
    copies: tuple[Catalogue, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = copies
    await kept(mine, Query())
    await change(other, Random(1))
    await near(mine, Query())
    store, asked = mine._binding.store, list[tuple[str, ...]]()
    values_of = store.values_of

    async def noted(query: Query, field: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        asked.append(tuple(ids))
        return await values_of(query, field, ids)

    async def nothing(relay: Relay, changes: Sequence[Changed]) -> None:
        """What the relay finds untold it notes anew, under a token that says nothing of who wrote it."""

    monkeypatch.setattr(store, "values_of", noted)
    monkeypatch.setattr(Relay, "_invalidate", nothing)
    for number in range(20):
        await change(mine, Random(number))
        await near(mine, Query())
    assert not asked

    # What another copy wrote after it, and had noted before it, is the later state all the same.
    cache, waits, goes_on = mine._binding.cache, asyncio.Event(), asyncio.Event()
    finish = RedisCache.finish

    async def late(self: RedisCache, *given: Any, **named: Any) -> Any:
        if self.tracking is cache.tracking:
            waits.set()
            await goes_on.wait()
        return await finish(self, *given, **named)

    monkeypatch.setattr(RedisCache, "finish", late)
    movie = await mine.get("Q3")
    saving = asyncio.create_task(mine.save(replace(movie, genres=("Mine",), year=1901)))
    await waits.wait()
    present = (await store.get_many(["Q3"]))["Q3"]
    await other.save(replace(present, genres=("Theirs",), year=1902))
    await near(mine, Query())
    goes_on.set()
    await saving
    await near(mine, Query())
    assert asked


async def kept(catalogue: Catalogue, query: Query) -> None:
    """Look at a query's histograms until they are kept."""
    while await sources(catalogue, query) != {"near"}:
        await made(catalogue)


async def made(catalogue: Catalogue) -> None:
    while catalogue._binding.tallies.being_made:
        await asyncio.sleep(0.001)


async def near(catalogue: Catalogue, query: Query) -> None:
    """The histograms are right and still kept; one of a moment when Redis was late or in doubt is the store's."""
    async with asyncio.timeout(30):
        while await right(catalogue, query) != {"near"}:
            assert all((query, field) in catalogue._binding.tallies._kept for field in ("genres", "year")), "lost"
            await asyncio.sleep(0.01)


async def right(catalogue: Catalogue, query: Query) -> set[str | None]:
    """Compare both histograms with the store's own counts; returns where they came from."""
    store = catalogue._binding.store
    answered: dict[str, tuple[ValueCount, ...]] = {}
    found = await sources(catalogue, query, answered)
    for field, counts in answered.items():
        assert counts == await store.counts(query, field), (field, query)
    return found


async def sources(
    catalogue: Catalogue, query: Query, answered: dict[str, tuple[ValueCount, ...]] | None = None
) -> set[str | None]:
    genres, years = await catalogue.genres(query), await catalogue.years(query)
    if answered is not None:
        answered |= {"genres": genres, "year": years}
    asked = [event for event in catalogue.stats().trace if event.operation in ("genres", "years")]
    return {event.tier for event in asked[-2:]}


async def behind_its_back(store: str, postgres_url: str, mongo_url: str) -> None:
    if store == "postgresql":
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as psql:
            await psql.execute("update reelcache.movies set genres = '{Behind Its Back}', year = 1912 where id = 'Q7'")
            await psql.execute("delete from reelcache.movies where id = 'Q9'")
            return
    async with AsyncMongoClient[dict[str, object]](mongo_url) as mongo:
        found = mongo.get_default_database()["movies"]
        await found.update_one({"_id": "Q7"}, {"$set": {"genres": ["Behind Its Back"], "year": 1912}}, upsert=True)
        await found.delete_one({"_id": "Q9"})
