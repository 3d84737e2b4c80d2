"""The indexes of the movies: taken away while an empty collection is filled, and made again where they are missing.

Row by row they would cost more than all else of a load. Nothing breaks without them: what they serve is slower.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from psycopg import errors, sql

from core.query import SCORE, SORTS
from core.stores.postgres_connections import Connection
from core.stores.postgres_records import KEYS, ORDERED

_LOCK: Final = 7_021_879_402_113_507
"""The advisory lock under which one process at a time makes indexes or vacuums: these two would deadlock. Nobody waits
for it within the server, for that is a transaction, the end of which the making of an index waits for."""
_LOOK_AGAIN: Final = 0.5
"""Seconds until the lock is asked for again."""
_PATIENCE: Final = "2s"
"""How long the taking away may wait for those who read: it waits in front of all who come later."""
_MEMORY: Final = "256MB"
_BESIDE: Final = {
    "title": sql.SQL(" include (beginnings)"),
    # An index is read alone where it holds the columns that its expression is made of, too.
    SCORE: sql.SQL(" include (critic_rating, critic_reviews)"),
}
"""What the index of a sort holds beside its key."""


def _in_order(sort: str) -> tuple[str, sql.Composed]:
    name = "movies_title_beginnings" if sort == "title" else f"movies_{KEYS.get(sort, sort)}"
    return name, sql.SQL("reelcache.movies ({}, id){}").format(ORDERED[sort], _BESIDE.get(sort, sql.SQL("")))


INDEXES: Final[dict[str, sql.Composable]] = {
    **dict(map(_in_order, SORTS)),
    "movies_imdb_id": sql.SQL("reelcache.movies (imdb_id)"),
    "movies_genres": sql.SQL("reelcache.movies using gin (genres)"),
    "movies_words": sql.SQL("reelcache.movies using gin (words)"),
}
"""What each index is on, by its name."""
_PRESENT: Final = """
select relname, indisvalid from pg_catalog.pg_index join pg_catalog.pg_class on pg_class.oid = indexrelid
where indrelid = 'reelcache.movies'::regclass
"""


async def take_away(connection: Connection, most: int) -> bool:
    """Drop the indexes if no more than so many rows are there and nobody is in the way; tells whether that was done.

    As long as the connection lives then, nobody else makes them."""
    if not await locked(connection):
        return False
    with suppress(errors.LockNotAvailable):
        return await _taken_away(connection, most)
    return False


async def locked(connection: Connection) -> bool:
    """Whether this connection has the lock, or got it now; it has it until it is closed."""
    found = await connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,))
    return await found.fetchone() == (True,)


async def _taken_away(connection: Connection, most: int) -> bool:
    async with connection.transaction():
        await connection.execute("select set_config('lock_timeout', %s, true)", (_PATIENCE,))
        found = await connection.execute(
            "select count(*) from (select from reelcache.movies limit %s) as beginning", (most + 1,)
        )
        (rows,) = await found.fetchone() or (most + 1,)
        if rows > most:
            return False
        names = sql.SQL(", ").join(sql.Identifier("reelcache", name) for name in INDEXES)
        await connection.execute(sql.SQL("drop index if exists {}").format(names))
    return True


async def missing(connection: Connection) -> list[str]:
    """The indexes that are not there, or were not finished."""
    present: dict[str, bool] = dict(await (await connection.execute(_PRESENT)).fetchall())
    return [name for name in INDEXES if not present.get(name)]


async def allow_making(connection: Connection, memory: str) -> None:
    """Give the statements of this connection all the time and so much memory; none outlives the process that asked."""
    await connection.execute(
        "select set_config('statement_timeout', '0', false), set_config('maintenance_work_mem', %s, false)", (memory,)
    )
    with suppress(errors.InvalidParameterValue):  # not every system tells the server so
        await connection.execute("set client_connection_check_interval = '1s'")


async def make_missing(connection: Connection) -> None:
    """Make what is missing, on a connection of its own, one process at a time. Readers and writers go on meanwhile."""
    await allow_making(connection, _MEMORY)
    while not await locked(connection):  # noqa: ASYNC110  # another process has it, which tells nobody
        await asyncio.sleep(_LOOK_AGAIN)
    for name in await missing(connection):
        await connection.execute(sql.SQL("drop index if exists {}").format(sql.Identifier("reelcache", name)))
        create = sql.SQL("create index concurrently {} on {}").format(sql.Identifier(name), INDEXES[name])
        await connection.execute(create)
