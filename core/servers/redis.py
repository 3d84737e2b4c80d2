"""The embedded Redis: a cache and nothing else, so it keeps nothing on disk."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from core.errors import ServerFailed
from core.servers.binaries import Binary, ServerName
from core.servers.server import AT_ONCE, Report, Server
from core.servers.state import StateFolder

POLICY: Final = "allkeys-lru"
"""What it does when it is full: the entries that were not used for longest go."""


class RedisServer(Server):
    """Redis on a socket. `maxmemory` as Redis writes it; the copy that came last decides it."""

    name: ClassVar[ServerName] = "redis"
    program: ClassVar[str] = "redis-server"
    farewell: ClassVar[signal.Signals] = signal.SIGTERM
    patience: ClassVar[float] = 10.0

    def __init__(self, state: StateFolder, report: Report | None = None, *, maxmemory: str = "256mb") -> None:
        super().__init__(state, report)
        self.maxmemory = maxmemory

    @property
    def socket(self) -> Path:
        return self.state.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def mark(self) -> str:
        return str(self.socket)

    async def prepare(self, binary: Binary) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)

    def command(self, binary: Binary) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "save": "",
            "appendonly": "no",
            "maxmemory": self.maxmemory,
            "maxmemory-policy": POLICY,
            "databases": "64",
        }
        return [str(binary.path), *(word for name, value in options.items() for word in (f"--{name}", value))]

    async def greets(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AT_ONCE):
                return await self.answers()
        return False

    async def answers(self) -> bool:
        # Bare words on the socket: the driver would cost half a second of imports before the first page.
        try:
            async with asyncio.timeout(2.0):
                reader, writer = await asyncio.open_unix_connection(self.socket)
                with contextlib.closing(writer):
                    # A copy that filled it on purpose may have been killed before it took that back.
                    limits = f"maxmemory {self.maxmemory} maxmemory-policy {POLICY}"
                    writer.write(f"PING\r\nCONFIG SET {limits}\r\n".encode())
                    greeting, setting = await reader.readline(), await reader.readline()
        except (OSError, TimeoutError):
            return False
        if greeting == b"+PONG\r\n" and setting.startswith(b"-"):
            raise ServerFailed("Redis", f"it refuses a maxmemory of {self.maxmemory}: {setting[1:].decode().strip()}")
        return greeting == b"+PONG\r\n"
