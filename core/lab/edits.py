"""Edits behind the back: a change made straight in the database, of which nobody tells the cache.

It is what a colleague does in `psql` or `mongosh`: one statement over a connection of its own, in the database's own
words. Only the store's own log of changes can tell of it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from core.errors import StoreUnavailable
from core.stores.base import StoreName

SECONDS: Final = 3.0
"""How long the database has for it."""
UNKNOWN_RUNTIME: Final = 90
"""Minutes that a movie of unknown runtime is taken to have."""


class Edit(msgspec.Struct, frozen=True):
    """One movie whose runtime is a minute longer now; `before` is None where it was unknown."""

    id: str
    title: str
    before: int | None
    after: int


async def edit_behind_the_back(store: StoreName, url: str, id: str | None = None) -> Edit | None:
    """Make a movie a minute longer: the one of this id, or any; None where there is none. Raises StoreUnavailable."""
    return await (_in_mongodb if store == "mongodb" else _in_postgresql)(url, id)


async def _in_postgresql(url: str, id: str | None) -> Edit | None:
    import psycopg

    wanted = id
    try:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=round(SECONDS))
        async with connection:
            await connection.execute("select set_config('statement_timeout', %s, false)", (f"{SECONDS * 1000:.0f}",))
            if wanted is None:
                found = await (await connection.execute("select id from reelcache.movies limit 1")).fetchone()
                wanted = found[0] if found else None
            edited = await connection.execute(
                "with old as (select id, runtime from reelcache.movies where id = %s)"
                " update reelcache.movies as movie set runtime = coalesce(old.runtime, %s) + 1 from old"
                " where movie.id = old.id returning movie.id, movie.title, old.runtime, movie.runtime",
                (wanted, UNKNOWN_RUNTIME),
            )
            row = await edited.fetchone()
    except psycopg.Error as problem:
        raise StoreUnavailable("PostgreSQL", str(problem).splitlines()[0]) from None
    return Edit(*row) if row else None


async def _in_mongodb(url: str, id: str | None) -> Edit | None:
    import pymongo
    from pymongo.errors import PyMongoError

    patience = round(SECONDS * 1000)
    client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(
        url, serverSelectionTimeoutMS=patience, timeoutMS=patience
    )
    try:
        async with client:
            old = await client.get_default_database("sample_mflix").movies.find_one_and_update(
                {} if id is None else {"_id": {"$eq": id}},
                [{"$set": {"runtime": {"$add": [{"$ifNull": ["$runtime", UNKNOWN_RUNTIME]}, 1]}}}],
                projection={"title": 1, "runtime": 1},
            )
    except PyMongoError as problem:
        raise StoreUnavailable("MongoDB", str(problem).splitlines()[0]) from None
    if old is None:
        return None
    before = old.get("runtime")
    return Edit(str(old["_id"]), str(old.get("title", "")), before, (before or UNKNOWN_RUNTIME) + 1)
