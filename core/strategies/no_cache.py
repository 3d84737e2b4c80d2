"""No cache: the baseline that shows what a cache is worth.

Read: ask the store, always.
Write: change the store. The entry is dropped all the same, because other copies of the program, and this one after the
next switch, read through the cache.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from typing import ClassVar, TypeVar

import msgspec

from core.model import Movie
from core.observe.counters import Observer
from core.observe.stats import Step
from core.stores.base import Store
from core.strategies.base import Answer, Change, Computed, LongWay, Question, Written
from core.strategies.writing import Intents

T = TypeVar("T")


class NoCache:
    """Every read goes to the store."""

    name: ClassVar[str] = "no-cache"

    def __init__(self, store: Store, observer: Observer, intents: Intents) -> None:
        self._store = store
        self._observer = observer
        self._intents = intents

    def hit(self, id: str, otherwise: LongWay) -> Awaitable[Movie] | None:
        """None is asked."""
        return None

    async def read(self, id: str) -> Answer:
        """One movie from the store."""
        started = time.perf_counter()
        with self._observer.load(self.name):
            movie = await self._store.get(id)
        self._count(1, started)
        step = Step("store", "read", time.perf_counter() - started)
        return msgspec.structs.replace(_from_store(movie), steps=(step,))

    async def read_many(self, ids: Sequence[str]) -> list[Answer]:
        """Several movies from the store, in one query."""
        if not ids:
            return []
        started = time.perf_counter()
        with self._observer.load(self.name):
            movies = await self._store.get_many(ids)
        self._count(len(ids), started)
        return [_from_store(movies.get(id)) for id in ids]

    async def answer(self, question: Question[T]) -> Computed[T]:
        """Computed by the store."""
        started = time.perf_counter()
        with self._observer.load(self.name):
            computed = await question.compute()
        self._count(1, started)
        return Computed(computed, "store", "uncached")

    async def write(self, change: Change) -> Written:
        """Commit to the store, drop the entry, answer."""
        async with self._intents.announce(change.id) as intent:
            written = await intent.commit(change)
            await intent.drop(written.version)
        return intent.traced(written)

    def _count(self, n: int, started: float) -> None:
        self._observer.bypass(self.name, n, time.perf_counter() - started)


def _from_store(movie: Movie | None) -> Answer:
    return Answer(movie, movie.version if movie else 0, "store", "uncached", "no-cache: read from the store")
