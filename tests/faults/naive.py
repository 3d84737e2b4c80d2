"""The baseline: cache-aside and write-through as textbooks have them, over the same servers and stores.

Read: GET; on a miss load from the store and SET with a TTL. Write: change the store, then DEL (cache-aside) or SET
(write-through). Windows and histograms are not cached. Where Redis fails, the store serves.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core import Movie, MovieNotFound, Page, Query, Reading, Settings, ValueCount
from core.stores.base import Store
from core.stores.mongo import MongoStore
from core.stores.postgres import PostgresStore

TTL: Final = 600
_decoder = msgspec.msgpack.Decoder(Movie)
_encoder = msgspec.msgpack.Encoder()


def naive_key(store: str, id: str) -> str:
    """Where the entry of a movie is."""
    return f"naive:{store}:{id}"


def naive_movie(data: bytes) -> Movie:
    """The movie in an entry."""
    return _decoder.decode(data)


class NaiveCatalogue:
    """What `core.Catalogue` offers, as far as the chaos needs it."""

    def __init__(self, stores: dict[str, Store], store: str, redis: Redis, strategy: str) -> None:
        self._stores = stores
        self._redis = redis
        self.store = store
        self.strategy = strategy

    async def read(self, id: str) -> Reading:
        """The movie, from Redis or the store."""
        started = time.perf_counter()
        store = self._stores[self.store]
        key = naive_key(store.name, id)
        with contextlib.suppress(RedisError, OSError):
            data = await self._redis.get(key)
            if isinstance(data, bytes):
                movie = naive_movie(data)
                return Reading(movie, movie.version, "redis", "fresh", "hit", time.perf_counter() - started)
        found = await store.get(id)
        if found is None:
            raise MovieNotFound(id)
        with contextlib.suppress(RedisError, OSError):
            await self._redis.set(key, _encoder.encode(found), ex=TTL)
        return Reading(found, found.version, "store", "fresh", "miss", time.perf_counter() - started)

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        """One window, its movies through the cache."""
        window = await self._stores[self.store].window(query, offset, limit)
        readings = []
        for id in window.ids:
            with contextlib.suppress(MovieNotFound):
                readings.append(await self.read(id))
        movies = tuple(reading.movie for reading in readings)
        return Page(movies, window.total, offset, tuple(reading.tier for reading in readings))

    async def genres(self, query: Query) -> tuple[ValueCount, ...]:
        """Counted by the store."""
        return await self._stores[self.store].counts(query, "genres")

    async def save(self, movie: Movie) -> Movie:
        """Update the store, then the cache."""
        store = self._stores[self.store]
        saved = await store.update(movie)
        await self._renew(store.name, saved)
        return saved

    async def add(self, movie: Movie) -> Movie:
        """Insert into the store, then the cache."""
        store = self._stores[self.store]
        added = await store.insert(movie)
        await self._renew(store.name, added)
        return added

    async def remove(self, id: str, *, version: int) -> None:
        """Delete from the store, then from the cache."""
        store = self._stores[self.store]
        await store.delete(id, version)
        with contextlib.suppress(RedisError, OSError):
            await self._redis.delete(naive_key(store.name, id))

    async def use_strategy(self, name: str) -> None:
        """Switch."""
        self.strategy = name

    async def use_store(self, name: str) -> None:
        """Switch."""
        self.store = name

    async def _renew(self, store: str, movie: Movie) -> None:
        key = naive_key(store, movie.id)
        with contextlib.suppress(RedisError, OSError):
            if self.strategy == "write-through":
                await self._redis.set(key, _encoder.encode(movie), ex=TTL)
            else:
                await self._redis.delete(key)


@asynccontextmanager
async def open_naive(settings: Settings) -> AsyncIterator[NaiveCatalogue]:
    """The baseline over the servers that the settings name."""
    assert settings.redis_url is not None
    stores: dict[str, Store] = {}
    if settings.postgres_url:
        stores["postgresql"] = PostgresStore(settings.postgres_url)
    if settings.mongo_url:
        mongo: Store = MongoStore(settings.mongo_url)
        stores["mongodb"] = mongo
    redis = Redis.from_url(
        settings.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(redis.aclose)
        for store in stores.values():
            await store.open()
            stack.push_async_callback(store.close)
        yield NaiveCatalogue(stores, settings.store, redis, settings.strategy)
