"""Whatever was killed, the next start adopts or restarts it, and no record is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import psycopg
import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from core.errors import ServerFailed
from core.servers import running
from core.servers.embedded import EmbeddedServers, StoppedServer, embedded_servers, reset_embedded, stop_embedded
from core.servers.process import Record, alive, gone
from core.servers.redis import RedisServer
from core.servers.state import StateFolder
from tests.core.servers.another_copy import another_copy, ready

Processes = Callable[[], dict[str, psutil.Process]]


@pytest.fixture
def state_dir(lived_in: Path) -> Path:
    """The shared folder; no server of it runs between two tests."""
    return lived_in


async def test_a_killed_copy_leaves_its_servers_to_the_next(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    with another_copy(state_dir, "redis", "postgresql") as copy:
        urls = ready(copy, 2)
        copy.kill()
    left = processes()
    assert left.keys() == {"redis", "postgresql"}
    assert [await servers.redis(), await servers.postgresql()] == urls
    assert processes() == left, "adopted, not started again"
    await servers.close()
    assert processes() == {}


async def test_killed_servers_come_back_with_their_data(servers: EmbeddedServers, processes: Processes) -> None:
    await servers.redis()
    async with await psycopg.AsyncConnection.connect(await servers.postgresql()) as connection:
        await connection.execute("create table kept as select 'Žižek' as word")
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(await servers.mongodb())
    async with client:
        await client.get_default_database().kept.insert_one({"word": "Žižek"})
    killed = processes()
    for process in killed.values():
        process.kill()
    async with Redis.from_url(await servers.redis()) as cache:
        assert await cache.set("a", "b")
    async with await psycopg.AsyncConnection.connect(await servers.postgresql()) as connection:
        assert await (await connection.execute("select word from kept")).fetchone() == ("Žižek",)
    client = AsyncMongoClient(await servers.mongodb())
    async with client:
        found = await client.get_default_database().kept.find_one({})
        assert found is not None
        assert found["word"] == "Žižek"
    assert not set(killed.values()) & set(processes().values())


async def test_only_a_server_that_died_after_it_served_us_is_revived(
    servers: EmbeddedServers, processes: Processes
) -> None:
    assert not await servers.revive("postgresql"), "nobody needs it yet"
    await servers.postgresql()
    assert not await servers.revive("postgresql"), "it runs"
    first = processes()["postgresql"]
    first.kill()
    assert await gone(first, 10.0)
    assert await servers.revive("postgresql")
    assert processes()["postgresql"] != first
    await servers.close()
    assert not await servers.revive("postgresql"), "this copy has left"


async def test_mongodb_follows_a_state_folder_that_moved(state_dir: Path) -> None:
    before, after = state_dir / "before", state_dir / "after"
    first = EmbeddedServers(before)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(await first.mongodb())
    async with client:
        await client.get_default_database().kept.insert_one({"_id": 1})
    await first.close()
    before.rename(after)
    second = EmbeddedServers(after)
    try:
        client = AsyncMongoClient(await second.mongodb())
        async with client:
            assert await client.get_default_database().kept.count_documents({}) == 1
    finally:
        await second.close()


async def test_a_pid_that_another_process_has_now_is_left_alone(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    await servers.redis()
    await stop_embedded(state_dir)
    stranger = Record(os.getpid(), psutil.Process().create_time() - 60)
    (state_dir / "servers" / "redis.json").write_bytes(msgspec.json.encode(stranger))
    await servers.redis()
    assert processes()["redis"].pid != os.getpid()


async def test_a_server_whose_record_was_lost_is_found_again(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    await servers.redis()
    await servers.postgresql()
    running = processes()
    for name in running:
        (state_dir / "servers" / f"{name}.json").unlink()
    assert processes() == running


async def test_a_stale_pid_file_that_names_a_living_process_stops_no_start(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    await servers.postgresql()
    processes()["postgresql"].kill()
    pid_file = state_dir / "servers" / "postgresql" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    assert await servers.postgresql()


async def test_data_of_another_postgresql_is_named_with_the_remedy(servers: EmbeddedServers, state_dir: Path) -> None:
    await servers.postgresql()
    await stop_embedded(state_dir)
    version = state_dir / "servers" / "postgresql" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("99\n")
    try:
        with pytest.raises(ServerFailed) as failure:
            await servers.postgresql()
    finally:
        version.write_text(ours)
    assert "made by PostgreSQL 99, and this is 18" in failure.value.reason
    assert "reelcache reset" in failure.value.remedy
    assert str(state_dir / "servers" / "postgresql.log") in failure.value.remedy


async def test_a_server_that_lost_its_socket_is_started_again(
    servers: EmbeddedServers, state_dir: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await servers.redis()
    lost = processes()["redis"]
    (state_dir / "servers" / "run" / "redis.sock").unlink()
    newcomer = EmbeddedServers(state_dir)
    # It is so old by now that it is not about to have a socket.
    monkeypatch.setattr(running, "time", SimpleNamespace(time=lambda: time.time() + RedisServer.patience))
    assert await newcomer.redis()
    assert processes()["redis"] != lost
    await newcomer.close()


async def test_a_server_that_hangs_is_named(
    servers: EmbeddedServers, state_dir: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await servers.redis()
    process = processes()["redis"]
    monkeypatch.setattr(RedisServer, "patience", 0.1)
    async with Redis.from_url(url) as cache:
        await cache.client_pause(60_000)  # runs, and answers nobody; a stopped process would be let go
    newcomer = EmbeddedServers(state_dir)
    try:
        with pytest.raises(ServerFailed, match=rf"process {process.pid} runs but did not answer.*reelcache stop"):
            await newcomer.redis()
    finally:
        await newcomer.close()
    assert processes() == {"redis": process}


async def test_stop_says_who_still_uses_what_it_ended(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    with another_copy(state_dir, "redis") as copy:
        ready(copy, 1)
        pid = processes()["redis"].pid
        assert await stop_embedded(state_dir) == (StoppedServer("redis", pid, True),)
        copy.kill()
    await servers.redis()
    pid = processes()["redis"].pid
    with pytest.raises(ServerFailed, match="Leave it first"):
        await reset_embedded(state_dir)
    await servers.close()
    assert await stop_embedded(state_dir) == ()
    assert not psutil.pid_exists(pid)


async def test_reset_removes_the_data_of_a_killed_copy(state_dir: Path) -> None:
    folder = state_dir / "of its own"
    with another_copy(folder, "redis") as copy:
        ready(copy, 1)
        copy.kill()
    process = embedded_servers(StateFolder(folder))["redis"].find()
    assert process is not None
    await reset_embedded(folder)
    assert not alive(process)
    assert {path.suffix for path in (folder / "servers").iterdir()} == {".lock"}
