"""Fills: what a miss leads to. Take the lease, load from the store, fill the cache, answer.

The lease keeps the load to one process, single flight to one task of it; whoever else comes looks again a little later.
Where no lease is to be had, or Redis does not answer, the store is asked all the same and nothing is filled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from core.cache.background import Background
from core.cache.entry import Entry
from core.cache.flight import Landed
from core.cache.keys import Key
from core.cache.redis import Loaded, RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.model import Movie
from core.observe.counters import Observer
from core.observe.stats import Step
from core.stores.base import Store
from core.strategies.base import Answer
from core.strategies.codec import encode_movie
from core.strategies.keys import new_token
from core.trust import Doubt

Found = Callable[[Key, Entry | None, Doubt | None], Answer | None]
"""What an entry says; None where it says nothing."""
LEASE: Final = 2.0
"""Seconds that a reader's lease lives: well above a slow load, short enough that a vanished reader delays nobody."""
SOONEST: Final = 0.002
"""Seconds between two looks while another process loads the same key, at first."""
LATE: Final = 0.05
"""Later each waits for this share of the time so far, so that whoever waits is late by no more than that."""
PATIENCE: Final = 0.5
"""Seconds of such looks before loading without filling."""
_LEASES: Final = {"token": "lease", "loading": "another reads", "writing": "another writes", "hit": "filled by now"}


class Fills:
    """Loads movies from one store and fills the cache with them, for one strategy."""

    def __init__(
        self,
        strategy: str,
        store: Store,
        cache: RedisCache,
        observer: Observer,
        background: Background,
        found: Found,
    ) -> None:
        self._strategy = strategy
        self._store = store
        self._cache = cache
        self._observer = observer
        self._background = background
        self._found = found
        self._refreshing: set[Key] = set()

    async def load(self, key: Key, *, undecodable: bool = False) -> Landed[Answer]:
        """One movie, under a lease of its own."""
        token = new_token()
        began = time.perf_counter()
        try:
            acquired, looks = await self._cache.acquire(key, token, LEASE, refresh=undecodable), 1
            while acquired.verdict == "loading" and (waited := time.perf_counter() - began) < PATIENCE:
                await asyncio.sleep(max(SOONEST, waited * LATE))
                looks += 1
                acquired = await self._cache.acquire(key, token, LEASE, refresh=undecodable)
        except CacheUnavailable as away:
            return await self.bypass(key.id, away.reason)
        started = time.perf_counter()
        if looks > 1:
            self._observer.waited_for_lease(started - began)
        asked = Step("redis", _LEASES.get(acquired.verdict, acquired.verdict), started - began)
        if acquired.verdict == "hit" and (answer := self._found(key, acquired.entry, None)):
            return Landed(by_way_of(answer, asked), certified=False)
        with self._observer.load(self._strategy):
            movie = await self._store.get(key.id)
        if acquired.verdict != "token":
            read = Step("store", "read", time.perf_counter() - started)
            other = "writer" if acquired.verdict == "writing" else "reader"
            return Landed(by_way_of(uncached(movie, f"another {other} is at it"), asked, read), certified=False)
        loaded = time.perf_counter()
        load_ms = round((loaded - started) * 1000)
        steps = (asked, Step("store", "read", loaded - started))
        try:
            verdict = await self._cache.fill(key, token, *_content(movie), load_ms=load_ms)
        except CacheUnavailable as away:
            return Landed(by_way_of(uncached(movie, away.reason), *steps, Step("redis", "away")), certified=False)
        filled = Step("redis", "filled" if verdict == "set" else "fill refused", time.perf_counter() - loaded)
        self._observer.filled(verdict)
        if verdict != "set":
            refused = uncached(movie, f"fill refused: {verdict}")
            return Landed(by_way_of(refused, *steps, filled), certified=False)
        # The lease lived until now: no write of this movie began since it was taken.
        return Landed(by_way_of(_loaded(movie), *steps, filled), certified=True)

    async def load_many(self, keys: Sequence[Key]) -> dict[Key, Answer]:
        """Several, in one query; those that others are loading are not filled."""
        token = new_token()
        try:
            acquired = await self._cache.acquire_many(keys, token, LEASE)
        except CacheUnavailable as away:
            loaded = await self.query([key.id for key in keys])
            return {key: uncached(loaded.get(key.id), away.reason) for key in keys}
        started = time.perf_counter()
        loaded = await self.query([key.id for key in keys])
        load_ms = round((time.perf_counter() - started) * 1000)
        leased = [key for key, got in zip(keys, acquired, strict=True) if got.verdict == "token"]
        answers = {key: uncached(loaded.get(key.id), "another reader or writer is at it") for key in keys}
        try:
            fills = [Loaded(key, *_content(loaded.get(key.id)), load_ms) for key in leased]
            verdicts = await self._cache.fill_many(token, fills)
        except CacheUnavailable as away:
            return answers | {key: uncached(loaded.get(key.id), away.reason) for key in leased}
        for key, verdict in zip(leased, verdicts, strict=True):
            self._observer.filled(verdict)
            if verdict == "set":
                answers[key] = _loaded(loaded.get(key.id))
        return answers

    def refresh(self, key: Key, *, early: bool) -> None:
        """Load an entry anew behind the reader's back, `early` while it is still fresh; the lease keeps it to one
        process."""
        if key not in self._refreshing:
            self._refreshing.add(key)
            if early:
                self._observer.refreshed_early(self._strategy)
            self._background.start(self._reload(key))

    async def _reload(self, key: Key) -> None:
        token = new_token()
        try:
            if (await self._cache.acquire(key, token, LEASE, refresh=True)).verdict != "token":
                return
            started = time.perf_counter()
            with self._observer.load(self._strategy):
                movie = await self._store.get(key.id)
            load_ms = round((time.perf_counter() - started) * 1000)
            self._observer.filled(await self._cache.fill(key, token, *_content(movie), load_ms=load_ms))
        except (CacheUnavailable, StoreUnavailable):
            return  # the stale entry serves until its hard TTL, and the next reader tries again
        finally:
            self._refreshing.discard(key)

    async def bypass(self, id: str, reason: str) -> Landed[Answer]:
        """One movie from the store, because the cache may not be asked."""
        started = time.perf_counter()
        with self._observer.load(self._strategy):
            movie = await self._store.get(id)
        read = Step("store", "read", time.perf_counter() - started)
        return Landed(by_way_of(uncached(movie, reason), read), certified=False)

    async def query(self, ids: Sequence[str]) -> dict[str, Movie]:
        """Several from the store."""
        with self._observer.load(self._strategy):
            return await self._store.get_many(ids)


def by_way_of(answer: Answer, *steps: Step) -> Answer:
    """The answer, with the way that it took."""
    return msgspec.structs.replace(answer, steps=steps)


def _content(movie: Movie | None) -> tuple[int, bytes | None]:
    return (0, None) if movie is None else (movie.version, encode_movie(movie))


def _loaded(movie: Movie | None) -> Answer:
    return Answer(movie, movie.version if movie else 0, "store", "fresh", "miss: loaded and filled")


def uncached(movie: Movie | None, reason: str) -> Answer:
    """What the store said, and why the cache was not filled with it."""
    return Answer(movie, movie.version if movie else 0, "store", "uncached", f"not cached: {reason}")
