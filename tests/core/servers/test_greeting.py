"""A server that runs already is found by what it says, and not among the processes."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bson
import psutil
import psycopg
import pytest

from core.servers.embedded import EmbeddedServers
from core.servers.mongo_greeting import is_primary
from core.servers.postgres_greeting import welcomed
from core.servers.postgresql import DATABASE

Processes = Callable[[], dict[str, psutil.Process]]
SECOND_COPY = """
import asyncio, sys
from pathlib import Path
from core.servers.embedded import EmbeddedServers

async def main():
    servers = EmbeddedServers(Path(sys.argv[1]))
    print(await servers.redis(), await servers.postgresql(), await servers.mongodb())
    assert not {"psutil", "psycopg", "pymongo", "redis"} & sys.modules.keys(), sys.modules
    assert not await servers.revive("redis")
    await servers.close()

asyncio.run(main())
"""


@pytest.fixture
def state_dir(lived_in: Path) -> Path:
    """The folder that the tests share; no server of it runs between two tests."""
    return lived_in


async def test_a_second_copy_loads_neither_drivers_nor_what_looks_into_processes(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    urls = await servers.redis(), await servers.postgresql(), await servers.mongodb()
    running = processes()
    command = [sys.executable, "-c", SECOND_COPY, str(state_dir)]
    said = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert said.stderr == ""
    assert said.stdout.split() == [*urls]
    assert processes() == running


async def test_what_greeted_and_was_killed_since_is_started_anew(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    await servers.redis()
    copy = EmbeddedServers(state_dir)
    await copy.redis()
    before = processes()["redis"]
    before.kill()
    before.wait(10)
    assert await copy.revive("redis")
    assert processes()["redis"] != before
    assert not await copy.revive("redis")
    await copy.close()


async def test_a_database_that_is_gone_is_made_again(servers: EmbeddedServers, state_dir: Path) -> None:
    url = await servers.postgresql()
    async with await psycopg.AsyncConnection.connect(
        url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True
    ) as connection:
        await connection.execute(f"drop database {DATABASE}")
    copy = EmbeddedServers(state_dir)
    async with await psycopg.AsyncConnection.connect(await copy.postgresql()) as connection:
        assert await (await connection.execute("select 1")).fetchone() == (1,)
    await copy.close()


@pytest.mark.parametrize(
    ("said", "welcome"),
    [
        (b"R\0\0\0\x08\0\0\0\0" + b"S\0\0\0\x07a\0b" + b"Z\0\0\0\x05I", True),
        (b"R\0\0\0\x08\0\0\0\0" + b"E\0\0\0\x05\0", False),
        (b"R\0\0\0\x08\0\0\0\x0a", False),
        (b"R\0\0\0\x08\0\0", False),
        (b"", False),
    ],
    ids=["ready", "no such database", "a password", "cut off", "closed"],
)
async def test_only_a_database_that_can_be_used_welcomes(said: bytes, *, welcome: bool, tmp_path: Path) -> None:
    asked = b""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        asked = await reader.readexactly(length - 4)
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "socket"):
        assert await welcomed(tmp_path / "socket", "somebody", "some") is welcome
    assert asked == b"\0\x03\0\0user\0somebody\0database\0some\0\0"
    assert not await welcomed(tmp_path / "none", "somebody", "some")


def reply(**primary: bool) -> bytes:
    """What a server answers to `hello`."""
    body = struct.pack("<iB", 0, 0) + bson.encode({"topologyVersion": {}, **primary, "hosts": ["somewhere"], "ok": 1.0})
    return struct.pack("<iiii", 16 + len(body), 7, 1, 2013) + body


@pytest.mark.parametrize(
    ("said", "primary"),
    [
        (reply(isWritablePrimary=True), True),
        (reply(isWritablePrimary=False), False),
        (reply(secondary=True), False),
        (reply(isWritablePrimary=True)[:-9], False),
        (struct.pack("<i", 2_000_000_000), False),
        (b"", False),
    ],
    ids=["primary", "another is", "secondary", "cut off", "another protocol", "closed"],
)
async def test_only_a_primary_takes_writes(said: bytes, *, primary: bool, tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length, _, _, kind = struct.unpack("<iiii", await reader.readexactly(16))
        assert (kind, await reader.readexactly(5)) == (2013, bytes(5))
        asked.update(bson.decode(await reader.readexactly(length - 21)))
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "socket"):
        assert await is_primary(tmp_path / "socket") is primary
    assert asked == {"hello": 1, "$db": "admin"}
    assert not await is_primary(tmp_path / "none")
