"""open_catalogue: the only place that knows every part, builds them from Settings and takes them down again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.binding import Binding, bind
from core.cache.keys import Namespace
from core.cache.redis import RedisCache
from core.catalogue import Catalogue
from core.errors import ReelcacheError, ServerFailed
from core.masking import masked
from core.observe.counters import Observer
from core.servers.embedded import EmbeddedServers
from core.servers.server import Report
from core.settings import STRATEGIES, Settings
from core.stores.base import Store
from core.strategies.codec import CODEC

REVIVE_AFTER = 3.0
"""Seconds that an embedded Redis is away before it is started anew: long enough to see the store serve alone."""
SHIPPED_NOTE = "shipped"
"""The note in a store that tells which shipped catalogue it was filled with."""


@asynccontextmanager
async def open_catalogue(settings: Settings | None = None, *, report: Report | None = None) -> AsyncIterator[Catalogue]:
    """A catalogue over the servers that the settings name, or over embedded ones, started here where needed.

    `report` is told what each server is doing. Raises ServerFailed and StoreUnavailable where the chosen store cannot
    be had; Redis away is no reason to fail. On leaving, everything is closed, and the embedded servers are stopped if
    nobody else uses them.
    """
    async with contextlib.AsyncExitStack() as stack:
        opening = _Opening(settings or Settings(), report, stack)
        yield await opening.catalogue()


class _Opening:
    """The parts under construction, and their order of closing."""

    def __init__(self, settings: Settings, report: Report | None, stack: contextlib.AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._servers = EmbeddedServers(settings.state_dir, redis_maxmemory=settings.redis_maxmemory, report=report)
        self._observer = Observer(STRATEGIES, time.time)
        self._bindings: dict[str, Binding] = {}
        self._cache: RedisCache | None = None
        self._catalogue: Catalogue | None = None

    async def catalogue(self) -> Catalogue:
        """Everything, opened side by side."""
        self._stack.push_async_callback(self._servers.close)
        store_opened = asyncio.create_task(self._connected(self._settings.store))
        try:
            self._cache, redis_url = await self._redis()
            store, url = await store_opened
        except BaseException:
            store_opened.cancel()
            await asyncio.gather(store_opened, return_exceptions=True)
            raise
        binding = self._bound(store, url)
        catalogue = self._catalogue = Catalogue(
            binding, self._settings.strategy, self._cache, self._observer, self._open_store, redis_url=masked(redis_url)
        )
        self._stack.push_async_callback(catalogue.close)
        await self._fill(binding)
        watching = asyncio.create_task(self._watch(catalogue))
        self._stack.push_async_callback(_ended, watching)
        return catalogue

    async def _redis(self) -> tuple[RedisCache, str]:
        url = self._settings.redis_url
        if url is None:
            try:
                url = await self._servers.redis()
            except ServerFailed:
                url = self._servers.redis_url
        cache = RedisCache(
            url,
            Namespace("reelcache", self._settings.store),
            soft_ttl=self._settings.soft_ttl,
            hard_ttl=self._settings.hard_ttl,
            codec=CODEC,
        )
        self._stack.push_async_callback(cache.close)
        cache.on_reconnect = self._repay
        await cache.open()
        return cache, url

    async def _connected(self, name: str) -> tuple[Store, str]:
        url = self._settings.url(name)
        store: Store
        if name == "mongodb":
            from core.stores.mongo import MongoStore

            url = url or await self._servers.mongodb()
            store = MongoStore(url)
        else:
            from core.stores.postgres import PostgresStore

            url = url or await self._servers.postgresql()
            store = PostgresStore(url)
        try:
            await store.open()
        except BaseException:
            await store.close()
            raise
        return store, url

    def _bound(self, store: Store, url: str) -> Binding:
        assert self._cache is not None
        binding = bind(
            store,
            self._cache.with_namespace(Namespace("reelcache", store.name)),
            self._observer,
            address=masked(url),
            embedded=self._settings.url(store.name) is None,
            strict=self._settings.consistency == "strict",
        )
        self._bindings[store.name] = binding
        self._stack.push_async_callback(binding.close)
        return binding

    async def _open_store(self, name: str) -> Binding:
        if name not in self._bindings:
            binding = self._bound(*await self._connected(name))
            await self._fill(binding)
        return self._bindings[name]

    async def _fill(self, binding: Binding) -> None:
        """An embedded store that was never filled whole gets the shipped movies, behind the screen."""
        if not binding.embedded or await binding.store.note(SHIPPED_NOTE) is not None:
            return
        import data

        assert self._catalogue is not None
        self._catalogue.fill(binding, data.shipped(), (SHIPPED_NOTE, data.SHIPPED_HASH))

    async def _repay(self) -> None:
        for binding in self._bindings.values():
            await binding.repair.pay()

    async def _watch(self, catalogue: Catalogue) -> None:
        away_since: float | None = None
        assert self._cache is not None
        while True:
            await catalogue.watch()
            if self._cache.breaker.state == "closed":
                away_since = None
            elif away_since is None:
                away_since = time.monotonic()
            elif self._settings.redis_url is None and time.monotonic() - away_since > REVIVE_AFTER:
                away_since = None
                with contextlib.suppress(ReelcacheError):
                    await self._servers.redis()
            for name, binding in tuple(self._bindings.items()):
                if binding.embedded:
                    with contextlib.suppress(ReelcacheError):
                        await self._servers.revive("mongodb" if name == "mongodb" else "postgresql")
            await asyncio.sleep(1.0)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
