"""MongoDB passes the compliance suite."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from core.stores.base import Store
from core.stores.mongo import MongoStore
from tests.core.stores.compliance import NewStore, StoreCompliance


class TestMongo(StoreCompliance):
    @pytest.fixture
    def new_store(self, emptied_mongo_url: str) -> NewStore:
        return lambda: MongoStore(emptied_mongo_url, timeout=20.0)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> Store:
        socket = quote(str(tmp_path / "nobody.sock"), safe="")
        return MongoStore(f"mongodb://someone:s3cret@{socket}/movies?authSource=admin", timeout=1.0)
