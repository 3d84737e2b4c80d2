"""The harness's own servers: the embedded ones in a private folder, with a hand on each process."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from pymongo import AsyncMongoClient
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.servers import process as processes
from core.servers.binaries import ServerName
from core.servers.embedded import embedded_servers
from core.servers.server import Server
from core.servers.state import StateFolder
from tests.core.cache.topologies import Topology

MEMORY: Final = "256mb"
_JUNK: Final = b"x" * 4000


class Servers:
    """Redis, PostgreSQL and MongoDB below `folder`, which must be a short path. Nothing runs until `start`.

    A `topology` that runs is Redis in place of the embedded one."""

    def __init__(self, folder: Path) -> None:
        self.topology: Topology | None = None
        self._state = StateFolder(folder)
        self._servers = embedded_servers(self._state, redis_maxmemory=MEMORY)
        self._started: set[ServerName] = set()
        self._databases: list[str] = []

    async def start(self, names: Iterable[ServerName]) -> None:
        """Bring these up, empty Redis included."""
        await asyncio.to_thread(self._state.prepare)
        wanted = set(names)
        if self.topology is not None:
            wanted.discard("redis")
        await asyncio.gather(*(self._servers[name].serve() for name in wanted))
        self._started |= wanted

    async def close(self) -> None:
        """End every server that was started, whatever state it is in."""
        for name in self._started:
            await self._resume(name)
        await asyncio.gather(*(self._servers[name].stop() for name in self._started))
        self._state.remove_sockets()
        self._started.clear()

    # ------------------------------------------------------------------------------------------------------ addresses

    @property
    def redis_socket(self) -> Path:
        """Where Redis listens."""
        return self._servers["redis"].socket

    @property
    def sockets(self) -> Path:
        """A folder that is short enough for sockets."""
        return self._state.sockets

    def redis(self) -> Redis:
        """A client of Redis itself, past every proxy. It outwaits a pause, and a machine that stands still; a server
        that was killed it misses at once."""
        if self.topology is not None:
            return self.topology.client()
        return Redis.from_url(redis_url(self.redis_socket), socket_timeout=30.0, socket_connect_timeout=30.0)

    async def fresh_database(self, store: ServerName) -> str:
        """The URL of a new database of this store."""
        url = self._servers[store].url
        name = f"chaos_{secrets.token_hex(6)}"
        if store == "postgresql":
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
                await admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        self._databases.append(name)
        return url.replace("/reelcache?", f"/{name}?")

    async def drop_databases(self) -> None:
        """Take all of them away again."""
        for name in self._databases:
            if "postgresql" in self._started:
                url = self._servers["postgresql"].url
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
                    await admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            if "mongodb" in self._started:
                client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self._servers["mongodb"].url)
                async with client:
                    await client.drop_database(name)
        self._databases.clear()

    # ------------------------------------------------------------------------------------------------- any of them

    @asynccontextmanager
    async def paused(self, name: ServerName) -> AsyncIterator[None]:
        """None of its processes runs meanwhile."""
        stopped = await self._family(name)
        _signal(stopped, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(stopped, signal.SIGCONT)

    async def kill(self, name: ServerName) -> None:
        """kill -9."""
        family = await self._family(name)
        _signal(family[:1], signal.SIGKILL)
        for process in family:
            await processes.gone(process, 10.0)

    async def stop(self, name: ServerName) -> None:
        """End it in order."""
        await self._servers[name].stop()

    async def revive(self, name: ServerName) -> None:
        """Start it again; returns when it answers."""
        if name == "redis":
            self._dump.unlink(missing_ok=True)
        await self._servers[name].serve()

    async def _family(self, name: ServerName) -> list[psutil.Process]:
        server: Server = self._servers[name]
        main = await asyncio.to_thread(server.find)
        if main is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [main, *main.children(recursive=True)]
        return []

    async def _resume(self, name: ServerName) -> None:
        _signal(await self._family(name), signal.SIGCONT)

    # -------------------------------------------------------------------------------------------------------- Redis

    @property
    def _dump(self) -> Path:
        return self._servers["redis"].data / "dump.rdb"

    @property
    def _old_dump(self) -> Path:
        return self._servers["redis"].data / "old.rdb"

    async def save_dump(self) -> None:
        """Keep what Redis holds now, for later."""
        async with self.redis() as redis:
            await redis.save()
        shutil.copyfile(self._dump, self._old_dump)

    async def revive_with_old_dump(self) -> None:
        """Start Redis on what it held when `save_dump` was called."""
        shutil.copyfile(self._old_dump, self._dump)
        await self._servers["redis"].serve()
        self._dump.unlink(missing_ok=True)

    async def empty_redis(self) -> None:
        """FLUSHALL, and every limit as at the start."""
        async with self.redis() as redis:
            await redis.config_set("maxmemory", MEMORY, "maxmemory-policy", "allkeys-lru")
            await redis.flushall()

    async def flush(self) -> None:
        """FLUSHALL."""
        async with self.redis() as redis:
            await redis.flushall()

    async def fail_over(self, *, dies: bool, seconds: float) -> None:
        """The primary dies, or serves on for a while beside the replica that was promoted; then it is that one's."""
        assert self.topology is not None
        if dies:
            await self.topology.primary.kill()
        await self.topology.promoted()
        await asyncio.sleep(seconds)
        await self.topology.rejoin()

    async def forget_scripts(self) -> None:
        """SCRIPT FLUSH."""
        async with self.redis() as redis:
            await redis.script_flush()

    async def cut_clients(self) -> None:
        """CLIENT KILL of every ordinary connection."""
        async with self.redis() as redis:
            await redis.client_kill_filter(_type="normal", skipme=True)

    @asynccontextmanager
    async def crowded(self, policy: str) -> AsyncIterator[None]:
        """Redis is at its limit, and foreign keys press in: under noeviction it refuses, else it evicts ours."""
        async with self.redis() as redis:
            used = int((await redis.info("memory"))["used_memory"])
            room = 0 if policy == "noeviction" else 400_000
            await redis.config_set("maxmemory", str(used + room), "maxmemory-policy", policy)
            over = asyncio.Event()
            pressing = asyncio.create_task(_press(redis, over))
            try:
                yield
            finally:
                # Not cancelled: on Python 3.11 redis-py loses a cancellation that comes just as an answer does.
                over.set()
                await pressing
        async with self.redis() as redis:
            await redis.config_set("maxmemory", MEMORY, "maxmemory-policy", "allkeys-lru")
            junk = [key async for key in redis.scan_iter("junk:*", count=1000)]
            if junk:
                await redis.unlink(*junk)


def redis_url(socket: Path) -> str:
    """The URL of the Redis at this socket."""
    return f"unix://{quote(str(socket))}?db=0"


async def _press(redis: Redis, over: asyncio.Event) -> None:
    number = 0
    while not over.is_set():
        with contextlib.suppress(RedisError, OSError):
            pipeline = redis.pipeline(transaction=False)
            for _ in range(20):
                number += 1
                pipeline.set(f"junk:{number % 2000}", _JUNK)
            await pipeline.execute(raise_on_error=False)
        await asyncio.sleep(0.01)


def _signal(family: Iterable[psutil.Process], kind: signal.Signals) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(kind)
