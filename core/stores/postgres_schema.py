"""Creates and migrates the schema `reelcache`, one numbered block of postgres.sql after the other."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from psycopg import sql

from core.errors import StoreUnavailable
from core.stores.postgres_connections import Connection

_LOCK: Final = 7_021_879_402_113_506
"""The advisory lock under which one process at a time migrates."""
LIMIT: Final = 60.0
"""Seconds that a migration may take, or wait for another process that migrates."""


async def migrate(connection: Connection) -> None:
    """Bring the schema to this program's version; does nothing when it is there. Two processes at once take turns.

    Raises StoreUnavailable when a newer program was here."""
    wanted = max(_migrations())
    if await _version(connection) == wanted:
        return
    async with connection.transaction():
        await connection.execute("select set_config('statement_timeout', %s, true)", (str(round(LIMIT * 1000)),))
        await connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        present = await _version(connection)
        if present > wanted:
            raise StoreUnavailable(
                "PostgreSQL",
                f"the schema reelcache has version {present}, this program knows {wanted}",
                remedy="Use the newer Reelcache that made it, or another database.",
            )
        if present == 0:
            await connection.execute("create schema if not exists reelcache")
            await connection.execute(
                "create table reelcache.migration (version integer not null, since timestamptz not null default now())"
            )
        for version, block in sorted(_migrations().items()):
            if version > present:
                await connection.execute(block)
                await connection.execute("insert into reelcache.migration (version) values (%s)", (version,))


async def _version(connection: Connection) -> int:
    """How far the schema was migrated; 0 when nothing is there."""
    # Not to_regclass: within a transaction it remembers that there was no such table, whatever others commit meanwhile.
    found = await connection.execute(
        "select from pg_catalog.pg_tables where schemaname = 'reelcache' and tablename = 'migration'"
    )
    if await found.fetchone() is None:
        return 0
    found = await connection.execute("select coalesce(max(version), 0) from reelcache.migration")
    (version,) = await found.fetchone() or (0,)
    return int(version)


@lru_cache(maxsize=1)
def _migrations() -> dict[int, sql.SQL]:
    text = Path(__file__).with_name("postgres.sql").read_text("utf-8")
    _, *parts = re.split(r"(?m)^-- migration ([0-9]+)$", text)
    return {int(number): sql.SQL(block) for number, block in zip(parts[::2], parts[1::2], strict=True)}
