"""The path of a write under every strategy: announce it to the cache, commit it in the store, end the announcement."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Generator
from types import TracebackType
from typing import Any, Final

import msgspec

from core.cache.keys import Key
from core.cache.redis import Outdated, RedisCache
from core.errors import CacheUnavailable, OutcomeUnknown, ReelcacheError
from core.observe.counters import Observer
from core.observe.stats import Step
from core.strategies.base import Change, Written
from core.strategies.keys import COLLECTION, movie_key, new_token
from core.trust import Trust

WRITE_LIFE: Final = 12.0
"""Seconds that a writer's token lives: above any store time-out, so that only a vanished writer's token expires."""


class Intents:
    """Makes the intents of one cache: the announcements of writes to come."""

    def __init__(
        self,
        cache: RedisCache,
        observer: Observer,
        trust: Trust,
        *,
        hide: bool,
    ) -> None:
        self.cache = cache
        self.observer = observer
        self.trust = trust
        self.hide = hide

    def announce(self, id: str) -> Intent:
        """An intent to write this movie; enter it before the commit."""
        return Intent(self, movie_key(id))


class Intent:
    """One announced write: while it is open no reader can fill this movie, nor an answer about the collection that
    outlives it.

    Leaving it after a known rollback takes the announcement back. Redis away never stops the write: what the cache was
    not told is owed to it, and `Trust` sees to it that nobody believes the cache before the write is acknowledged.
    """

    def __init__(self, intents: Intents, key: Key) -> None:
        self._intents = intents
        self._key = key
        self._token = new_token()
        self._begun = self._announced_at = 0.0
        self._announced = self._suspended = self._left = False
        self._under: str | None = None
        """The name of the cache that was told."""
        self._known = True
        """That is still the cache for all, after the commit."""
        self._steps: list[Step] = []

    async def __aenter__(self) -> Intent:
        self._begun = time.monotonic()
        self._under = self._intents.trust.under()
        self._announcing = asyncio.create_task(self._announce())
        return self

    async def _announce(self) -> None:
        try:
            await self._intents.cache.begin([self._key, COLLECTION], self._token, WRITE_LIFE, hide=self._intents.hide)
            self._announced = self._under is not None and self._under == self._intents.trust.under()
            outcome = "hidden" if self._intents.hide else "announced"
        except CacheUnavailable:
            outcome = "away"
        if not self._announced:
            # Before the commit: else one reader could see the new state in the store and a later one the old in Redis,
            # or in another Redis.
            await self._intents.trust.suspend()
            if self._left:
                self._intents.trust.release()
                return
            self._suspended = True
        self._announced_at = time.monotonic()
        self._steps.append(Step("redis", outcome, self._announced_at - self._begun))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # Also for a writer who left: what it announced late nobody would take back.
            await asyncio.wait([self._announcing])
        finally:
            self._left = True
            if self._suspended:
                self._intents.trust.release()
        self._announcing.cancelled() or self._announcing.exception()
        known_unchanged = isinstance(error, ReelcacheError) and not isinstance(error, OutcomeUnknown)
        if known_unchanged:
            # Otherwise the token is left to expire: an expired writer's token removes the entry.
            with contextlib.suppress(CacheUnavailable):
                await self._intents.cache.abort([self._key, COLLECTION], self._token)

    def __await__(self) -> Generator[Any, None, None]:
        """Wait until the write has been announced, or until nobody believes the cache. Raises StoreUnavailable."""
        return asyncio.shield(self._announcing).__await__()

    async def commit(self, change: Change) -> Written:
        """Carry out the change in the store, which awaits the announcement before it changes anything."""
        started = time.monotonic()
        written = await change.commit(self)
        self._known = not self._announced or self._intents.trust.under() == self._under
        # What the store did beside the announcement is in that step.
        seconds = time.monotonic() - max(started, self._announced_at)
        self._steps.append(Step("store", "committed", seconds))
        return written

    def traced(self, written: Written) -> Written:
        """What was written, with the way it took until now, and how the journal tells of it."""
        return msgspec.structs.replace(written, steps=tuple(self._steps), token=self._token.encode(), begun=self._begun)

    async def drop(self, version: int) -> None:
        """The commit made this version: remove the entry and every answer about the collection."""
        await self._end(version, None)

    async def put(self, version: int, payload: bytes) -> None:
        """The commit made this version: enter it, and remove every answer about the collection."""
        await self._end(version, payload)

    async def _end(self, version: int, payload: bytes | None) -> None:
        """Tell the cache, in one round trip, and note in words what it made of that."""
        started = time.monotonic()
        # The relay takes a raised floor of the movie as the sign that this was ended: it comes first.
        outdated = Outdated(COLLECTION, [self._key.id], self._token.encode())
        try:
            items = [(self._key, version, payload)]
            verdict = (await self._intents.cache.finish(self._token, items, outdated=outdated))[0]
            told = self._known
        except CacheUnavailable:
            told = False
        if told:
            self._intents.observer.finished(verdict)
            outcome = "put" if verdict == "set" else verdict.replace("_", " ")
        else:
            await self._intents.trust.owe(COLLECTION, 0, None)
            await self._intents.trust.owe(self._key, version, self._token)
            outcome = "told later"
        self._steps.append(Step("redis", outcome, time.monotonic() - started))
