"""PostgresStore: the movies in one schema, `reelcache`, of one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Final

from psycopg import sql

from core.errors import EditConflict, MovieExists, MovieNotFound
from core.masking import masked
from core.model import Movie, replace
from core.place import Place
from core.query import Query, ValueCount
from core.score import Ranked
from core.stores import postgres_indexes as indexes
from core.stores import postgres_queries as queries
from core.stores import postgres_schema as schema
from core.stores import postgres_theaters as theaters
from core.stores.base import Apply, ChangedSince, Identity, SortKey, Standing, Store, Stored, StoreName, Window
from core.stores.postgres_changes import ChangeLog
from core.stores.postgres_connections import Connection, Connections, Parameters, Statement
from core.stores.postgres_first import FirstRows
from core.stores.postgres_loading import LIMIT, Loads, allow
from core.stores.postgres_records import GIVEN, GIVEN_STORED, READ, STORED, as_json, movie_of, possible_id

Row = tuple[Any, ...]

# As bytes: to put them together anew would take longer than the driver does with them.
_GET: Final = sql.SQL("select {} from reelcache.movies where id = %s").format(READ).as_bytes()
_GET_MANY: Final = sql.SQL("select {} from reelcache.movies where id = any(%s)").format(READ).as_bytes()
_INSERT: Final = (
    sql.SQL("insert into reelcache.movies ({}) select {} from {} on conflict (id) do nothing returning version")
    .format(STORED, GIVEN_STORED, GIVEN)
    .as_bytes()
)
_UPDATE: Final = (
    sql.SQL(
        "update reelcache.movies as movie set ({}) = row({}) from {}"
        " where movie.id = given.id and movie.version = %s returning movie.version"
    )
    .format(STORED, GIVEN_STORED, GIVEN)
    .as_bytes()
)
_FETCHED: Final = 500
"""Rows of an order that come at once: to read some more of them would keep others waiting for longer than a frame."""

_COUNTING: Final = 4
"""Statements about all movies at once: each takes a core of the server, or more than one."""

POOLED: Final = (
    "A pooler stands in between: changes by others are noticed up to 0.2 s later, for it hands no notification on.",
    "Its server is told no time limit: what is given up here may go on there (alter role … set statement_timeout).",
    "A large load keeps its indexes, which takes longer, and the table is vacuumed when the server comes to it.",
)
"""What a pooler does not let us do; each session of the server is many clients' one after the other."""


