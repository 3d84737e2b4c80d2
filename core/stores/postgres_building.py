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
"""Processes of the server that are at it: one for each index, or two for the largest."""
_SHARED: Final = 180_000
"""The version from which on the server makes an index of words by several processes."""
_LOOK: Final = 0.05
"""Seconds between two looks whether somebody waits: nobody waits much longer than that."""
_WORDS: Final = "movies_words"
_COSTLY: Final = (_WORDS, "movies_title_beginnings")
"""The indexes that take longest, that of the words as long as all others: the sooner they are begun, the sooner all are
there."""
_MEMORY: Final = "64MB"
"""For the index of the words."""
_LITTLE: Final = "8MB"
"""For one that is sorted: in runs that lie in the processor's own memory, which are merged then."""
_GIVE_WAY: Final = """
select count(pg_cancel_backend(builder)) from unnest(%s::integer[]) as builder
where exists (select from pg_locks where relation = 'reelcache.movies'::regclass and not granted)
"""


async def make_together(connections: Connections, connection: Connection, seconds: float) -> None:
    """Make what is missing, all or as much as was made when somebody wanted to write, within so many seconds.

    `connection` has the lock that who makes indexes must have."""
    missing = await indexes.missing(connection)
    waiting = deque(sorted(missing, key=lambda name: _COSTLY.index(name) if name in _COSTLY else len(_COSTLY)))
    words = deque[str]()
    words_made = asyncio.Event()

    async def build(builder: Connection, some: deque[str], helpers: int) -> None:
        await builder.execute("select set_config('max_parallel_maintenance_workers', %s, false)", (str(helpers),))
        while some:
            name = some.popleft()
            create = sql.SQL("create index if not exists {} on {}")
            try:
                await indexes.allow_making(builder, _MEMORY if name == _WORDS else _LITTLE)
                await builder.execute(create.format(sql.Identifier(name), indexes.INDEXES[name]))
            except errors.QueryCanceled:
                waiting.clear()

    async def build_all(builder: Connection, *, leads: bool) -> None:
        async with connections.asking(builder, limit=seconds):
            if leads:
                try:
                    await build(builder, words, AT_ONCE - 1)
                finally:
                    words_made.set()
            await words_made.wait()
            await build(builder, waiting, 0)

    async with AsyncExitStack() as stack:
        builders = [await stack.enter_async_context(connections.apart()) for _ in range(AT_ONCE)]
        numbers = [builder.info.backend_pid for builder in builders]
        if builders[0].info.server_version >= _SHARED and _WORDS in waiting:
            waiting.remove(_WORDS)
            words.append(_WORDS)
        building = [asyncio.create_task(build_all(builder, leads=builder is builders[0])) for builder in builders]
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
