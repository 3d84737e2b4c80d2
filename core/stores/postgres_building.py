"""Indexes made as fast as the server can behind a load: two at a time, until somebody wants to write.

`create index` reads the movies once and keeps writers waiting; `create index concurrently` waits for nobody, reads them
twice, and of one table the server makes one index so at a time. Nobody writes behind most loads: so the fast way goes
first, and gives way to whoever waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from typing import Final

from psycopg import errors, sql

from core.stores import postgres_indexes as indexes
from core.stores.postgres_connections import Connection, Connections

AT_ONCE: Final = 2
"""Indexes that are being made at a time."""
_LOOK: Final = 0.05
"""Seconds between two looks whether somebody waits: nobody waits much longer than that."""
_COSTLY: Final = ("movies_words", "movies_title_beginnings")
"""The indexes that take longest: the sooner they are begun, the sooner all are there."""
_MEMORY: Final = "64MB"
_GIVE_WAY: Final = """
select count(pg_cancel_backend(builder)) from unnest(%s::integer[]) as builder
where exists (select from pg_locks where relation = 'reelcache.movies'::regclass and not granted)
"""


async def make_together(connections: Connections, connection: Connection, seconds: float) -> None:
    """Make what is missing, all or as much as was made when somebody wanted to write, within so many seconds.

    `connection` has the lock that who makes indexes must have."""
    missing = await indexes.missing(connection)
    waiting = deque(sorted(missing, key=lambda name: _COSTLY.index(name) if name in _COSTLY else len(_COSTLY)))

    async def build(builder: Connection) -> None:
        async with connections.asking(builder, limit=seconds):
            await indexes.allow_making(builder, _MEMORY)
            while waiting:
                name = waiting.popleft()
                create = sql.SQL("create index if not exists {} on {}")
                try:
                    await builder.execute(create.format(sql.Identifier(name), indexes.INDEXES[name]))
                except errors.QueryCanceled:
                    waiting.clear()

    async with AsyncExitStack() as stack:
        builders = [await stack.enter_async_context(connections.apart()) for _ in range(AT_ONCE)]
        numbers = [builder.info.backend_pid for builder in builders]
        building = [asyncio.create_task(build(builder)) for builder in builders]
        try:
            while (await asyncio.wait(building, timeout=_LOOK, return_when=asyncio.FIRST_EXCEPTION))[1]:
                if any(task.done() and task.exception() for task in building):
                    break
                given_way = await connection.execute(_GIVE_WAY, (numbers,))
                if await given_way.fetchone() != (0,):
                    waiting.clear()
        finally:
            for task in building:
                task.cancel()
            await asyncio.wait(building)
        for task in building:
            task.cancelled() or task.result()
