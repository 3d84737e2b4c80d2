"""The embedded servers start together, are shared by every copy, and stop with the last one."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from core.errors import ServerFailed
from core.servers import running as running_module
from core.servers.binaries import find_binary
from core.servers.embedded import EmbeddedServers, stop_embedded
from core.servers.postgres_files import as_permitted
from core.servers.server import ServerStep
from tests.core.servers.another_copy import another_copy

Processes = Callable[[], dict[str, psutil.Process]]


async def test_all_three_start_at_once_and_only_their_owner_can_reach_them(state_dir: Path) -> None:
    steps: list[ServerStep] = []
    folder = state_dir / "with spaces"
    servers = EmbeddedServers(folder, redis_maxmemory="64mb", report=steps.append)
    needs = (servers.redis, servers.postgresql, servers.mongodb)
    try:
        redis, postgresql, mongodb, *again = await asyncio.gather(*(need() for need in needs * 2))
        assert again == [redis, postgresql, mongodb]
        await _use_all(redis, postgresql, mongodb)
        readied = {step.server: int(step.detail.removeprefix("process ")) for step in steps if step.state == "ready"}
        assert len([step for step in steps if step.state == "ready"]) == len(readied) == 3
        for pid in readied.values():
            process = psutil.Process(pid)
            assert not [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert os.getsid(pid) == pid, "Ctrl-C in our terminal would reach it"
        for closed in (folder, folder / "servers", *(p for p in (folder / "servers").iterdir() if p.is_dir())):
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700, closed
    finally:
        await servers.close()
    assert {step.server for step in steps if step.state == "stopped"} == {"redis", "postgresql", "mongodb"}
    assert not [pid for pid in readied.values() if psutil.pid_exists(pid)]
    assert not list((folder / "servers" / "run").iterdir())
    assert await stop_embedded(folder) == ()


async def _use_all(redis: str, postgresql: str, mongodb: str) -> None:
    async with Redis.from_url(redis) as cache:
        memory: Any = await cache.config_get("maxmemory")
        assert memory["maxmemory"] == str(64 * 1024 * 1024)
    async with await psycopg.AsyncConnection.connect(postgresql) as connection:
        row = await (
            await connection.execute(
                "select current_setting('fsync'), pg_encoding_to_char(encoding) from pg_database"
                " where datname = current_database()"
            )
        ).fetchone()
        assert row == ("on", "UTF8")
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb)
    async with client, client.start_session() as session, await session.start_transaction():
        await client.get_default_database().things.insert_one({"_id": 1}, session=session)


async def test_close_is_done_even_when_its_caller_is_cancelled(servers: EmbeddedServers, processes: Processes) -> None:
    await servers.redis()
    closing = asyncio.create_task(servers.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert processes() == {}
    with pytest.raises(ServerFailed, match="already left"):
        await servers.redis()


async def test_a_start_given_up_leaves_nothing_half_made(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    starting = asyncio.create_task(servers.postgresql())
    while not (state_dir / "servers" / "postgresql.new" / "base").exists():
        await asyncio.sleep(0.001)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert processes() == {}
    assert not (state_dir / "servers" / "postgresql").exists()
    assert await servers.postgresql()


def test_postgresql_can_run_from_a_private_folder_also_under_root(state_dir: Path) -> None:
    program = state_dir / "program"
    program.write_text("#!/bin/sh\ntest -x $0 && id -u\n")
    program.chmod(0o755)
    state_dir.chmod(0o700)
    ran = subprocess.run([*as_permitted(), program], capture_output=True, text=True, check=True)
    assert int(ran.stdout) != 0


async def test_a_copy_killed_at_its_first_start_leaves_nothing_in_the_way(state_dir: Path) -> None:
    initialising = state_dir / "servers" / "postgresql.new" / "base"
    with another_copy(state_dir, "postgresql") as copy:
        while not initialising.exists():
            await asyncio.sleep(0.001)
        copy.kill()
    servers = EmbeddedServers(state_dir)
    try:
        assert await servers.postgresql()
    finally:
        await servers.close()
    assert not initialising.exists()


async def test_a_missing_mongod_is_named_and_troubles_nobody_else(
    servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "find_binary", lambda name: None if name == "mongodb" else find_binary(name))
    with pytest.raises(ServerFailed, match=r"MongoDB: it is not installed\. Install mongod .* MONGO_URL"):
        await servers.mongodb()
    assert await servers.redis()


async def test_a_limit_that_redis_refuses_is_named(state_dir: Path) -> None:
    servers = EmbeddedServers(state_dir, redis_maxmemory="12monkeys")
    with pytest.raises(ServerFailed, match=r"Redis: .*maxmemory .?12monkeys.*argument must be a memory value"):
        await servers.redis()
    await servers.close()