class PostgresStore(Store):
    """The store on the PostgreSQL server at `url` (version 14 or newer); each statement has `timeout` seconds.

    A read whose connection breaks is tried once more on a fresh one; a write is not: it raises OutcomeUnknown.
    """

    name: StoreName = "postgresql"

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url
        self._connections = Connections(url, timeout=timeout)
        self._counting = Connections(url, timeout=timeout, limit=LIMIT, most=_COUNTING)
        """For statements about all movies: they take long, and nobody waits behind them for a movie."""
        self._changes = ChangeLog(url, self._connections, timeout=timeout)
        self._loads = Loads(self._connections)
        self._first_rows = FirstRows(self._connections)

    def __repr__(self) -> str:
        return f"PostgresStore({masked(self._url)!r})"

    async def open(self) -> None:
        await self._connections.open()
        try:
            async with self._connections.borrow(limit=schema.LIMIT) as connection:
                if self._connections.pooled:
                    async with connection.transaction():  # one that pools by statement refuses it, and it does so now
                        pass
                await schema.migrate(connection)
                complete = not await indexes.missing(connection)
            await self._changes.open()
            self._counting.open_later()
        except BaseException:
            await self._connections.close()
            raise
        if not complete and not self._connections.pooled:
            self._loads.mend_soon()

    async def close(self) -> None:
        await self._loads.close()
        await self._first_rows.close()
        await self._counting.close()
        await self._changes.close()
        await self._connections.close()

    async def identity(self) -> Identity:
        row = await self._row("select current_setting('server_version')")
        version = str(row[0]).partition(" ")[0] if row else ""
        limits = POOLED if self._connections.pooled else ()
        return Identity(product="PostgreSQL", version=version, address=masked(self._url), limits=limits)

    # ------------------------------------------------------------------------------------------------------ reads

    async def window(self, query: Query, offset: int, limit: int) -> Window:
        near = queries.begins(query, offset)
        ((total, ids),) = await self._counted(queries.window(query, offset, limit, near=near))
        if near and not ids and total > offset:
            ((total, ids),) = await self._counted(queries.window(query, offset, limit, near=False))
        return Window(ids=tuple(ids), total=total)

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        return await self._first_rows.found(query, limit)

    async def ranked(self, query: Query, limit: int) -> tuple[Ranked, ...]:
        rows = await self._counted(queries.ranked(query, limit))
        return tuple(Ranked(id, points) for id, points in rows)

    async def order(self, query: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        async with aclosing(self._streamed([queries.order(query, known=known) for known in (True, False)])) as parts:
            async for rows in parts:
                yield rows

    async def keys(self, query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        statement, parameters = queries.keys(query, [id for id in ids if possible_id(id)])
        return dict(await self._connections.rows(statement, parameters, planned=False))

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        return await self._changes.changed_since(place)

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...]:
        rows = await self._counted(queries.counts(query, field))
        return tuple(ValueCount(name, count) for name, count in rows)

    async def values(self, query: Query, field: str) -> AsyncGenerator[Sequence[tuple[str, tuple[str, ...]]]]:
        async with aclosing(self._streamed([queries.values(query, field)])) as parts:
            async for rows in parts:
                yield [(id, tuple(found)) for id, found in rows]

    async def values_of(self, query: Query, field: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        statement, parameters = queries.values_of(query, field, [id for id in ids if possible_id(id)])
        rows = await self._connections.rows(statement, parameters, planned=False)
        return {id: tuple(found) for id, found in rows}

    async def get(self, id: str) -> Movie | None:
        if not possible_id(id):
            return None
        row = await self._row(_GET, (id,))
        return movie_of(row) if row else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        asked = [id for id in ids if possible_id(id)]
        rows = await self._connections.rows(_GET_MANY, (asked,)) if asked else ()
        return {movie.id: movie for movie in map(movie_of, rows)}

    async def theaters(self, south: float = -90.0, north: float = 90.0) -> AsyncGenerator[Sequence[Place]]:
        async with aclosing(self._streamed([theaters.between(south, north)])) as parts:
            async for rows in parts:
                yield [theaters.theater_of(row) for row in rows]

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

    async def update(self, movie: Movie, first: Awaitable[None] | None = None) -> Movie:
        if first is not None:
            # Before a connection is taken: what is waited for may need one, too.
            await first
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
        return await self._loads.load(movies)

    async def load_theaters(self, given: Sequence[Place]) -> Stored:
        return theaters.stored(await self._write(theaters.LOAD, (theaters.as_json(given),)), len(given))

    def bulk(self, expected: int) -> AbstractAsyncContextManager[None]:
        return self._loads.bulk(expected)

    async def set_note(self, name: str, text: str) -> None:
        await self._write(
            "insert into reelcache.notes values (%s, %s) on conflict (name) do update set text = excluded.text"
            " returning name",
            (name, text),
        )

    async def clear(self) -> None:
        await self._loads.stop_tidying()

        async def empty(connection: Connection) -> None:
            async with connection.transaction():
                await allow(connection, LIMIT)
                await connection.execute("truncate reelcache.movies, reelcache.notes, reelcache.theaters")

        await self._connections.written(empty, limit=LIMIT)

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

    async def name_cache(self, before: str | None, after: str) -> bool:
        return await self._changes.name_cache(before, after)

    async def suspend(self, holder: str, seconds: float) -> None:
        await self._changes.suspend(holder, seconds)

    async def resume(self, holder: str) -> None:
        await self._changes.resume(holder)

    # ------------------------------------------------------------------------------------------- how they are asked

    async def _row(self, statement: Statement, parameters: Parameters = None, *, planned: bool = True) -> Row | None:
        rows = await self._connections.rows(statement, parameters, planned=planned)
        return rows[0] if rows else None

    async def _counted(self, asked: tuple[Statement, Parameters]) -> list[Row]:
        return await self._counting.rows(*asked, planned=False)

    async def _write(self, statement: Statement, parameters: Parameters) -> Row | None:
        """The row that a writing statement returns; the statement is a transaction of its own."""

        async def write(connection: Connection) -> Row | None:
            written = await connection.execute(statement, parameters)
            return await written.fetchone()

        return await self._connections.written(write)

    async def _streamed(self, asked: Sequence[tuple[Statement, Parameters]]) -> AsyncGenerator[Sequence[Any]]:
        """The rows of several statements, all of one moment, some hundred at a time."""
        async with self._connections.borrow(limit=LIMIT) as connection, connection.transaction():
            await connection.execute("set transaction isolation level repeatable read, read only")
            await allow(connection, LIMIT)
            for statement, parameters in asked:
                async with connection.cursor(name="streamed") as cursor:
                    await cursor.execute(statement, parameters)
                    while rows := await cursor.fetchmany(_FETCHED):
                        yield rows
