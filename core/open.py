"""open_catalogue: the only place that knows every part, builds them from Settings and takes them down again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.binding import Binding, bind
from core.cache.keys import Namespace
from core.cache.redis import RedisCache
from core.catalogue import Catalogue
from core.errors import ReelcacheError, ServerFailed
from core.lab.faults import FaultSwitches
from core.lab.slow import Slowness, SlowStore
from core.masking import masked
from core.observe.counters import Observer
from core.place import Place
from core.servers.embedded import EmbeddedServers
from core.settings import STRATEGIES, Settings
from core.stores.base import Store
from core.strategies.codec import CODEC
from core.strategies.kept import FIRST_ROWS

if TYPE_CHECKING:
    from core.servers.server import Report

REVIVE_AFTER = 3.0
"""Seconds that an embedded Redis is away before it is started anew: long enough to see the store serve alone."""
FIRST_LOOK = 0.3
"""Seconds that the first reads wait for the cache to be vouched for; later than that they ask the store."""
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
        catalogue = await _Opening(settings or Settings(), report, stack).catalogue()
        try:
            yield catalogue
        finally:
            # Before anything is closed: what stands still would be waited for.
            await catalogue.faults.lift()


def load_driver(store: str) -> None:
    """Load what the store of this name needs, for who has the time now. Where that fails, opening says so."""
    with contextlib.suppress(ImportError):
        _store_class(store)


class _Opening:
    """The parts under construction, and their order of closing."""

    def __init__(self, settings: Settings, report: Report | None, stack: contextlib.AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._servers = EmbeddedServers(settings.state_dir, redis_maxmemory=settings.redis_maxmemory, report=report)
        self._observer = Observer(STRATEGIES, time.time)
        self._bindings: dict[str, Binding] = {}
        self._cache: RedisCache | None = None
        self._slowness = Slowness()
        self._catalogue: Catalogue | None = None

    async def catalogue(self) -> Catalogue:
        """Everything, opened side by side."""
        self._stack.push_async_callback(self._servers.close)
        store_opened = asyncio.create_task(self._connected(self._settings.store))
        try:
            self._cache = await self._redis()
            store, url, uid = await store_opened
        except BaseException:
            store_opened.cancel()
            await asyncio.gather(store_opened, return_exceptions=True)
            raise
        binding = await self._bound(store, url, uid)
        catalogue = self._catalogue = Catalogue(
            binding,
            self._settings.strategy,
            self._cache,
            self._observer,
            self._open_store,
            faults=FaultSwitches(
                self._servers,
                self._settings,
                self._cache,
                self._slowness,
                store=lambda: catalogue.store,
                note=lambda name, what: catalogue.note("fault", name, what),
            ),
        )
        self._stack.push_async_callback(catalogue.close)
        self._note_limits(binding)
        await self._fill(binding)
        watching = asyncio.create_task(self._watch(catalogue))
        self._stack.push_async_callback(_ended, watching)
        return catalogue

    async def _redis(self) -> RedisCache:
        url = self._settings.redis_url
        if url is None:
            try:
                url = await self._servers.redis()
            except ServerFailed:
                url = self._servers.redis_url
        cache = RedisCache(
            url,
            Namespace("reelcache", "none"),
            soft_ttl=self._settings.soft_ttl,
            hard_ttl=self._settings.hard_ttl,
            codec=CODEC,
            place=self._servers.redis_place if self._settings.redis_url is None else "",
        )
        self._stack.push_async_callback(cache.close)
        await cache.open()
        if self._settings.near_cache:
            await cache.use_near(True)
        return cache

    async def _connected(self, name: str) -> tuple[Store, str, str]:
        # Side by side: a driver takes as long to load as a server to start.
        kind, url = await asyncio.gather(asyncio.to_thread(_store_class, name), self._url(name))
        store: Store = kind(url)
        store = SlowStore(store, self._slowness)
        try:
            await store.open()
            return store, url, await store.uid()
        except BaseException:
            await store.close()
            raise

    async def _url(self, name: str) -> str:
        if (url := self._settings.url(name)) is not None:
            return url
        return await (self._servers.mongodb() if name == "mongodb" else self._servers.postgresql())

    async def _bound(self, store: Store, url: str, uid: str) -> Binding:
        assert self._cache is not None
        embedded = self._settings.url(store.name) is None
        limits = () if embedded else (await store.identity()).limits
        binding = bind(
            store,
            # Two databases behind one Redis must not see each other's entries.
            self._cache.with_namespace(Namespace("reelcache", f"{store.name}-{uid}")),
            self._observer,
            address=masked(url),
            embedded=embedded,
            limits=limits,
            strict=self._settings.consistency == "strict",
            cities=_shipped_cities,
        )
        self._bindings[store.name] = binding
        self._stack.push_async_callback(binding.close)
        binding.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK):
                await binding.trust.first_look()
        return binding

    async def _open_store(self, name: str) -> Binding:
        if name not in self._bindings:
            binding = await self._bound(*await self._connected(name))
            self._note_limits(binding)
            await self._fill(binding)
        return self._bindings[name]

    def _note_limits(self, binding: Binding) -> None:
        assert self._catalogue is not None
        for limit in binding.limits:
            self._catalogue.note("store", binding.store.name, limit)

    async def _fill(self, binding: Binding) -> None:
        """An embedded store that was never filled whole gets the shipped movies, behind the screen."""
        if not binding.embedded or await binding.store.note(SHIPPED_NOTE) is not None:
            return
        import data

        assert self._catalogue is not None
        self._catalogue.fill(binding, data.shipped(), (SHIPPED_NOTE, data.SHIPPED_HASH))

    async def _watch(self, catalogue: Catalogue) -> None:
        away_since: float | None = None
        assert self._cache is not None
        await asyncio.sleep(FIRST_ROWS)
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


def _store_class(name: str) -> Callable[[str], Store]:
    """The store of this name, which brings its driver: nobody loads the other one's."""
    if name == "mongodb":
        from core.stores.mongo import MongoStore

        return MongoStore
    from core.stores.postgres_driver import tell_version

    tell_version()
    from core.stores.postgres import PostgresStore

    return PostgresStore


def _shipped_cities() -> Sequence[Place]:
    import data

    return data.shipped_cities()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
