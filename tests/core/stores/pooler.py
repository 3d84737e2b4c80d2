"""PgBouncer before a PostgreSQL database: another password, encryption where asked for, and connections that are
handed from one client to the next after each transaction."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from core.servers.postgres_files import as_permitted
from tests.debian import debian_program
from tests.processes import Running, ServerProcess, free_port

USER: Final = "mover"
PASSWORD: Final = "s3cret-word"


class Pooler(Running):
    """One pgbouncer on a port of its own, before the database at `url`. `certificate` is a file of key and
    certificate: with it every client has to encrypt."""

    def __init__(
        self, url: str, *, mode: str = "transaction", certificate: Path | None = None, servers: int = 20
    ) -> None:
        super().__init__()
        self.port = free_port()
        self._target = conninfo_to_dict(url)
        self._mode = mode
        self._servers = servers
        self._certificate = certificate
        self._process = ServerProcess()

    def url(self, more: str = "", *, user: str = USER, password: str = PASSWORD, host: str = "localhost") -> str:
        """The address for a person's configuration."""
        return f"postgresql://{user}:{password}@{host}:{self.port}/{self._target['dbname']}{more}"

    async def start(self) -> None:
        (self.folder / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
        target = f"host={self._target['host']} port={self._target['port']} user={self._target['user']}"
        settings = {
            "listen_addr": "localhost",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.folder / "users",
            "pool_mode": self._mode,
            "default_pool_size": self._servers,
            "server_login_retry": 0.05,
            "logfile": self.folder / "log",
            # All that it lets a client choose beside what it follows by itself.
            "ignore_startup_parameters": "",
        }
        if self._certificate is not None:
            settings |= {
                "client_tls_sslmode": "require",
                "client_tls_key_file": self._certificate,
                "client_tls_cert_file": self._certificate,
            }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        file = self.folder / "pgbouncer.ini"
        file.write_text(f"[databases]\n* = {target}\n[pgbouncer]\n{lines}")
        program = debian_program("pgbouncer", "pgbouncer", "libevent-2.1-7", "libc-ares2")
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        await self._process.start(
            *as_permitted(), program.path, file, environment=program.environment, answers=self._listens
        )

    async def _listens(self) -> bool:
        return await asyncio.to_thread(self._connects)

    def _connects(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", self.port), 1):
            return True
        return False

    async def stop(self) -> None:
        await self._process.kill()
