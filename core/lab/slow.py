"""SlowStore: a store whose calls take longer, as long as somebody wants that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from core.model import Movie
from core.place import Place
from core.query import Query, ValueCount
from core.score import Ranked
from core.stores.base import Apply, ChangedSince, Identity, SortKey, Standing, Store, Stored, StoreName, Window


class Slowness:
    """How many seconds more each call takes; 0 normally. One for all stores of a catalogue."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def wait(self) -> None:
        """Take them."""
        if self.seconds:
            await asyncio.sleep(self.seconds)


class SlowStore(Store):
    """The store inside, later by `slowness`: every call that a reader or a writer waits for.

    What keeps the cache right (the change log, the looks at the standing) has connections of its own in either store,
    which the weight of queries does not slow down, and is not slowed down here.
    """

    def __init__(self, inside: Store, slowness: Slowness) -> None:
        self.name: StoreName = inside.name
        self._inside = inside
        self._slowness = slowness

    async def open(self) -> None:
        await self._inside.open()

    async def close(self) -> None:
        await self._inside.close()

    async def identity(self) -> Identity:
        return await self._inside.identity()

    async def window(self, query: Query, offset: int, limit: int) -> Window:
        await self._slowness.wait()
        return await self._inside.window(query, offset, limit)

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        await self._slowness.wait()
        return await self._inside.first(query, limit)

    async def ranked(self, query: Query, limit: int) -> tuple[Ranked, ...]:
        await self._slowness.wait()
        return await self._inside.ranked(query, limit)

    async def order(self, query: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        await self._slowness.wait()
        async for rows in self._inside.order(query):
            yield rows

    async def keys(self, query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        await self._slowness.wait()
        return await self._inside.keys(query, ids)

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        await self._slowness.wait()
        return await self._inside.changed_since(place)

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...]:
        await self._slowness.wait()
        return await self._inside.counts(query, field)

    async def values(self, query: Query, field: str) -> AsyncGenerator[Sequence[tuple[str, tuple[str, ...]]]]:
        await self._slowness.wait()
        async for rows in self._inside.values(query, field):
            yield rows

    async def values_of(self, query: Query, field: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        await self._slowness.wait()
        return await self._inside.values_of(query, field, ids)

    async def get(self, id: str) -> Movie | None:
        await self._slowness.wait()
        return await self._inside.get(id)

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        await self._slowness.wait()
        return await self._inside.get_many(ids)

    async def insert(self, movie: Movie) -> Movie:
        await self._slowness.wait()
        return await self._inside.insert(movie)

    async def update(self, movie: Movie, first: Awaitable[None] | None = None) -> Movie:
        await self._slowness.wait()
        return await self._inside.update(movie, first)

    async def delete(self, id: str, version: int) -> int:
        await self._slowness.wait()
        return await self._inside.delete(id, version)

    async def load(self, movies: Sequence[Movie]) -> Stored:
        await self._slowness.wait()
        return await self._inside.load(movies)

    def bulk(self, expected: int) -> AbstractAsyncContextManager[None]:
        return self._inside.bulk(expected)

    async def theaters(self, south: float = -90.0, north: float = 90.0) -> AsyncGenerator[Sequence[Place]]:
        await self._slowness.wait()
        async with aclosing(self._inside.theaters(south, north)) as parts:
            async for theaters in parts:
                yield theaters

    async def load_theaters(self, theaters: Sequence[Place]) -> Stored:
        await self._slowness.wait()
        return await self._inside.load_theaters(theaters)

    async def count(self) -> int:
        await self._slowness.wait()
        return await self._inside.count()

    async def note(self, name: str) -> str | None:
        return await self._inside.note(name)

    async def set_note(self, name: str, text: str) -> None:
        await self._inside.set_note(name, text)

    async def clear(self) -> None:
        await self._inside.clear()

    async def uid(self) -> str:
        return await self._inside.uid()

    async def follow(self, apply: Apply) -> None:
        await self._inside.follow(apply)

    async def settle(self) -> None:
        await self._inside.settle()

    async def standing(self) -> Standing:
        return await self._inside.standing()

    async def name_cache(self, before: str | None, after: str) -> bool:
        return await self._inside.name_cache(before, after)

    async def suspend(self, holder: str, seconds: float) -> None:
        await self._inside.suspend(holder, seconds)

    async def resume(self, holder: str) -> None:
        await self._inside.resume(holder)
