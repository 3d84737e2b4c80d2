"""Loads into PostgreSQL: a batch by COPY where all of it is new, by one statement where not; and what follows one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg
from psycopg import errors, sql

from core.errors import StoreUnavailable
from core.model import Movie
from core.packed import ids_of, pieces_of
from core.stores import postgres_indexes as indexes
from core.stores.base import Stored
from core.stores.postgres_building import make_together
from core.stores.postgres_connections import Connection, Connections
from core.stores.postgres_copy import COPY, array, written
from core.stores.postgres_records import CONTENT, GIVEN, GIVEN_CONTENT, GIVEN_STORED, STORED, as_json
from core.stores.writer import Writer, writing

_TAKE_TURNS: Final = """
select reelcache.take_turn(id)
from (select min(id) as id from unnest(%s::text[]) as id group by reelcache.turn_of(id) order by reelcache.turn_of(id))
  as one_of_each_turn
"""
# Nobody inserts one of these ids meanwhile: the load has taken their turns. Who deletes one deletes it after the load.
_LOAD: Final = sql.SQL("""
with given as materialized (select * from {given}),
changed as (
  update reelcache.movies as movie set ({stored}) = row({given_stored}) from given
  where movie.id = given.id and ({given_content}) is distinct from ({content})
  returning 1
),
added as (
  insert into reelcache.movies ({stored})
  select {given_stored} from given where not exists (select from reelcache.movies where movies.id = given.id)
  returning 1
)
select (select count(*) from added), (select count(*) from changed)
""").format(given=GIVEN, stored=STORED, given_stored=GIVEN_STORED, given_content=GIVEN_CONTENT, content=CONTENT)

_NEXT_VERSION: Final = """
select set_config('reelcache.version', greatest(
  reelcache.microseconds(), (select max(version) + 1 from reelcache.removals where id = any(%s::text[]) or id = '')
)::text, true)
"""
_REMOVED_SINCE: Final = """
select from reelcache.removals
where id = any(%s::text[]) and version >= current_setting('reelcache.version')::bigint limit 1
"""
_VACUUM: Final = "vacuum (analyze) reelcache.movies"

LIMIT: Final = 60.0
"""Seconds that one batch may take, or another statement about all movies."""
_LONG: Final = 3_600.0
"""Seconds that the making of the indexes may take."""
_QUIET: Final = 1.0
"""Seconds without another batch after which a load counts as over."""
_PIECE: Final = 1_000
"""Movies that are sent at once: the server is at them while the next ones are written out."""


class Loads:
    """The loads of one store, and the indexes, visibility map and statistics that they leave behind for readers."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._tidying: asyncio.Task[None] | None = None
        self._untidy = False
        self._mending: asyncio.Task[None] | None = None
        self._writer = Writer(written)
        self._bulks = 0
        """Bulk loads under way."""

    async def load(self, movies: Sequence[Movie]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same; one transaction."""

        async def store(connection: Connection) -> tuple[int, int]:
            # As text: the driver would take a list apart, id by id.
            ids = array(ids_of(movies))
            async with _written_out(self._writer, movies) as pieces, connection.transaction():
                await allow(connection, LIMIT)
                await connection.execute(_TAKE_TURNS, (ids,))
                if await _copy(connection, ids, pieces):
                    inserted, updated = len(movies), 0
                else:
                    given = await asyncio.to_thread(as_json, movies)
                    await connection.execute("set local reelcache.load = on")
                    stored = await connection.execute(_LOAD, (given,), prepare=False)
                    inserted, updated = await stored.fetchone() or (0, 0)
                if inserted or updated:
                    await connection.execute("select reelcache.log_change_of_all()")
                return inserted, updated

        inserted, updated = await self._connections.written(store, limit=LIMIT)
        if (inserted or updated) and not self._bulks:
            self._tidy_soon()
        return Stored(inserted=inserted, updated=updated, unchanged=len(movies) - inserted - updated)

    @asynccontextmanager
    async def bulk(self, expected: int) -> AsyncIterator[None]:
        """Within it about so many movies are loaded; what was taken away for their sake is made again at its end."""
        async with self._connections.apart() as connection:
            async with self._connections.asking(connection):
                taken_away = not self._connections.pooled and await indexes.take_away(connection, expected // 2)
            self._bulks += 1
            try:
                async with writing("postgresql", written, expected) as writer:
                    self._writer = writer
                    try:
                        yield
                    finally:
                        self._writer = Writer(written)
            except Exception:
                with suppress(StoreUnavailable):
                    await self._bulk_ended(connection, taken_away)
                raise
            else:
                await self._bulk_ended(connection, taken_away)
            finally:
                self._bulks -= 1

    async def _bulk_ended(self, connection: Connection, taken_away: bool) -> None:
        if not taken_away:
            self._tidy_soon()
            return
        async with self._connections.asking(connection, limit=_LONG):
            await connection.execute("set statement_timeout = 0")
            # Sooner than the indexes, which would have to be looked through.
            await connection.execute(_VACUUM)
            with suppress(StoreUnavailable):  # there may be no connections left, which the other way needs none of
                await make_together(self._connections, connection, _LONG)
            await indexes.make_missing(connection)

    def mend_soon(self) -> None:
        """Make the indexes that a load did not come to make; without them all goes on, but slower."""
        self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        with suppress(StoreUnavailable):
            async with self._connections.apart() as connection, self._connections.asking(connection, limit=_LONG):
                await indexes.make_missing(connection)

    def _tidy_soon(self) -> None:
        self._untidy = True
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(self._tidy())

    async def _tidy(self) -> None:
        """When a load is over: without visibility map and statistics a deep window is ten times slower.

        The server does it by itself some minutes later; so no failure matters."""
        while self._untidy:
            self._untidy = False
            await asyncio.sleep(_QUIET)
            if self._untidy:
                continue
            with suppress(StoreUnavailable):
                async with self._connections.borrow(limit=LIMIT) as connection:
                    # The lock is a session's, and behind a pooler there is none to keep it in.
                    if not self._connections.pooled and await indexes.locked(connection):
                        await connection.execute("set statement_timeout = 0")
                        await connection.execute(_VACUUM)
                        await connection.close()

    async def stop_tidying(self) -> None:
        """Leave it to the server: the movies are going to be removed."""
        task, self._tidying = self._tidying, None
        await _cancelled(task)

    async def close(self) -> None:
        """End what goes on behind the loads. Idempotent."""
        task, self._mending = self._mending, None
        await _cancelled(task)
        await self.stop_tidying()


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


async def _copy(connection: Connection, ids: str, pieces: AsyncIterable[bytes]) -> bool:
    """Store the movies if all of them are new, in this transaction; tells whether they were.

    Their turns are taken, so nobody inserts one meanwhile; but one that is there may be removed, and must not come back
    with a version from before."""
    try:
        async with connection.transaction():
            await connection.execute("set local reelcache.load = copy")
            await connection.execute(_NEXT_VERSION, (ids,))
            async with connection.cursor().copy(COPY) as target:
                async for piece in pieces:
                    await target.write(piece)
            removed = await connection.execute(_REMOVED_SINCE, (ids,))
            if await removed.fetchone() is not None:
                raise psycopg.Rollback
            return True
    except errors.UniqueViolation:
        pass
    return False


@asynccontextmanager
async def _written_out(writer: Writer, movies: Sequence[Movie]) -> AsyncIterator[AsyncIterable[bytes]]:
    """The movies as COPY reads them, piece by piece, made from now on, whoever has the turn meanwhile."""

    async def made(before: Sequence[asyncio.Task[bytes]], piece: Sequence[Movie]) -> bytes:
        if before:
            await asyncio.wait(before)
        return await writer.written(piece)

    making: list[asyncio.Task[bytes]] = []
    for piece in pieces_of(movies, _PIECE):
        making.append(asyncio.create_task(made(making[-1:], piece)))

    async def in_order() -> AsyncIterator[bytes]:
        for lines in making:
            yield await lines

    try:
        yield in_order()
    finally:
        for lines in making:
            lines.cancel()
        if making:
            await asyncio.wait(making)


async def allow(connection: Connection, seconds: float) -> None:
    """Give the statements of this transaction another time limit."""
    await connection.execute("select set_config('statement_timeout', %s, true)", (str(round(seconds * 1000)),))
