"""Answers computed from the whole collection (windows, histograms), each tagged with the generation it was computed in.

The generation is an ordinary entry under the cache protocol whose payload is a random name. A writer's `begin` deletes
it, no reader can make a new one until the write has ended, and no name ever comes back; so an answer whose tag equals
the present generation was computed after every acknowledged write. A counter would not do: once evicted it would
start again and call old answers valid.
"""

from __future__ import annotations

import secrets
import time
from typing import TypeVar

import msgspec

from core.cache.entry import Entry
from core.cache.flight import SingleFlight
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable
from core.model import Tier
from core.observe.counters import Observer
from core.strategies.base import Question
from core.strategies.codec import CODEC
from core.strategies.keys import COLLECTION, answer_key, new_token
from core.strategies.reading import LEASE

T = TypeVar("T")
_NAME = 16
"""Bytes of a generation's name, in front of every answer computed in it."""


class CollectionAnswers:
    """Answers questions about the whole collection through the cache for one strategy and one store."""

    def __init__(
        self, strategy: str, cache: RedisCache, observer: Observer, flight: SingleFlight[Key, tuple[bytes, Tier]]
    ) -> None:
        self._strategy = strategy
        self._cache = cache
        self._observer = observer
        self._flight = flight

    async def answer(self, question: Question[T]) -> tuple[T, Tier]:
        """The answer, from Redis while it may, else computed by the store."""
        started = time.perf_counter()
        key = answer_key(question.name)
        try:
            generation, entry = await self._cache.get_many([COLLECTION, key])
        except CacheUnavailable:
            computed = await question.compute()
            self._observer.store_read(self._strategy)
            self._observer.bypass(self._strategy, 1, time.perf_counter() - started)
            return computed, "store"
        if (data := _valid(generation, entry)) is not None:
            try:
                found = question.decode(data)
            except msgspec.MsgspecError:
                pass
            else:
                self._observer.hits(self._strategy, 1, time.perf_counter() - started)
                self._observer.saved(self._strategy)
                return found, "redis"
        data, tier = await self._flight.load(key, lambda: self._compute(question, key, generation))
        self._observer.misses(self._strategy, 1, time.perf_counter() - started)
        return question.decode(data), tier

    async def _compute(self, question: Question[T], key: Key, seen: Entry | None) -> tuple[bytes, Tier]:
        token = new_token()
        try:
            generation = seen.payload if seen is not None else await self._new_generation()
            leased = (
                generation is not None
                and (await self._cache.acquire(key, token, LEASE, refresh=True)).verdict == "token"
            )
        except CacheUnavailable:
            generation, leased = None, False
        started = time.perf_counter()
        data = question.encode(await question.compute())
        self._observer.store_read(self._strategy)
        if leased and generation is not None:
            load_ms = round((time.perf_counter() - started) * 1000)
            try:
                verdict = await self._cache.fill(key, token, 0, generation + data, load_ms=load_ms)
            except CacheUnavailable:
                return data, "store"
            if verdict != "set":
                self._observer.refused(verdict)
        return data, "store"

    async def _new_generation(self) -> bytes | None:
        """The present generation, made if there is none; None while a writer is at work."""
        token, name = new_token(), secrets.token_bytes(_NAME)
        acquired = await self._cache.acquire(COLLECTION, token, LEASE)
        if acquired.verdict == "hit" and acquired.entry is not None:
            return acquired.entry.payload
        if acquired.verdict != "token":
            return None
        verdict = await self._cache.fill(COLLECTION, token, 0, name, load_ms=0)
        if verdict != "set":
            self._observer.refused(verdict)
            return None
        return name


def _valid(generation: Entry | None, entry: Entry | None) -> bytes | None:
    """The answer's bytes, if it was computed in the present generation."""
    if generation is None or entry is None or entry.codec != CODEC or entry.payload[:_NAME] != generation.payload:
        return None
    return entry.payload[_NAME:]
