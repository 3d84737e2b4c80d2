"""Who holds a server still, for how long, and who lets it go."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from redis.asyncio import Redis

from core.errors import ServerFailed
from core.servers.embedded import EmbeddedServers, stop_embedded
from core.servers.process import alive, suspended
from tests.core.servers.another_copy import another_copy, ready
from tests.core.waiting import until

Processes = Callable[[], dict[str, psutil.Process]]


@pytest.fixture
def state_dir(lived_in: Path) -> Path:
    """The shared folder; no server of it runs between two tests."""
    return lived_in


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it started; not what has ended since, which a parent that stands still cannot reap."""
    return [process, *(child for child in process.children(recursive=True) if alive(child))]


async def test_what_a_killed_copy_left_paused_goes_on_at_the_next_start(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    with another_copy(state_dir, "redis!", "postgresql!") as copy:
        ready(copy, 2)
        copy.kill()
    left = processes()
    # The signal is sent; a process that is at the disk stands still once it comes back from there.
    await until(lambda: all(suspended(process) for server in left.values() for process in tree(server)))
    async with Redis.from_url(await servers.redis()) as cache:
        assert await cache.ping()
    async with await psycopg.AsyncConnection.connect(await servers.postgresql()) as connection:
        assert await (await connection.execute("select 1")).fetchone() == (1,)
    assert processes() == left, "adopted, not started again"
    assert not any(suspended(process) for server in left.values() for process in tree(server))


async def test_what_a_living_copy_holds_still_is_left_so(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    with another_copy(state_dir, "redis!") as copy:
        ready(copy, 1)
        with pytest.raises(ServerFailed, match="a fault switch of another copy of the program holds it still"):
            await servers.redis()
        with pytest.raises(ServerFailed, match="another copy"):
            await servers.server("redis").pause()
        assert suspended(processes()["redis"])


async def test_the_watch_of_the_copy_that_paused_it_does_not_wake_it(
    servers: EmbeddedServers, processes: Processes
) -> None:
    await servers.redis()
    server = servers.server("redis")
    await server.pause()
    assert server.paused
    with pytest.raises(ServerFailed, match="a fault switch holds it still"):
        await servers.redis()
    with pytest.raises(ServerFailed, match="a fault switch holds it still"):
        await server.pause()
    server.resume()
    server.resume()
    assert not suspended(processes()["redis"])
    assert await servers.redis()


async def test_a_paused_server_can_be_stopped_in_order(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    await servers.redis()
    await servers.postgresql()
    running = processes()
    await servers.server("redis").pause()
    await servers.server("postgresql").pause()
    started = time.monotonic()
    assert {server.server for server in await stop_embedded(state_dir)} == {"redis", "postgresql"}
    assert time.monotonic() - started < 15, "nobody waited until it was killed"
    assert not any(alive(process) for process in running.values())
    servers.server("postgresql").resume()
    servers.server("redis").resume()
    assert await servers.redis()


async def test_what_does_not_run_cannot_be_broken(servers: EmbeddedServers, state_dir: Path) -> None:
    await servers.redis()
    await stop_embedded(state_dir)
    with pytest.raises(ServerFailed, match="it does not run"):
        await servers.server("redis").pause()
    with pytest.raises(ServerFailed, match="it does not run"):
        servers.server("redis").kill()


async def test_a_killed_server_starts_anew_with_its_own_limits(servers: EmbeddedServers) -> None:
    url = await servers.redis()
    async with Redis.from_url(url, decode_responses=True) as cache:
        await cache.config_set("maxmemory-policy", "noeviction")
        # A copy that comes now may find what a killed one had set.
        assert await servers.redis() == url
        assert (await cache.config_get("maxmemory-policy"))["maxmemory-policy"] == "allkeys-lru"
    await servers.server("redis").pause()
    servers.server("redis").kill()
    assert not servers.server("redis").paused
    async with Redis.from_url(await servers.redis()) as cache:
        assert await cache.ping()
