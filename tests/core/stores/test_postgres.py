"""PostgreSQL: the compliance suites, and what they need to know of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql

from core.stores.base import Store
from core.stores.postgres import PostgresStore
from tests.core.stores.change_log_compliance import Away, ChangeLogCompliance
from tests.core.stores.compliance import NewStore, StoreCompliance
from tests.core.stores.psql import other_database, unreachable_database


class TestPostgres(StoreCompliance, ChangeLogCompliance):
    @pytest.fixture
    def new_store(self, postgres_url: str) -> NewStore:
        return lambda: PostgresStore(postgres_url)

    @pytest.fixture
    def unreachable(self) -> Store:
        return PostgresStore("postgresql://reader:s3cret@127.0.0.1:1/movies", timeout=1.0)

    @pytest.fixture
    def elsewhere(self, postgres_url: str) -> Iterator[Store]:
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            yield PostgresStore(other_database(postgres_url, name))
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @pytest.fixture
    def away(self, postgres_url: str) -> Away:
        @asynccontextmanager
        async def away() -> AsyncIterator[None]:
            with unreachable_database(postgres_url):
                yield

        return away
