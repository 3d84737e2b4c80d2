"""Answers computed from the whole collection (windows, histograms), each tagged with the generation it was computed in.

The generation is an ordinary entry under the cache protocol whose payload is a random name. A writer's `begin` deletes
it, no reader can make a new one until this write or another has ended, each end deletes it again, and no name ever
comes back; so an answer whose tag equals the present generation was computed after every acknowledged write. A counter
would not do: once evicted it would start again and call old answers valid.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from core.cache.entry import Entry
from core.cache.flight import Landed, SingleFlight
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.observe.counters import Observer
from core.strategies.base import Computed, Question
from core.strategies.codec import CODEC
from core.strategies.fills import LEASE
from core.strategies.keys import COLLECTION, answer_key, new_token
from core.trust import Doubt, Trust

T = TypeVar("T")
_NAME = 16
"""Bytes of a generation's name, in front of every answer computed in it."""


class CollectionAnswers:
    """Answers questions about the whole collection through the cache for one strategy and one store."""

    def __init__(
        self, strategy: str, cache: RedisCache, trust: Trust, observer: Observer, flight: SingleFlight[Key, bytes]
    ) -> None:
        self._strategy = strategy
        self._cache = cache
        self._trust = trust
        self._observer = observer
        self._flight = flight

    async def answer(self, question: Question[T]) -> Computed[T]:
        """The answer, from Redis while it may be believed, else computed by the store."""
        started = time.perf_counter()
        key = answer_key(question.name)
        doubt = self._trust.doubt()
        generation: bytes | None = None
        if doubt is None and question.near is not None and (near := await self._near(question.near)) is not None:
            # No hit of the near tier: Redis was asked what changed.
            self._observer.hits(self._strategy, 1, time.perf_counter() - started)
            self._observer.saved(self._strategy)
            return Computed(near, "near", "fresh")
        if doubt is None or doubt.store_away:
            try:
                looked = await self._look(question, key)
                if looked[0] is not None:
                    return self._hit(looked[0], started, doubt)
                generation = looked[1]
                if doubt is None and generation is None:
                    generation = await self._new_generation()
            except CacheUnavailable:
                generation = None
        if doubt is not None or generation is None:
            try:
                with self._observer.load(self._strategy):
                    value = await question.compute()
            except StoreUnavailable:
                if doubt is None or doubt.store_away or not doubt.last_known:
                    raise
                with suppress(CacheUnavailable):
                    if (last := (await self._look(question, key))[0]) is not None:
                        return self._hit(last, started, doubt)
                raise
            self._observer.bypass(self._strategy, 1, time.perf_counter() - started)
            return Computed(value, "store", "uncached")
        name = generation
        # Whoever sees this generation after a write was acknowledged sees one that is younger than the write; so a
        # load that began within it is good for them too.
        led = False

        async def lead() -> Landed[bytes]:
            nonlocal led
            led = True
            return await self._compute(question, key, name)

        data = await self._flight.load(Key("answer", key.id + name.hex()), lead)
        self._observer.coalesced(self._strategy, int(not led))
        self._observer.misses(self._strategy, 1, time.perf_counter() - started)
        return Computed(question.decode(data), "store", "fresh")

    async def _near(self, answer: Callable[[], Awaitable[T | None]]) -> T | None:
        try:
            return await answer()
        except (CacheUnavailable, StoreUnavailable):
            return None

    async def _look(self, question: Question[T], key: Key) -> tuple[T | None, bytes | None]:
        """The answer in the cache where it was computed in the present generation, and the name of that."""
        present, entry = await self._cache.get_bulk([COLLECTION, key])
        return _valid(question, present, entry), None if present is None else present.payload

    def _hit(self, value: T, started: float, doubt: Doubt | None) -> Computed[T]:
        self._observer.hits(self._strategy, 1, time.perf_counter() - started, fail_safe=int(doubt is not None))
        self._observer.saved(self._strategy)
        return Computed(value, "redis", "stale" if doubt else "fresh")

    async def _compute(self, question: Question[T], key: Key, generation: bytes) -> Landed[bytes]:
        started = time.perf_counter()
        with self._observer.load(self._strategy):
            value = await question.compute()
        load_ms = round((time.perf_counter() - started) * 1000)
        data = question.encode(value)
        # The generation proves that the answer is not outdated, so the lease is not for the time of the load: counting
        # takes longer than one lives, and whoever gives up half way would leave it to the others.
        token = new_token()
        with suppress(CacheUnavailable):
            if (await self._cache.acquire(key, token, LEASE, refresh=True)).verdict == "token":
                verdict = await self._cache.fill(key, token, 0, generation + data, load_ms=load_ms)
                self._observer.filled(verdict)
        return Landed(data, True)

    async def _new_generation(self) -> bytes | None:
        """The present generation, made if there is none; None while a writer is at work."""
        token, name = new_token(), secrets.token_bytes(_NAME)
        acquired = await self._cache.acquire(COLLECTION, token, LEASE)
        if acquired.verdict == "hit" and acquired.entry is not None:
            return acquired.entry.payload
        if acquired.verdict != "token":
            return None
        verdict = await self._cache.fill(COLLECTION, token, 0, name, load_ms=0)
        self._observer.filled(verdict)
        return name if verdict == "set" else None


def _valid(question: Question[T], generation: Entry | None, entry: Entry | None) -> T | None:
    """The answer in an entry, if it was computed in the present generation and can be read."""
    if generation is None or entry is None or entry.codec != CODEC or entry.payload[:_NAME] != generation.payload:
        return None
    try:
        return question.decode(entry.payload[_NAME:])
    except msgspec.MsgspecError:
        return None
