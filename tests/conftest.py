"""Real servers for every test: a fresh PostgreSQL database, a fresh MongoDB database, an empty Redis.

They are the program's own embedded servers, each started when a test first needs it and stopped at the end of the run,
in a state folder of the run's own. With REELCACHE_TEST_STATE set, that folder is used instead: several runs at a time
then share the servers, each with a Redis database of its own, and the last run stops them.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg import sql
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from core.event_loop import new_event_loop
from core.servers.embedded import EmbeddedServers

Start = Callable[[Callable[[EmbeddedServers], Awaitable[str]]], str]


# Slow examples tell of the machine, and fail nothing.
_busy = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
# The same examples each time, so that a failure tells of the change. `--hypothesis-profile exploring` looks for more.
hypothesis.settings.register_profile("repeating", _busy, derandomize=True)
hypothesis.settings.register_profile("exploring", _busy, max_examples=1_000)
hypothesis.settings.load_profile("repeating")


def pytest_collection_finish() -> None:
    """Have the garbage collector look seldom, never at what lives to the end: it took a quarter of a screen test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop that the program runs on."""
    return {"the program's": new_event_loop}


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """An empty folder on a path that is short enough for sockets, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shared_state_dir() -> Iterator[Path]:
    """The state folder of this run's servers."""
    if given := os.environ.get("REELCACHE_TEST_STATE"):
        yield Path(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def start(shared_state_dir: Path) -> Iterator[Start]:
    """Starts one of this run's servers and returns its URL; a loop of its own outlives those of the tests."""
    servers = EmbeddedServers(shared_state_dir, redis_maxmemory="256mb")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:

        async def need(server: Callable[[EmbeddedServers], Awaitable[str]]) -> str:
            return await server(servers)

        yield lambda server: runner.run(need(server))
        runner.run(servers.close())


@pytest.fixture(scope="session")
def redis_server(start: Start, shared_state_dir: Path) -> Iterator[str]:
    """The URL of a Redis database that no other run uses."""
    url = start(EmbeddedServers.redis)
    for number in range(64):
        with open(shared_state_dir / f"redis-{number}.lock", "wb") as claim:
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield url.replace("db=0", f"db={number}")
            return
    pytest.fail("64 runs of the tests use these servers already")


@pytest.fixture(scope="session")
def postgres_server(start: Start) -> str:
    """The URL of a PostgreSQL server, with the program's own database in it."""
    return start(EmbeddedServers.postgresql)


@pytest.fixture(scope="session")
def mongo_server(start: Start) -> str:
    """The URL of a MongoDB server, with the program's own database in it."""
    return start(EmbeddedServers.mongodb)


@pytest.fixture
async def redis_url(redis_server: str) -> str:
    """An empty Redis database."""
    client = Redis.from_url(redis_server)
    await client.flushdb()
    await client.aclose()
    return redis_server


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """An empty PostgreSQL database of its own."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await psycopg.AsyncConnection.connect(postgres_server, autocommit=True)
    async with admin:
        await admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield postgres_server.replace("/reelcache?", f"/{name}?")
        await admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def mongo_url(mongo_server: str) -> AsyncIterator[str]:
    """A MongoDB database of its own."""
    name = f"test_{secrets.token_hex(6)}"
    yield mongo_server.replace("/reelcache?", f"/{name}?")
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_server)
    async with client:
        await client.drop_database(name)
