"""Binding: one store with everything around it - its namespace in the cache, its flights, and its strategies."""

from __future__ import annotations

from dataclasses import dataclass

from core.cache.background import Background
from core.cache.flight import SingleFlight
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.model import Tier
from core.observe.counters import Observer
from core.stores.base import Store
from core.strategies.answers import CollectionAnswers
from core.strategies.base import Answer, Strategy
from core.strategies.cache_aside import CacheAside
from core.strategies.no_cache import NoCache
from core.strategies.reading import MovieReads
from core.strategies.repair import Repair
from core.strategies.write_through import WriteThrough
from core.strategies.writing import Intents


@dataclass(frozen=True, slots=True)
class Binding:
    """A store and its parts. Cached data never crosses from one binding to another."""

    store: Store
    cache: RedisCache
    address: str
    """Where the store is, password masked."""
    embedded: bool
    repair: Repair
    background: Background
    movies: SingleFlight[Key, Answer]
    answers: SingleFlight[Key, tuple[bytes, Tier]]
    strategies: dict[str, Strategy]

    def cut_all(self) -> None:
        """Let no reader who starts from now on join a load that has begun already."""
        self.movies.cut_all()
        self.answers.cut_all()

    async def close(self) -> None:
        """Let what writes still owe the cache end, cancel loads, close the store."""
        await self.background.drain(within=2.0)
        await self.background.close()
        await self.movies.close()
        await self.answers.close()
        await self.store.close()


def bind(store: Store, cache: RedisCache, observer: Observer, *, address: str, embedded: bool, strict: bool) -> Binding:
    """The parts around a store. `cache` is already in the store's own namespace."""
    repair, background = Repair(cache), Background()
    movies: SingleFlight[Key, Answer] = SingleFlight()
    answers: SingleFlight[Key, tuple[bytes, Tier]] = SingleFlight()
    intents = Intents(cache, observer, repair, movies, answers, background, hide=strict)
    strategies: dict[str, Strategy] = {NoCache.name: NoCache(store, observer, intents)}
    for caching in (CacheAside, WriteThrough):
        reads = MovieReads(caching.name, store, cache, observer, movies, background)
        strategies[caching.name] = caching(reads, CollectionAnswers(caching.name, cache, observer, answers), intents)
    return Binding(store, cache, address, embedded, repair, background, movies, answers, strategies)
