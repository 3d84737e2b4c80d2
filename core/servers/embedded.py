"""EmbeddedServers: the real servers that run beside the program when no URL is given."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.errors import ServerFailed
from core.servers.binaries import SERVERS, ServerName
from core.servers.state import StateFolder
from core.servers.unbroken import unbroken

if TYPE_CHECKING:
    from core.servers.server import Report, Server

_DOOR = "door"
"""The lock behind which copies of the program come and go, one at a time."""


class StoppedServer(msgspec.Struct, frozen=True):
    """A server that `stop_embedded` ended, and whether a running copy of the program may have been using it."""

    server: ServerName
    pid: int
    in_use: bool


class EmbeddedServers:
    """The embedded servers of one state folder, shared by every running copy of the program.

    Each starts on first need, in parallel with the others. All methods raise ServerFailed, and SettingsError where
    the state folder cannot be used. `report` hears of every step, in the event loop."""

    def __init__(self, state_dir: Path, *, redis_maxmemory: str = "256mb", report: Report | None = None) -> None:
        self._state = StateFolder(state_dir)
        self._report = report
        self._redis_maxmemory = redis_maxmemory
        self._used: dict[ServerName, Server] | None = None
        """None until one of them is needed."""
        self._turns = {name: asyncio.Lock() for name in SERVERS}
        self._joining = asyncio.Lock()
        self._joined = False
        self._closed = False

    async def redis(self) -> str:
        """The URL of a Redis that answers: starts or adopts it on first need, and again when it has died."""
        return await self._need("redis")

    async def postgresql(self) -> str:
        """The URL of a PostgreSQL database that answers, as `redis` does."""
        return await self._need("postgresql")

    async def mongodb(self) -> str:
        """The URL of a MongoDB database on a writable primary, as `redis` does."""
        return await self._need("mongodb")

    @property
    def redis_url(self) -> str:
        """Where Redis is once it runs; starts nothing."""
        return self._servers["redis"].url

    @property
    def redis_place(self) -> str:
        """What no other Redis has at the same time, wherever it runs; empty where that cannot be told."""
        return self._servers["redis"].place

    def server(self, name: ServerName) -> Server:
        """One of them, for whoever breaks it on purpose; starts nothing."""
        return self._servers[name]

    def paused(self, name: ServerName) -> bool:
        """Whether this copy holds one of them still."""
        return self._used is not None and self._used[name].paused

    def resume(self) -> None:
        """Have none of them stand still."""
        for server in () if self._used is None else self._used.values():
            server.resume()

    async def revive(self, name: ServerName) -> bool:
        """Start a server anew whose process has ended since this copy used it; True when it had to be."""
        if not self._servers[name].has_died():
            return False
        await self._need(name)
        return True

    async def close(self) -> None:
        """This copy leaves; the last one out stops the servers. Idempotent; a cancelled caller still gets it done."""
        await unbroken(self._leave())

    @property
    def _servers(self) -> dict[ServerName, Server]:
        if self._used is None:
            self._used = embedded_servers(self._state, self._report, self._redis_maxmemory)
        return self._used

    async def _need(self, name: ServerName) -> str:
        async with self._turns[name]:
            await self._join()
            return await self._servers[name].serve()

    async def _join(self) -> None:
        async with self._joining:
            if self._closed:
                raise ServerFailed("servers", "this copy of the program has already left them")
            if not self._joined:
                await asyncio.to_thread(self._state.prepare)
                async with self._state.locked(_DOOR):
                    # The last copy out may just have taken the folder of the sockets away.
                    await asyncio.to_thread(self._state.prepare)
                    self._state.join()
                self._joined = True

    async def _leave(self) -> None:
        self._closed = True
        # A start under way ends first: it is either used by another copy or stopped here.
        for name in SERVERS:
            async with self._turns[name]:
                pass
        async with self._joining:
            if not self._joined:
                return
            self._joined = False
            async with self._state.locked(_DOOR):
                if self._state.leave():
                    await _stop(self._servers)
                    self._state.remove_sockets()


async def stop_embedded(state_dir: Path) -> tuple[StoppedServer, ...]:
    """End the servers of a state folder, whoever started them; returns those that were running.

    Raises ServerFailed on one that cannot be ended, SettingsError on a folder that cannot be used."""
    state = StateFolder(state_dir)
    if not state.exists():
        return ()
    async with state.locked(_DOOR):
        in_use = state.in_use()
        stopped = await unbroken(_stop(embedded_servers(state)))
        if not in_use:
            state.remove_sockets()
    return tuple(StoppedServer(name, pid, in_use) for name, pid in stopped.items())


async def reset_embedded(state_dir: Path) -> None:
    """Stop the servers of a state folder and remove all their data.

    Raises ServerFailed while a copy of the program uses them, SettingsError on a folder that cannot be used."""
    state = StateFolder(state_dir)
    if not state.exists():
        return
    async with state.locked(_DOOR):
        if state.in_use():
            raise ServerFailed("servers", f"a running copy of the program uses {state.path}", remedy="Leave it first.")
        await unbroken(_stop(embedded_servers(state)))
        state.remove_sockets()
        await unbroken(asyncio.to_thread(state.remove_data))


def embedded_servers(
    state: StateFolder, report: Report | None = None, redis_maxmemory: str = "256mb"
) -> dict[ServerName, Server]:
    """The three servers of a state folder, none of them touched yet."""
    # Not above: who has servers of their own never loads what starts and ends processes, a megabyte.
    from core.servers.mongodb import MongoServer
    from core.servers.postgresql import PostgresServer
    from core.servers.redis import RedisServer

    return {
        "redis": RedisServer(state, report, maxmemory=redis_maxmemory),
        "postgresql": PostgresServer(state, report),
        "mongodb": MongoServer(state, report),
    }


async def _stop(servers: dict[ServerName, Server]) -> dict[ServerName, int]:
    """Stop all at once; one that cannot be stopped keeps no other from it."""

    async def stop(server: Server) -> int | None:
        async with server.state.locked(server.name):
            return await server.stop()

    outcomes = await asyncio.gather(*(stop(server) for server in servers.values()), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return {name: pid for name, pid in zip(servers, outcomes, strict=True) if isinstance(pid, int)}
