"""The embedded PostgreSQL: durable (fsync stays on), in UTF-8, compared byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

import psutil

from core.errors import ServerFailed
from core.servers import process as processes
from core.servers.binaries import Binary, ServerName
from core.servers.diagnosis import diagnose
from core.servers.server import Server

DATABASE: Final = "reelcache"


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
        if self.data.exists():
            await self._clear_the_dead()
            return
        self.require_space()
        self.say("starting", "creating the database files")
        fresh = self.data.with_name(f"{self.name}.new")
        # Where the C library knows no C.UTF-8 (macOS), plain C compares the same way.
        complaint = await self._initialise(binary, fresh, "--locale=C.UTF-8")
        if complaint is not None and "invalid locale" in complaint:
            complaint = await self._initialise(binary, fresh, "--no-locale")
        if complaint is not None:
            await asyncio.to_thread(shutil.rmtree, fresh, True)
            reason, remedy = diagnose(self.name, complaint)
            raise ServerFailed("PostgreSQL", f"its files could not be created: {reason}", remedy=remedy)
        fresh.rename(self.data)

    def command(self, binary: Binary) -> list[str]:
        settings = {
            "max_connections": "100",
            "shared_buffers": "64MB",
            "unix_socket_permissions": "0700",
            "cluster_name": self._cluster,
        }
        return [
            *as_permitted(),
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

    @property
    def _cluster(self) -> str:
        """A name that PostgreSQL puts on the command line of each of its processes."""
        return f"reelcache-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]}"

    def _address(self, database: str) -> str:
        # The port is only a part of the socket's name; without it PGPORT would decide.
        return f"postgresql://postgres@/{database}?host={quote(str(self.state.sockets), safe='')}&port=5432"

    async def _initialise(self, binary: Binary, folder: Path, locale: str) -> str | None:
        """Fill the folder; returns None, or what initdb said when it failed."""
        for forsaken in await asyncio.to_thread(processes.named, "initdb"):
            # Its starter was killed; it would go on writing where we write.
            if str(folder) in processes.title(forsaken):
                _kill_all(forsaken.pid)
                await processes.gone(forsaken, 5.0)
        await asyncio.to_thread(_empty, folder)
        command = [
            *as_permitted(),
            str(binary.path.with_name("initdb")),
            *("-D", str(folder), "-U", "postgres", "--auth=trust", "-E", "UTF8", locale),
        ]
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.state.servers,
            env=dict(os.environ, LC_ALL="C"),
            start_new_session=True,
        )
        try:
            said, _ = await child.communicate()
        except asyncio.CancelledError:
            _kill_all(child.pid)
            await child.wait()
            raise
        return None if child.returncode == 0 else said.decode("utf-8", "replace")

    async def _clear_the_dead(self) -> None:
        """Wait for what a killed server left behind, and take away its pid file where another process has the number.

        PostgreSQL refuses to start beside a living backend, and beside any process of ours that the pid file names."""
        for process in await asyncio.to_thread(self._orphans):
            if not await processes.gone(process, 5.0):
                await processes.end(process, signal.SIGKILL, 5.0)
        pid_file = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            if psutil.Process(int(pid_file.read_text().splitlines()[0])).name() != self.program:
                pid_file.unlink()

    def _orphans(self) -> list[psutil.Process]:
        return [process for process in processes.named(self.program) if self._cluster in processes.title(process)]


def as_permitted() -> list[str]:
    """The words before a command that must not run as root: as nobody, but able to pass through our 0700 folders.

    Raises ServerFailed where root lacks the means."""
    if os.geteuid() != 0:
        return []
    import pwd

    setpriv = shutil.which("setpriv")
    if setpriv is None or not sys.platform.startswith("linux"):
        raise ServerFailed(
            "PostgreSQL",
            "it refuses to run as root, and setpriv, which could run it as nobody, is not installed",
            remedy="Run as an ordinary user, install util-linux, or give DATABASE_URL.",
        )
    nobody = pwd.getpwnam("nobody")
    identity = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # Without the last of these, access() would ask as a plain nobody: PostgreSQL looks for its own files that way.
    passage = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return [setpriv, *identity, *passage]


def _kill_all(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
