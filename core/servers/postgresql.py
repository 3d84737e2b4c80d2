"""The embedded PostgreSQL: durable (fsync stays on), in UTF-8, compared byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import os
import signal
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from core.servers.binaries import Binary, ServerName
from core.servers.postgres_greeting import welcomed
from core.servers.server import AT_ONCE, Server

DATABASE: Final = "reelcache"
_READS_BY_OTHERS: Final = 18
"""The major version from which on processes of the server read for others, unless it is told otherwise."""
_USER: Final = "postgres"


class PostgresServer(Server):
    """PostgreSQL on a socket, with the database `reelcache`. Under root it runs as `nobody`: it refuses to be root."""

    name: ClassVar[ServerName] = "postgresql"
    program: ClassVar[str] = "postgres"
    farewell: ClassVar[signal.Signals] = signal.SIGINT
    new_data: ClassVar[int] = 150_000_000
    patience: ClassVar[float] = 60.0

    @property
    def socket(self) -> Path:
        return self.state.sockets / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        return self._address(DATABASE)

    @property
    def mark(self) -> str:
        return str(self.data)

    async def prepare(self, binary: Binary) -> None:
        # What only a start needs, which most copies find done.
        from core.servers import postgres_files as files

        if self.data.exists():
            await files.clear_the_dead(self.data, self.program, self._cluster)
            return
        self.require_space()
        self.say("starting", "creating the database files")
        await files.create(binary, self.data, _USER)

    def command(self, binary: Binary) -> list[str]:
        from core.servers import postgres_files as files

        settings = {
            "max_connections": "100",
            "shared_buffers": "64MB",
            "unix_socket_permissions": "0700",
            "cluster_name": self._cluster,
        }
        if files.major_version(self.data) >= _READS_BY_OTHERS:
            # What is read lies in the system's memory mostly: to hand that over costs more than to read it.
            settings["io_method"] = "sync"
        return [
            *files.as_permitted(),
            *(str(binary.path), "-D", str(self.data), "-h", "", "-k", str(self.state.sockets), "-p", "5432"),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ]

    async def answers(self) -> bool:
        if not self.socket.exists():
            return False
        await asyncio.to_thread(importlib.import_module, "psycopg")
        import psycopg

        try:
            connection = await psycopg.AsyncConnection.connect(
                self._address("postgres"), autocommit=True, connect_timeout=5
            )
            async with asyncio.timeout(10.0), connection:
                found = await connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
                if await found.fetchone() is None:
                    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                        await connection.execute(f"create database {DATABASE}")
        except (psycopg.OperationalError, TimeoutError):
            return False
        return True

    async def greets(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AT_ONCE):
                return await welcomed(self.socket, _USER, DATABASE)
        return False

    @property
    def _cluster(self) -> str:
        """A name that PostgreSQL puts on the command line of each of its processes."""
        return f"reelcache-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]}"

    def _address(self, database: str) -> str:
        # The port is only a part of the socket's name; without it PGPORT would decide.
        return f"postgresql://{_USER}@/{database}?host={quote(str(self.state.sockets), safe='')}&port=5432"
