"""The embedded MongoDB: a replica set of one, so that transactions and change streams work."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import signal
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from core.servers.binaries import Binary, ServerName
from core.servers.mongo_greeting import is_primary
from core.servers.server import AT_ONCE, Server

DATABASE: Final = "reelcache"
_REPLICA_SET: Final = "rs0"
_NOT_YET_INITIALISED: Final = 94


class MongoServer(Server):
    """mongod on a socket, primary of its own replica set."""

    name: ClassVar[ServerName] = "mongodb"
    program: ClassVar[str] = "mongod"
    farewell: ClassVar[signal.Signals] = signal.SIGTERM
    new_data: ClassVar[int] = 350_000_000
    patience: ClassVar[float] = 60.0

    @property
    def socket(self) -> Path:
        return self.state.sockets / "mongo.sock"

    @property
    def url(self) -> str:
        return f"mongodb://{quote(str(self.socket), safe='')}/{DATABASE}?directConnection=true"

    @property
    def mark(self) -> str:
        return str(self.data)

    async def prepare(self, binary: Binary) -> None:
        if not self.data.exists():
            self.require_space()
            self.data.mkdir(mode=0o700)

    def command(self, binary: Binary) -> list[str]:
        return [
            *(str(binary.path), "--dbpath", str(self.data), "--replSet", _REPLICA_SET, "--quiet"),
            # mongod always makes a second socket, named by a port that it does not open.
            *("--bind_ip", str(self.socket), "--unixSocketPrefix", str(self.socket.parent)),
            *("--filePermissions", "0700", "--wiredTigerCacheSizeGB", "0.25"),
            # What a killed program had begun holds its documents for so long: mongod does not notice that it is gone.
            *("--setParameter", "transactionLifetimeLimitSeconds=10"),
        ]

    async def greets(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AT_ONCE):
                return await is_primary(self.socket)
        return False

    async def answers(self) -> bool:
        # The driver looks again only every half second, so it is not asked before the socket answers.
        try:
            _, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        with contextlib.closing(writer):
            await asyncio.to_thread(importlib.import_module, "pymongo")
        import pymongo
        from pymongo.errors import PyMongoError

        client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(
            self.url, serverSelectionTimeoutMS=3000, socketTimeoutMS=3000
        )
        async with client:
            with contextlib.suppress(PyMongoError):
                return await self._becomes_primary(client)
        return False

    async def _becomes_primary(self, client: Any) -> bool:
        for _ in range(150):
            hello = await client.admin.command("hello")
            if hello["isWritablePrimary"]:
                return True
            if "setName" not in hello:
                await self._configure(client)
            await asyncio.sleep(0.01)
        return False

    async def _configure(self, client: Any) -> None:
        """Make this server the one member of its set. One that moved with its folder counts itself out until then."""
        from pymongo.errors import OperationFailure

        member = {"_id": 0, "host": str(self.socket)}
        try:
            config = (await client.admin.command("replSetGetConfig"))["config"]
        except OperationFailure as problem:
            if problem.code != _NOT_YET_INITIALISED:
                raise
            # It may be reading its old configuration just now, and then refuses a new one.
            with contextlib.suppress(OperationFailure):
                await client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
            return
        if config["members"][0]["host"] != str(self.socket):
            config["members"] = [member]
            config["version"] += 1
            with contextlib.suppress(OperationFailure):
                await client.admin.command({"replSetReconfig": config, "force": True})
