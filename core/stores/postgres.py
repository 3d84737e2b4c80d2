"""PostgresStore: the movies in one schema, `reelcache`, of one PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors, sql

from core.errors import EditConflict, MovieExists, MovieNotFound, OutcomeUnknown, StoreUnavailable
from core.masking import masked
from core.model import Movie, replace
from core.query import Query, ValueCount
from core.stores import postgres_indexes as indexes
from core.stores import postgres_queries as queries
from core.stores import postgres_schema as schema
from core.stores.base import Apply, ChangedSince, Identity, SortKey, Standing, Store, Stored, StoreName, Window
from core.stores.postgres_changes import ChangeLog
from core.stores.postgres_connections import Connection, Connections, Parameters, Statement
from core.stores.postgres_copy import COPY, lines
from core.stores.postgres_faults import ConnectionLost
from core.stores.postgres_records import (
    CONTENT,
    GIVEN,
    GIVEN_CONTENT,
    GIVEN_STORED,
    READ,
    STORED,
    as_json,
    movie_of,
    possible_id,
)

T = TypeVar("T")
Row = tuple[Any, ...]

_GET = sql.SQL("select {} from reelcache.movies where id = %s").format(READ)
_GET_MANY = sql.SQL("select {} from reelcache.movies where id = any(%s)").format(READ)
_INSERT = sql.SQL(
    "insert into reelcache.movies ({}) select {} from {} on conflict (id) do nothing returning version"
).format(STORED, GIVEN_STORED, GIVEN)
_UPDATE = sql.SQL(
    "update reelcache.movies as movie set ({}) = row({}) from {}"
    " where movie.id = given.id and movie.version = %s returning movie.version"
).format(STORED, GIVEN_STORED, GIVEN)
_TAKE_TURNS = """
select reelcache.take_turn(id)
from (select min(id) as id from unnest(%s::text[]) as id group by reelcache.turn_of(id) order by reelcache.turn_of(id))
  as one_of_each_turn
