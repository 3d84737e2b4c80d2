"""Real servers for every test: a fresh PostgreSQL database, a fresh MongoDB database, an empty Redis."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis


@pytest.fixture
async def redis_url() -> str:
    """An empty Redis database."""
    url = os.environ["REELCACHE_TEST_REDIS"]
    client = Redis.from_url(url)
    await client.flushdb()
    await client.aclose()
    return url


@pytest.fixture
async def postgres_url() -> AsyncIterator[str]:
    """An empty PostgreSQL database of its own."""
    server = os.environ["REELCACHE_TEST_POSTGRES"]  # ends in "host=..."; has no database name
    name = f"test_{secrets.token_hex(6)}"
    admin = await psycopg.AsyncConnection.connect(server.replace("/?", "/postgres?"), autocommit=True)
    async with admin:
        await admin.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
        yield server.replace("/?", f"/{name}?")
        await admin.execute(psycopg.sql.SQL("drop database {} with (force)").format(psycopg.sql.Identifier(name)))


@pytest.fixture
async def mongo_url() -> AsyncIterator[str]:
    """A MongoDB database of its own."""
    server = os.environ["REELCACHE_TEST_MONGO"]
    name = f"test_{secrets.token_hex(6)}"
    yield server.replace("/?", f"/{name}?")
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(server)
    async with client:
        await client.drop_database(name)
