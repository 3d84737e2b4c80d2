"""What a person at another terminal does to the database of a test, and sees there."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.processes import hold

_OTHERS = (
    "select pid from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


@contextmanager
def the_others_stopped(psql: psycopg.Connection) -> Iterator[None]:
    """The server processes of every other session on this database, all of them the test's own, stand still."""
    backends = [pid for (pid,) in psql.execute(_OTHERS).fetchall() if _held(pid)]
    try:
        yield
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)


def _held(pid: int) -> bool:
    """Have this one stand still; False for one that was just ending, as they do some time after their client left."""
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        hold(pid)
        return True
    return False


def kill_the_others(psql: psycopg.Connection) -> int:
    """Ends every other session on this database; how many there were."""
    killed = psql.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    return len(killed.fetchall())


async def until_someone_waits(psql: psycopg.Connection) -> None:
    """Until another session waits for a lock that this one holds."""
    waiting = "select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
    await until(psql, waiting)


async def until(psql: psycopg.Connection, finds_a_row: LiteralString) -> None:
    """Until this question has an answer: the event happens in the server, which tells nobody."""
    async with asyncio.timeout(60):
        while psql.execute(finds_a_row).fetchone() is None:  # see above
            await asyncio.sleep(0.002)


def other_database(url: str, database: str) -> str:
    """The same server, another database."""
    name = str(conninfo_to_dict(url)["dbname"])
    return url.replace(f"/{name}?", f"/{database}?")


@contextmanager
def spare_database(url: str) -> Iterator[str]:
    """One more database on the same server, with nothing in it, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield other_database(url, name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def unreachable_database(url: str) -> Iterator[None]:
    """The server is away for this database: it ends the connections to it and refuses new ones."""
    name = str(conninfo_to_dict(url)["dbname"])
    allowed = sql.SQL("alter database {} with allow_connections {}")
    with psycopg.connect(other_database(url, "postgres"), autocommit=True) as admin:
        admin.execute(allowed.format(sql.Identifier(name), sql.SQL("false")))
        try:
            admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (name,))
            yield
        finally:
            admin.execute(allowed.format(sql.Identifier(name), sql.SQL("true")))