"""
# Nobody inserts one of these ids meanwhile: the load has taken their turns. Who deletes one deletes it after the load.
_LOAD = sql.SQL("""
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
  reelcache.microseconds(), (select max(version) + 1 from reelcache.removals where id = any(%(ids)s) or id = '')
)::text, true)
"""
_REMOVED_SINCE: Final = """
select from reelcache.removals
where id = any(%(ids)s) and version >= current_setting('reelcache.version')::bigint limit 1
"""

_LOAD_LIMIT: Final = 60.0
"""Seconds that one batch may take."""
_VACUUM: Final = "vacuum (analyze) reelcache.movies"
_FETCHED: Final = 2_000
"""Rows of an order that come at once."""
_LONG: Final = 3_600.0
"""Seconds that the making of the indexes may take."""
_LOAD_QUIET: Final = 1.0
"""Seconds without another batch after which a load counts as over."""
_ATTEMPTS: Final = 3
"""How often a write is tried that the server rolled back for the sake of another one."""


class PostgresStore(Store):
    """The store on the PostgreSQL server at `url` (version 14 or newer); each statement has `timeout` seconds.

    A read whose connection breaks is tried once more on a fresh one; a write is not: it raises OutcomeUnknown.
    """

    name: StoreName = "postgresql"

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url
        self._connections = Connections(url, timeout=timeout)
        self._changes = ChangeLog(url, self._connections, timeout=timeout)
        self._tidying: asyncio.Task[None] | None = None
        self._untidy = False
        self._mending: asyncio.Task[None] | None = None
        self._bulks = 0
        """Bulk loads under way."""

    def __repr__(self) -> str:
        return f"PostgresStore({masked(self._url)!r})"

    async def open(self) -> None:
        await self._connections.open()
        try:
            async with self._connections.borrow(limit=schema.LIMIT) as connection:
                await schema.migrate(connection)
                complete = not await indexes.missing(connection)
            await self._changes.open()
        except BaseException:
            await self._connections.close()
            raise
        if not complete:
            self._mending = asyncio.create_task(self._mend())

    async def close(self) -> None:
        mending, self._mending = self._mending, None
        if mending is not None:
            mending.cancel()
            await asyncio.wait([mending])
        await self._stop_tidying()
        await self._changes.close()
        await self._connections.close()

    async def identity(self) -> Identity:
        row = await self._row("select current_setting('server_version')")
        version = str(row[0]).partition(" ")[0] if row else ""
        return Identity(product="PostgreSQL", version=version, address=masked(self._url))

    # ------------------------------------------------------------------------------------------------------ reads

    async def window(self, query: Query, offset: int, limit: int) -> Window:
        near = queries.begins(query, offset)
        statement, parameters = queries.window(query, offset, limit, near=near)
        total, ids = await self._row(statement, parameters, planned=False) or (0, ())
        if near and not ids and total > offset:
            statement, parameters = queries.window(query, offset, limit, near=False)
            total, ids = await self._row(statement, parameters, planned=False) or (0, ())
        return Window(ids=tuple(ids), total=total)

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        found: list[str] = []
        for known in (True, False):
            if len(found) < limit:
                statement, parameters = queries.first(query, limit - len(found), known=known)
                found += [id for (id,) in await self._connections.rows(statement, parameters, planned=False)]
        return tuple(found)

    async def order(self, query: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        async with self._connections.borrow(limit=_LOAD_LIMIT) as connection, connection.transaction():
            await connection.execute("set transaction isolation level repeatable read, read only")
            await _allow(connection, _LOAD_LIMIT)
            for known in (True, False):
                statement, parameters = queries.order(query, known=known)
                async with connection.cursor(name="sorted") as cursor:
                    await cursor.execute(statement, parameters)
                    while rows := await cursor.fetchmany(_FETCHED):
                        yield rows

    async def keys(self, query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        statement, parameters = queries.keys(query, [id for id in ids if possible_id(id)])
        return dict(await self._connections.rows(statement, parameters, planned=False))

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        return await self._changes.changed_since(place)

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...]:
        statement, parameters = queries.counts(query, field)
        rows = await self._connections.rows(statement, parameters, planned=False)
        return tuple(ValueCount(name, count) for name, count in rows)

    async def get(self, id: str) -> Movie | None:
        if not possible_id(id):
            return None
        row = await self._row(_GET, (id,))
        return movie_of(row) if row else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        asked = [id for id in ids if possible_id(id)]
        rows = await self._connections.rows(_GET_MANY, (asked,)) if asked else ()
        return {movie.id: movie for movie in map(movie_of, rows)}

    async def count(self) -> int:
        row = await self._row("select count(*) from reelcache.movies")
        return int(row[0]) if row else 0

    async def note(self, name: str) -> str | None:
        row = await self._row("select text from reelcache.notes where name = %s", (name,))
        return str(row[0]) if row else None

    # ----------------------------------------------------------------------------------------------------- writes

    async def insert(self, movie: Movie) -> Movie:
        row = await self._write(_INSERT, (as_json([movie]),))
        if row is None:
            raise MovieExists(movie.id)
        return replace(movie, version=row[0])

    async def update(self, movie: Movie) -> Movie:
        if not possible_id(movie.id):
            raise MovieNotFound(movie.id)
        row = await self._write(_UPDATE, (as_json([movie]), movie.version))
        if row is None:
            raise await self._refused(movie.id, movie.version)
        return replace(movie, version=row[0])

    async def delete(self, id: str, version: int) -> int:
        if not possible_id(id):
            raise MovieNotFound(id)
        row = await self._write("select reelcache.remove_movie(%s, %s)", (id, version))
        if row is None or row[0] is None:
            raise await self._refused(id, version)
        return int(row[0])

    async def load(self, movies: Sequence[Movie]) -> Stored:
        ids = [movie.id for movie in movies]
        copied = await asyncio.to_thread(lines, movies)

        async def store(connection: Connection) -> tuple[int, int]:
            async with connection.transaction():
                await _allow(connection, _LOAD_LIMIT)
                await connection.execute(_TAKE_TURNS, (ids,))
                if await _copy(connection, ids, copied):
                    inserted, updated = len(ids), 0
                else:
                    given = await asyncio.to_thread(as_json, movies)
                    await connection.execute("set local reelcache.load = on")
                    stored = await connection.execute(_LOAD, (given,), prepare=False)
                    inserted, updated = await stored.fetchone() or (0, 0)
                if inserted or updated:
                    await connection.execute("select reelcache.log_change_of_all()")
                return inserted, updated

        inserted, updated = await self._written(store, limit=_LOAD_LIMIT)
        if (inserted or updated) and not self._bulks:
            self._tidy_soon()
        return Stored(inserted=inserted, updated=updated, unchanged=len(ids) - inserted - updated)

    @asynccontextmanager
    async def bulk(self, expected: int) -> AsyncIterator[None]:
        async with self._connections.apart() as connection:
            async with self._connections.asking(connection):
                taken_away = await indexes.take_away(connection, expected // 2)
            self._bulks += 1
            try:
                yield
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
            await indexes.make_missing(connection)

    async def set_note(self, name: str, text: str) -> None:
        await self._write(
            "insert into reelcache.notes values (%s, %s) on conflict (name) do update set text = excluded.text"
            " returning name",
            (name, text),
        )

    async def clear(self) -> None:
        await self._stop_tidying()

        async def empty(connection: Connection) -> None:
            async with connection.transaction():
                await _allow(connection, _LOAD_LIMIT)
                await connection.execute("truncate reelcache.movies, reelcache.notes")

        await self._written(empty, limit=_LOAD_LIMIT)

    async def _refused(self, id: str, base: int) -> MovieNotFound | EditConflict:
        current = await self.get(id)
        return MovieNotFound(id) if current is None else EditConflict(current, base)

    async def uid(self) -> str:
        row = await self._row("select reelcache.collection_uid()")
        return str(row[0]) if row else ""

    # ------------------------------------------------------------------------------------------------ the change log

    async def follow(self, apply: Apply) -> None:
        await self._changes.follow(apply)

    async def settle(self) -> None:
        await self._changes.settle()

    async def standing(self) -> Standing:
        return await self._changes.standing()

    async def suspend(self, holder: str, seconds: float) -> None:
        await self._changes.suspend(holder, seconds)

    async def resume(self, holder: str) -> None:
        await self._changes.resume(holder)

    # ------------------------------------------------------------------------------------------- how they are asked

    async def _row(self, statement: Statement, parameters: Parameters = None, *, planned: bool = True) -> Row | None:
        rows = await self._connections.rows(statement, parameters, planned=planned)
        return rows[0] if rows else None

    async def _write(self, statement: Statement, parameters: Parameters) -> Row | None:
        """The row that a writing statement returns; the statement is a transaction of its own."""

        async def write(connection: Connection) -> Row | None:
            written = await connection.execute(statement, parameters)
            return await written.fetchone()

        return await self._written(write)

    async def _written(self, write: Callable[[Connection], Awaitable[T]], *, limit: float | None = None) -> T:
        """What a write answers. Tried again only where the server said that it undid it."""
        try:
            async with self._connections.borrow(proven=True, limit=limit) as connection:
                for _ in range(_ATTEMPTS - 1):
                    with suppress(errors.DeadlockDetected, errors.SerializationFailure):
                        return await write(connection)
                return await write(connection)
        except ConnectionLost as loss:
            raise OutcomeUnknown(
                "PostgreSQL",
                f"{loss.reason} during a write, which may have been stored or not",
                remedy="Reload to see what is there, then try again.",
            ) from None

    # ------------------------------------------------------------------------------------------------ after a load

    def _tidy_soon(self) -> None:
        self._untidy = True
        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(self._tidy())

    async def _tidy(self) -> None:
        """When a load is over: without visibility map and statistics a deep window is ten times slower.

        The server does it by itself some minutes later; so no failure matters."""
        while self._untidy:
            self._untidy = False
            await asyncio.sleep(_LOAD_QUIET)
            if self._untidy:
                continue
            with suppress(StoreUnavailable):
                async with self._connections.borrow(limit=_LOAD_LIMIT) as connection:
                    if await indexes.locked(connection):
                        await connection.execute("set statement_timeout = 0")
                        await connection.execute(_VACUUM)
                        await connection.close()

    async def _mend(self) -> None:
        """Make the indexes that a load did not come to make; without them all goes on, but slower."""
        with suppress(StoreUnavailable):
            async with self._connections.apart() as connection, self._connections.asking(connection, limit=_LONG):
                await indexes.make_missing(connection)

    async def _stop_tidying(self) -> None:
        task, self._tidying = self._tidying, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


async def _copy(connection: Connection, ids: Sequence[str], copied: bytes) -> bool:
    """Store the movies if all of them are new, in this transaction; tells whether they were.

    Their turns are taken, so nobody inserts one meanwhile; but one that is there may be removed, and must not come back
    with a version from before."""
    try:
        async with connection.transaction():
            await connection.execute("set local reelcache.load = copy")
            await connection.execute(_NEXT_VERSION, {"ids": ids})
            async with connection.cursor().copy(COPY) as target:
                await target.write(copied)
            removed = await connection.execute(_REMOVED_SINCE, {"ids": ids})
            if await removed.fetchone() is not None:
                raise psycopg.Rollback
            return True
    except errors.UniqueViolation:
        pass
    return False


async def _allow(connection: Connection, seconds: float) -> None:
    """Give the statements of this transaction another time limit."""
    await connection.execute("select set_config('statement_timeout', %s, true)", (str(round(seconds * 1000)),))
