"""The first rows of a filtered answer in PostgreSQL: walked to along the sort, or gathered by the words' index.

Where many movies pass they are soon met along the index of the sort. Where few do they are soon gathered and sorted.
A sample tells which; where it does not, or is mistaken, both are done at once and the sooner counts.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from core.query import Query
from core.stores import postgres_queries as queries
from core.stores.postgres_connections import Connections
from core.stores.postgres_sample import SIZE, Drawn, Sample

_ENTRY: Final = 1.5
"""What it takes to gather one entry of the words' index, in keys of a sort's index that are walked over."""
_ROW: Final = 12.0
"""The same of a movie that is looked at."""
_UNSURE: Final = 2.2
"""How many times as far a walk may lead, for each word, as the share of those who have all words says: they may all
stand late, as titles do that begin with one."""
_SOON: Final = 0.008
"""Seconds of a walk along the sort, before the movies are gathered by their words beside it."""
_LIKELY_SOON: Final = 0.04
"""The most, where enough of them are expected on the way: two ways at once take two of the server's cores."""
_KEY: Final = 0.12e-6
"""Seconds of a key that is walked over. A walk has as long as the gathering would take: so both together take at most
twice what the better one does, however late the movies stand."""


class FirstRows:
    """Finds the first rows of answers, on these connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._sample = Sample(self._draw)
        self._given_up: set[asyncio.Task[Any]] = set()
        """Ways that another one was quicker than; each ends soon."""

    async def close(self) -> None:
        """Wait for what was given up. Idempotent."""
        await self._sample.close()
        await asyncio.gather(*self._given_up, return_exceptions=True)

    async def found(self, query: Query, limit: int) -> tuple[str, ...]:
        """The ids of the first rows of a query's answer. Raises StoreUnavailable."""
        if not query.words:
            return await self._gathered(query, limit)
        drawn = self._sample.drawn
        patience = _SOON
        try:
            if drawn is not None and (reckoned := _reckoned(drawn, query, limit)):
                walk, gathering = reckoned
                if gathering < walk:
                    return await self._gathered(query, limit)
                if not msgspec.structs.replace(query, text="").selective:
                    patience = max(_SOON, min(gathering * _KEY, _LIKELY_SOON))
            return await self._walked_or_gathered(query, limit, patience)
        finally:
            self._sample.renew()

    async def _walked_or_gathered(self, query: Query, limit: int, patience: float) -> tuple[str, ...]:
        walk = asyncio.create_task(self._walked(query, limit))
        gathering: asyncio.Task[tuple[str, ...]] | None = None
        try:
            await asyncio.wait([walk], timeout=patience)
            if not walk.done():
                gathering = asyncio.create_task(self._gathered(query, limit))
                await asyncio.wait([walk, gathering], return_when=asyncio.FIRST_COMPLETED)
            if walk.done() and len(ids := walk.result()) == limit:
                return ids
            return await (gathering or self._gathered(query, limit))
        finally:
            for task in (walk, gathering):
                if task is not None:
                    # A server that gathers rows of an index hears of it late, and nobody is to wait for that.
                    task.cancel()
                    self._given_up.add(task)
                    task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, for it was nobody's any more

    async def _walked(self, query: Query, limit: int) -> tuple[str, ...]:
        """Those met along the sort; they are all only if they are as many as was asked for."""
        return tuple([id for (id,) in await self._connections.rows(*queries.begun(query, limit), planned=False)])

    async def _gathered(self, query: Query, limit: int) -> tuple[str, ...]:
        """By the way that the planner chooses."""
        found: list[str] = []
        for known in (True, False):
            if len(found) < limit:
                asked = queries.first(query, limit - len(found), known=known)
                found += [id for (id,) in await self._connections.rows(*asked, planned=False)]
        return tuple(found)

    async def _draw(self) -> Drawn | None:
        rows = await self._connections.rows(queries.SAMPLE, {"rows": SIZE}, planned=False)
        return Drawn(rows[0][0], tuple(rows[0][1])) if rows and rows[0][1] else None


def _reckoned(drawn: Drawn, query: Query, limit: int) -> tuple[float, float] | None:
    """What it takes to walk to the first who have the words along the sort, and to gather all of them, in keys that are
    walked over; None where a sample cannot tell."""
    words, indexed = ([word for word in some if word[0] != " "] for some in (query.words, queries.indexed(query)))
    if not words:
        return None
    walk = limit * drawn.of / drawn.having(*words) * _UNSURE ** len(words)
    return walk, sum(map(drawn.having, indexed)) * _ENTRY + drawn.having(*indexed) * _ROW
