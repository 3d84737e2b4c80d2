"""Binding: one store with everything around it - its namespace in the cache, its flights, and its strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import msgspec

from core.audit import Auditor
from core.boards.rated import Rated
from core.boards.trends import Trends
from core.boards.views import Views
from core.cache.background import Background
from core.cache.flight import SingleFlight
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.observe.counters import Observer
from core.place import Place
from core.relay import Relay
from core.stores.base import Store
from core.strategies.answers import CollectionAnswers
from core.strategies.base import Answer, Strategy
from core.strategies.cache_aside import CacheAside
from core.strategies.keys import COLLECTION
from core.strategies.no_cache import NoCache
from core.strategies.orders import Orders
from core.strategies.reading import MovieReads
from core.strategies.tallies import Tallies
from core.strategies.write_through import WriteThrough
from core.strategies.writing import Intents
from core.trust import Trust

if TYPE_CHECKING:
    from core.strategies.places import Places

PATIENCE: Final = 0.1
"""Seconds that a window or histogram which nobody waits for any more is still computed: who types on leaves those of
each word that they had begun, and who got its first rows asks for the rest at once."""


class Binding(msgspec.Struct, frozen=True, dict=True):
    """A store and its parts. Cached data never crosses from one binding to another."""

    store: Store
    cache: RedisCache
    address: str
    """Where the store is, password masked."""
    embedded: bool
    limits: tuple[str, ...]
    """What cannot be had where the store is, in a sentence each."""
    trust: Trust
    relay: Relay
    auditor: Auditor
    background: Background
    """What writers and readers left to be done behind their backs."""
    keeping: Background
    """The relay, the looks of trust and auditor, what makes orders, tallies and boards, reads that go on for others."""
    movies: SingleFlight[Key, Answer]
    answers: SingleFlight[Key, bytes]
    orders: Orders
    tallies: Tallies
    rated: Rated
    views: Views
    trends: Trends
    cities: Callable[[], Sequence[Place]]
    """Those that are shipped."""
    strategies: dict[str, Strategy]

    @cached_property
    def places(self) -> Places:
        """What is around a place."""
        from core.strategies.places import Places  # few ask for it, and none at the start

        return Places(self.store, self.cache, self.trust, self.cities, keep=self.cache.hard_ttl)

    def start(self) -> None:
        """Begin to follow the store and to look whether the cache may be believed. Until then nobody believes it."""
        self.keeping.start(self.relay.run())
        self.keeping.start(self.trust.run())
        self.keeping.start(self.auditor.run())

    async def close(self) -> None:
        """Let what writes still owe the cache end, cancel loads, close the store."""
        await self.background.drain(within=2.0)
        await self.background.close()
        await self.keeping.close()
        await self.movies.close()
        await self.answers.close()
        await self.store.close()


def bind(
    store: Store,
    cache: RedisCache,
    observer: Observer,
    *,
    address: str,
    embedded: bool,
    strict: bool,
    cities: Callable[[], Sequence[Place]] = tuple,
    limits: tuple[str, ...] = (),
) -> Binding:
    """The parts around a store. `cache` is already in the store's own namespace; `cities` gives those that are shipped,
    when they are first needed."""
    trust = Trust(store, cache, strict=strict, names=(COLLECTION,), flushed=partial(observer.invalidated, "epoch"))
    background = Background()
    keeping = Background()
    auditor = Auditor(store, cache, observer)
    movies: SingleFlight[Key, Answer] = SingleFlight()
    answers: SingleFlight[Key, bytes] = SingleFlight(patience=PATIENCE)
    intents = Intents(cache, observer, trust, hide=strict)
    strategies: dict[str, Strategy] = {NoCache.name: NoCache(store, observer, intents)}
    for caching in (CacheAside, WriteThrough):
        reads = MovieReads(caching.name, store, cache, trust, observer, movies, background, keeping)
        strategies[caching.name] = caching(
            reads, CollectionAnswers(caching.name, cache, trust, observer, answers), intents
        )
    orders = Orders(store, cache, keeping)
    rated = Rated(store, cache, trust, keeping)
    views = Views(cache)
    return Binding(
        store=store,
        cache=cache,
        address=address,
        embedded=embedded,
        limits=limits,
        trust=trust,
        relay=Relay(store, cache, trust, observer, auditor, rated.changed),
        auditor=auditor,
        background=background,
        keeping=keeping,
        movies=movies,
        answers=answers,
        orders=orders,
        tallies=Tallies(store, cache, keeping),
        rated=rated,
        views=views,
        trends=Trends(views),
        cities=cities,
        strategies=strategies,
    )
