"""The path of a write under every strategy: announce it to the cache, commit it in the store, end the announcement."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Generator
from types import TracebackType
from typing import Any, Final

import msgspec

from core.cache.background import Background
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
MARGIN: Final = WRITE_LIFE / 2
"""Seconds of a token's life that must be left for answering before the cache was told."""

_OUTCOMES: Final = {"set": "put"}


class Intents:
    """Makes the intents of one cache: the announcements of writes to come."""

    def __init__(
        self,
        cache: RedisCache,
        observer: Observer,
        trust: Trust,
        background: Background,
        *,
        hide: bool,
    ) -> None:
        self.cache = cache
        self.observer = observer
        self.trust = trust
        self.background = background
        self.hide = hide

    def announce(self, id: str) -> Intent:
        """An intent to write this movie; enter it before the commit."""
        return Intent(self, movie_key(id))


class Intent:
    """One announced write: while it is open no reader can fill this movie, nor any answer about the collection.

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
        """What was written, with the way it took until now."""
        return msgspec.structs.replace(written, steps=tuple(self._steps))

    async def drop(self, version: int) -> None:
        """The commit made this version: remove the entry and every answer about the collection."""
        started = time.monotonic()
        outcome = await self._finish(version, None, self._outdated)
        self._steps.append(Step("redis", outcome, time.monotonic() - started))

    async def put(self, version: int, payload: bytes) -> None:
        """The commit made this version: enter it, after returning where nothing can come in between."""
        started = time.monotonic()
        if await self._stands():
            self._intents.background.start(self._finish(version, payload))
            self._steps.append(Step("redis", "put later"))
        else:
            outcome = await self._finish(version, payload)
            self._steps.append(Step("redis", outcome, time.monotonic() - started))

    @property
    def _outdated(self) -> Outdated:
        """To be ended before the floor of the movie rises: the relay takes a raised floor as the sign that it was."""
        return Outdated(COLLECTION, [self._key.id])

    async def _stands(self) -> bool:
        """End what the commit made worthless; whether the announcement has kept all readers out until after the
        commit, and will until the cache is told.

        It can be lost: evicted, flushed, swept as overdue. A reader may have filled the old state then."""
        try:
            held = await self._intents.cache.holds(self._key, self._token, outdated=self._outdated)
            told = self._known
        except CacheUnavailable:
            held = told = False
        if not told:
            await self._intents.trust.owe(COLLECTION, 0, None)
            return False
        return held and self._announced and self._intents.hide and time.monotonic() - self._begun < MARGIN

    async def _finish(self, version: int, payload: bytes | None, outdated: Outdated | None = None) -> str:
        """Tell the cache, and say in words what it made of that."""
        try:
            items = [(self._key, version, payload)]
            verdicts = await self._intents.cache.finish(self._token, items, outdated=outdated)
            told = self._known
        except CacheUnavailable:
            told, verdicts = False, []
        if not told:
            if outdated is not None:
                await self._intents.trust.owe(COLLECTION, 0, None)
            await self._intents.trust.owe(self._key, version, self._token)
            return "told later"
        for verdict in verdicts:
            self._intents.observer.finished(verdict)
        return _OUTCOMES.get(verdicts[0], verdicts[0].replace("_", " "))
