"""PostgreSQL: the compliance suite, and what only PostgreSQL can do."""

from __future__ import annotations

import pytest

from core.stores.base import Store
from core.stores.postgres import PostgresStore
from tests.core.stores.compliance import NewStore, StoreCompliance


class TestPostgres(StoreCompliance):
    @pytest.fixture
    def new_store(self, postgres_url: str) -> NewStore:
        return lambda: PostgresStore(postgres_url)

    @pytest.fixture
    def unreachable(self) -> Store:
        return PostgresStore("postgresql://reader:s3cret@127.0.0.1:1/movies", timeout=1.0)
