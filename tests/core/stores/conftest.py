"""One database a module, emptied for each test: creating one takes longer than most of these tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from pymongo import MongoClient

from core.stores import postgres_changes
from tests.core.stores.psql import spare_database


@pytest.fixture(autouse=True)
def patient_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever settles or asks for the standing waits as long as for any other statement: the second that the program
    grants them is over where the machine stands still for one."""
    monkeypatch.setattr(postgres_changes, "_RESERVED_LIMIT", 60.0)


@pytest.fixture(scope="module")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database of this module's own."""
    with spare_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """A PostgreSQL database with nothing in it, and nobody else connected to it."""
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
        connection.execute("set client_min_messages = warning")
        connection.execute("drop schema if exists reelcache cascade")
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return postgres_database


@pytest.fixture(scope="module")
def mongo_database(mongo_server: str) -> Iterator[str]:
    """The URL of a database of this module's own."""
    name = f"test_{secrets.token_hex(6)}"
    yield mongo_server.replace("/reelcache?", f"/{name}?")
    with MongoClient[dict[str, object]](mongo_server) as client:
        client.drop_database(name)


@pytest.fixture
def emptied_mongo_url(mongo_database: str) -> str:
    """A MongoDB database with no document in it; indexes that a store made before are left."""
    with MongoClient[dict[str, object]](mongo_database) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})
    return mongo_database
