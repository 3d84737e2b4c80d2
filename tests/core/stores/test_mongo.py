"""MongoDB: the compliance suites, and what they need to know of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from core.model import Movie, replace
from core.query import SORTS, Query
from core.stores import mongo_loading
from core.stores.base import Store, Stored
from core.stores.mongo import MongoStore
from core.stores.mongo_queries import key_projection, known_part, order
from tests.core.stores.change_log_compliance import Away, ChangeLogCompliance
from tests.core.stores.compliance import StoreCompliance
from tests.core.stores.open_stores import MOVIES, NewStore
from tests.core.stores.severable import Severable


class TestMongo(StoreCompliance):
    @pytest.fixture
    def new_store(self, emptied_mongo_url: str) -> NewStore:
        return lambda: MongoStore(emptied_mongo_url, timeout=20.0)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Store:
        socket = quote(str(tmp_path / "nobody.sock"), safe="")
        return MongoStore(f"mongodb://someone:s3cret@{socket}/movies?authSource=admin", timeout=1.0)

    @pytest.fixture
    def depth_of_near(self) -> str:
        return "core.stores.mongo_windows._NEAR"


class TestMongoChanges(ChangeLogCompliance):
    @pytest.fixture
    async def way(self, emptied_mongo_url: str) -> AsyncIterator[Severable]:
        async with Severable(emptied_mongo_url) as way:
            yield way

    @pytest.fixture
    def new_store(self, way: Severable) -> NewStore:
        return lambda: MongoStore(way.url, timeout=3.0)

    @pytest.fixture
    def elsewhere(self, mongo_server: str) -> Iterator[Store]:
        name = f"test_{secrets.token_hex(6)}"
        yield MongoStore(mongo_server.replace("/reelcache?", f"/{name}?"))
        with MongoClient[dict[str, object]](mongo_server) as client:
            client.drop_database(name)

    @pytest.fixture
    def away(self, way: Severable) -> Away:
        return way.cut


async def test_a_batch_larger_than_the_servers_cache_is_loaded(mongo_url: str) -> None:
    """Ten times as many words as a transaction of the embedded server can hold before it is rolled back for good."""
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        films = []
        for number in range(1_500):
            cast = tuple(f"Given{place} Family{number}x{place}" for place in range(60))
            films.append(Movie(id=f"Q{number}", title=f"Film {number}", cast=cast))
        async with asyncio.timeout(90):
            assert await store.load(films) == Stored(inserted=1_500, updated=0, unchanged=0)
            assert await store.load(films[:500]) == Stored(inserted=0, updated=0, unchanged=500)
        assert await store.count() == 1_500
    finally:
        await store.close()


async def test_every_order_is_read_from_an_index_alone(mongo_url: str) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    await store.load(MOVIES)
    with MongoClient[dict[str, Any]](mongo_url) as client:
        for sort in SORTS:
            query = Query(sort=sort)
            find = {
                "find": "movies",
                "filter": known_part(query),
                "projection": key_projection(sort),
                "sort": dict(order(query, known=True)),
                "collation": {"locale": "simple"},
            }
            database = client.get_default_database()
            plan = str(database.command("explain", find, verbosity="queryPlanner")["queryPlanner"]["winningPlan"])
            assert "'IXSCAN'" in plan, plan
            assert "'SORT'" not in plan, plan
            assert "'FETCH'" not in plan, plan
    await store.close()


async def test_a_load_that_is_broken_off_leaves_the_indexes_there(mongo_url: str) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    with MongoClient[dict[str, Any]](mongo_url) as client:
        movies = client.get_default_database()["movies"]
        before = set(movies.index_information())
        with pytest.raises(ValueError, match="broken off"):
            await broken_off(store)
        assert set(movies.index_information()) == before
    await store.close()


async def broken_off(store: MongoStore) -> None:
    async with store.bulk(10):
        raise ValueError("broken off")


async def test_a_load_whose_transactions_are_too_much_for_the_server_goes_on_in_smaller_ones(
    mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    load, sizes = store._loads._load, list[int]()

    async def loaded(movies: Sequence[Movie], session: Any) -> tuple[int, int]:
        sizes.append(len(movies))
        if len(movies) > 7:  # a cache of a quarter of a gigabyte is not filled in a test
            raise OperationFailure("WriteConflict", 112, {"errorLabels": ["TransientTransactionError"]})
        return await load(movies, session)

    monkeypatch.setattr(mongo_loading, "_TOO_MUCH", 0.0)
    monkeypatch.setattr(store._loads, "_load", loaded)
    assert (await store.load(MOVIES)).inserted == len(MOVIES)
    stored = await store.count()
    fresh = [replace(movie, id=f"fresh{number}") for number, movie in enumerate(MOVIES)]
    tried = len(sizes)
    assert (await store.load(fresh)).inserted == len(fresh)
    assert max(sizes[:tried]) > 7 >= max(sizes[tried:]), "it has learnt"
    assert (stored, await store.count()) == (len(MOVIES), 2 * len(MOVIES))
    await store.close()


async def test_an_opened_store_has_met_the_server_with_both_of_its_clients(mongo_url: str) -> None:
    """A look has little time: of a server far away it would be over before there is a connection."""
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    assert store._at.database.client.nodes
    assert store._aside.database.client.nodes
    await store.close()
