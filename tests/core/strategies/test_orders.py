"""Windows from the orders that a process keeps: what the store would answer, whoever changed what, and how."""

from __future__ import annotations

import asyncio
from random import Random

import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from core import Catalogue, Query
from core.query import SORTS, Page, Range
from core.stores.base import Window
from core.strategies.kept import LOOKS, Kept
from core.strategies.order import Order
from core.strategies.orders import Orders
from tests.core.movies import movie
from tests.core.sources import ListSource
from tests.core.strategies.changes import COUNT, change

FILTERS = (
    Query(),
    Query(genres=("Drama",)),
    Query(text="movie 1"),
    Query(within=(("directors", "director"),), year_from=1950),
    Query(ranges=(Range("critic_rating", least=6),), year_to=2000),
)


async def test_windows_are_the_stores_own_after_each_change(copies: tuple[Catalogue, Catalogue]) -> None:
    reader, writer = copies
    choose = Random(5)
    asked = [replaced(choose.choice(FILTERS), sort, choose.random() < 0.5) for sort in SORTS for _ in range(2)]
    for query in asked:
        await kept(reader, query)
    held = 0
    for turn in range(80):
        await change(writer, choose)
        if turn % 3 == 0:
            continue  # so that several changes are carried in at once
        for query in choose.sample(asked, 4):
            held += await right(reader, query, choose.randrange(COUNT), choose.randrange(1, 60)) == "near"
    assert held > 150


async def test_no_row_is_misplaced_by_changes_under_way(copies: tuple[Catalogue, Catalogue]) -> None:
    reader, writer = copies
    choose = Random(7)
    asked = [Query(sort="runtime"), Query(sort="title", descending=True), Query(genres=("Comedy",), sort="year")]
    for query in asked:
        await kept(reader, query)

    async def read() -> None:
        while True:
            await reader.browse(choose.choice(asked), choose.randrange(COUNT), 20)

    reading = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(*(change(writer, Random(number)) for number in range(60)), return_exceptions=True)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    for query in asked:
        await near(reader, query, 0, 2 * COUNT)


async def test_orders_outlive_redis_journal(copies: tuple[Catalogue, Catalogue], redis_url: str) -> None:
    reader, writer = copies
    query = Query(sort="year")
    await kept(reader, query)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    await change(writer, Random(3))
    await near(reader, query, 0, COUNT + 1)
    await change(writer, Random(4))
    await near(reader, query, 0, COUNT + 1)
    await reader.load(ListSource([movie(1, year=1999), movie(COUNT + 50, year=1901)]))
    # Where the store tells which ones were loaded, it needs no new one.
    if reader.store == "postgresql":
        assert await right(reader, query, 0, COUNT + 9) == "store"
    else:
        await near(reader, query, 0, COUNT + 9)


async def test_changes_behind_the_programs_back_are_carried_in(
    copies: tuple[Catalogue, Catalogue], postgres_url: str, mongo_url: str
) -> None:
    reader, _ = copies
    query = Query(sort="runtime", descending=True)
    await kept(reader, query)
    if reader.store == "postgresql":
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as psql:
            await psql.execute("update reelcache.movies set runtime = 777 where id = 'Q7'")
            await psql.execute("delete from reelcache.movies where id = 'Q8'")
    else:
        async with AsyncMongoClient[dict[str, object]](mongo_url) as mongo:
            found = mongo.get_default_database()["movies"]
            await found.update_one({"_id": "Q7"}, {"$set": {"runtime": 777}})
            await found.delete_one({"_id": "Q8"})
    await reader._binding.store.settle()
    await near(reader, query, 0, COUNT)
    assert (await reader.browse(query, 0, 1)).movies[0].id == "Q7"


async def test_no_cache_asks_the_store_for_what_changed_alone(
    copies: tuple[Catalogue, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = copies
    choose = Random(9)
    asked = [Query(sort="runtime"), Query(genres=("Comedy",), sort="title", descending=True)]
    await reader.use_strategy("no-cache")
    for query in asked:
        for _ in range(LOOKS):
            assert (await reader.browse(query)).window_tier == "store"
            await made(reader)
    monkeypatch.setattr(reader._binding.store, "window", walked)
    for turn in range(40):
        await change(writer, choose)
        if turn % 4:
            query = choose.choice(asked)
            assert await right(reader, query, choose.randrange(COUNT), choose.randrange(1, 60), by=writer) == "store"
    # Who waits behind others' questions is told no less than by one of their own.
    for number in range(20):
        before = asyncio.create_task(reader.browse(asked[0], 0, 20))
        await change(writer, Random(number))
        pages = await asyncio.gather(*(reader.browse(asked[0], 0, 2 * COUNT) for _ in range(3)))
        expected = await writer._binding.store.window(asked[0], 0, 2 * COUNT)
        assert [tuple(movie.id for movie in page.movies) for page in pages] == 3 * [expected.ids]
        await before


async def test_what_is_too_much_is_not_kept(
    copies: tuple[Catalogue, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, _ = copies
    size = (await kept(reader, Query(sort="year"))).what.size
    monkeypatch.setattr(Orders, "most_bytes", int(2.5 * size))
    for sort in ("runtime", "year", "tomatometer"):
        await kept(reader, Query(sort=sort))
    mine = reader._binding.orders._kept
    assert [query.sort for query in mine] == ["year", "tomatometer"]
    monkeypatch.setattr(Orders, "most_bytes", size // 2)
    await reader.browse(Query(sort="title"))
    await made(reader)
    assert Query(sort="title") not in mine
    assert await right(reader, Query(sort="title"), 10, 20) in ("redis", "store")


async def kept(catalogue: Catalogue, query: Query) -> Kept[Query, Order]:
    """Look at a query until its order is kept."""
    while (await catalogue.browse(query)).window_tier != "near":
        await made(catalogue)
    return catalogue._binding.orders._kept[replaced(query, query.sort, False)]


async def made(catalogue: Catalogue) -> None:
    while catalogue.ordering is not None:
        await asyncio.sleep(0.001)


async def walked(query: Query, offset: int, limit: int) -> Window:
    raise AssertionError(f"the store walked to row {offset} of {query}")


async def near(catalogue: Catalogue, query: Query, offset: int, limit: int) -> None:
    """The window is right, and its order still kept; one of a moment when Redis was late or in doubt is the store's."""
    async with asyncio.timeout(30):
        while await right(catalogue, query, offset, limit) != "near":
            assert replaced(query, query.sort, False) in catalogue._binding.orders._kept, "lost"
            await asyncio.sleep(0.01)


async def right(catalogue: Catalogue, query: Query, offset: int, limit: int, *, by: Catalogue | None = None) -> str:
    """Compare a window with the store's own answer, asked `by` the same or another copy; returns where it came from."""
    page: Page = await catalogue.browse(query, offset, limit)
    expected = await (by or catalogue)._binding.store.window(query, offset, limit)
    assert (tuple(movie.id for movie in page.movies), page.total) == (expected.ids, expected.total), query
    return page.window_tier


def replaced(query: Query, sort: str, descending: bool) -> Query:
    from msgspec.structs import replace as changed

    return changed(query, sort=sort, descending=descending)
