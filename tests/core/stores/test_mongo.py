"""MongoDB: the compliance suites, and what they need to know of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from core.stores.base import Store
from core.stores.mongo import MongoStore
from tests.core.stores.change_log_compliance import Away, ChangeLogCompliance
from tests.core.stores.compliance import NewStore, StoreCompliance
from tests.core.stores.severable import Severable


class TestMongo(StoreCompliance):
    @pytest.fixture
    def new_store(self, emptied_mongo_url: str) -> NewStore:
        return lambda: MongoStore(emptied_mongo_url, timeout=20.0)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Store:
        socket = quote(str(tmp_path / "nobody.sock"), safe="")
        return MongoStore(f"mongodb://someone:s3cret@{socket}/movies?authSource=admin", timeout=1.0)


class TestMongoChanges(ChangeLogCompliance):
    @pytest.fixture
    async def way(self, emptied_mongo_url: str) -> AsyncIterator[Severable]:
        async with Severable(emptied_mongo_url) as way:
            yield way

    @pytest.fixture
    def new_store(self, way: Severable) -> NewStore:
        return lambda: MongoStore(way.url, timeout=3.0)

    @pytest.fixture
    async def store(self, new_store: NewStore) -> AsyncIterator[Store]:
        store = new_store()
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def other(self, new_store: NewStore, store: Store) -> AsyncIterator[Store]:
        other = new_store()
        await other.open()
        yield other
        await other.close()

    @pytest.fixture
    def elsewhere(self, mongo_server: str) -> Iterator[Store]:
        name = f"test_{secrets.token_hex(6)}"
        yield MongoStore(mongo_server.replace("/reelcache?", f"/{name}?"))
        with MongoClient[dict[str, object]](mongo_server) as client:
            client.drop_database(name)

    @pytest.fixture
    def away(self, way: Severable) -> Away:
        return way.cut
