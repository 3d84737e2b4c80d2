"""The path of a read under every caching strategy: look near, then in Redis; on a miss load and fill (`fills`).

Where Redis may not be believed the store is asked; where the store is away, too, the last known state is served and
labelled. An entry is refreshed before its soft TTL ends, the likelier the nearer that is and the longer its load took:
probabilistic early expiration (Vattani et al., Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from random import random
from typing import Final

import msgspec

from core.cache.background import Background
from core.cache.entry import Entry, entry_in
from core.cache.flight import Landed, SingleFlight
from core.cache.keys import Key
from core.cache.near import Slot
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.model import Movie
from core.observe.counters import Observer
from core.observe.stats import Step
from core.observe.trace import NEAR_HIT
from core.query import Freshness
from core.stores.base import Store
from core.strategies.base import Answer, LongWay
from core.strategies.codec import CODEC, decode_movie
from core.strategies.fills import Fills, by_way_of, uncached
from core.strategies.hits import Batching, Hits
from core.strategies.keys import movie_key
from core.trust import Doubt, Trust

MOST_NEAR: Final = 30.0
"""Seconds that an entry is kept near at most, however fresh it is."""
EAGERNESS: Final = 1.0
"""The β of early expiration: above 1 refreshes earlier."""
_clock: Final = time.monotonic


class MovieReads:
    """Reads movies through the cache for one strategy and one store, and counts what came from where."""

    def __init__(
        self,
        strategy: str,
        store: Store,
        cache: RedisCache,
        trust: Trust,
        observer: Observer,
        flight: SingleFlight[Key, Answer],
        background: Background,
        going_on: Background,
        *,
        random: Callable[[], float] = random,
    ) -> None:
        self._strategy = strategy
        self._cache = cache
        self._trust = trust
        self._random = random
        self._observer = observer
        self._flight = flight
        self._fills = Fills(strategy, store, cache, observer, background, self._found)
        self._note_near = observer.near_hit
        self._near = cache.near
        self._shelf = cache.shelf(movie_key("").kind)
        self._hits: Hits | None = None
        """What this tick asks for."""
        self._batching = Batching(
            strategy,
            self,
            namespace=cache.namespace,
            near=cache.near,
            shelf=self._shelf,
            now_ms=cache.now_ms,
            observer=observer,
            going_on=going_on,
        )

    def hit(self, id: str, otherwise: LongWay) -> asyncio.Future[Movie] | None:
        """The movie out of a cache, read together with what else this tick asks for; None where no cache is believed.

        What is kept near comes in a future that is done."""
        slot, hits = self._shelf.get(id), self._hits
        if slot is None and hits is not None and not hits.left:
            # This tick has begun to ask: what made the cache unbelievable since then was not acknowledged yet.
            return hits.add(id)
        started = _clock()
        if not self._trust.believed(started):
            return None
        if (
            slot is not None
            and started < self._near.until
            and (slot.awaited is not None or self._near_answer(slot))
            and started < slot.until
        ):
            self._near.used(slot.name)
            near: asyncio.Future[Movie] = slot.awaited
            self._note_near(self._strategy, id, slot.value.version, started, _clock())
            return near
        if hits is None or hits.left:
            hits = Hits(self._batching, otherwise, self._trust.believed_until)
            try:
                self._cache.read(hits)
            except CacheUnavailable:
                return None
            self._hits = hits
        return hits.add(id)

    def _near_answer(self, slot: Slot) -> Answer | None:
        """What a slot says, made once. It is left for a read in Redis when an early refresh would be due."""
        data, slot.data = slot.data, None
        entry = entry_in(data)
        if entry is None or entry.codec != CODEC or not entry.known:
            return None
        try:
            movie = decode_movie(entry.payload)
        except msgspec.MsgspecError:
            return None
        early = entry.load_ms * EAGERNESS * math.log(1.0 - self._random())
        left = (entry.fresh_until - self._cache.now_ms() + early) / 1000
        slot.until = time.monotonic() + min(left, MOST_NEAR)
        answer = slot.value = Answer(movie, entry.version, "near", "fresh", NEAR_HIT)
        slot.awaited = asyncio.get_running_loop().create_future()
        slot.awaited.set_result(movie)
        return answer

    def _kept(self, id: str) -> Answer | None:
        """What is kept near of this movie and may be believed; uncounted."""
        slot = self._shelf.get(id)
        if slot is None or time.monotonic() >= self._near.until or self._trust.doubt() is not None:
            return None
        answer: Answer | None = slot.value or self._near_answer(slot)
        if answer is None or time.monotonic() >= slot.until:
            return None
        self._near.used(slot.name)
        return answer

    async def read(self, id: str) -> Answer:
        """One movie, from Redis while it may be believed, else from the store."""
        started = time.perf_counter()
        if (kept := self._kept(id)) is not None:
            seconds = time.perf_counter() - started
            self._observer.hits(self._strategy, 1, seconds, tier="near")
            self._observer.saved(self._strategy)
            return by_way_of(kept, Step("near", "hit", seconds))
        key = movie_key(id)
        doubt = self._trust.doubt()
        shelf = self._shelf if doubt is None else None
        try:
            entry = await self._cache.get(key, shelf) if doubt is None or doubt.store_away else None
        except CacheUnavailable as away:
            doubt, entry = Doubt(away.reason), None
        return await self.looked(key, entry, doubt, started)

    async def looked(
        self, key: Key, entry: Entry | None, doubt: Doubt | None, started: float, callers: int = 1
    ) -> Answer:
        """What a look into the cache leads to: an answer, or the way to the store. Counted for each of the callers, who
        asked in one tick."""
        if (found := self._found(key, entry, doubt)) is not None:
            seconds = time.perf_counter() - started
            self._count_hits([found] * callers, seconds, doubt)
            self._observer.saved(self._strategy, callers)
            step = Step("redis", _looked(found), seconds)
            return Answer(found.movie, found.version, found.tier, found.freshness, found.reason, (step,))
        if doubt is not None:
            reason = doubt.reason
            try:
                answer = await self._land(Key("bypass", key.id), lambda: self._fills.bypass(key.id, reason), callers)
            except StoreUnavailable as away:
                if (last := (await self._last_known([key], doubt, away)).get(key)) is None:
                    raise
                self._count_hits([last] * callers, time.perf_counter() - started, doubt)
                return by_way_of(last, Step("store", "away"), Step("redis", "last known state"))
            self._observer.bypass(self._strategy, callers, time.perf_counter() - started)
            self._cache.forget_near([key])
            return answer
        missed = Step("redis", "miss", time.perf_counter() - started)
        answer = await self._land(key, lambda: self._fills.load(key, undecodable=entry is not None), callers)
        self._observer.misses(self._strategy, callers, time.perf_counter() - started)
        self._cache.forget_near([key])  # what is on its way may be older than what the store said
        return by_way_of(answer, missed, *answer.steps)

    async def read_many(self, ids: Sequence[str]) -> list[Answer]:
        """Several movies: one look at Redis for all, then one query to the store for those that were not there."""
        if not ids:
            return []
        started = time.perf_counter()
        keys = [movie_key(id) for id in ids]
        doubt = self._trust.doubt()
        near = {key: answer for key in keys if (answer := self._kept(key.id)) is not None} if self._shelf else {}
        asked = [key for key in keys if key not in near]
        self._observer.hits(self._strategy, len(keys) - len(asked), time.perf_counter() - started, tier="near")
        entries: Sequence[Entry | None] = [None] * len(asked)
        if doubt is None or doubt.store_away:
            try:
                entries = await self._cache.get_many(asked, self._shelf if doubt is None else None)
            except CacheUnavailable as away:
                doubt = Doubt(away.reason)
        found = {
            key: answer
            for key, entry in zip(asked, entries, strict=True)
            if (answer := self._found(key, entry, doubt)) is not None
        }
        self._count_hits(list(found.values()), time.perf_counter() - started, doubt)
        found |= near
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if not missing:
            self._observer.saved(self._strategy)
        elif doubt is not None:
            try:
                loaded = await self._fills.query([key.id for key in missing])
            except StoreUnavailable as away:
                last_known = await self._last_known(missing, doubt, away)
                if len(last_known) < len(missing):
                    raise
                found.update(last_known)
                self._count_hits(list(last_known.values()), time.perf_counter() - started, doubt)
            else:
                found.update((key, uncached(loaded.get(key.id), doubt.reason)) for key in missing)
                self._observer.bypass(self._strategy, len(missing), time.perf_counter() - started)
        else:
            found.update(await self._fills.load_many(missing))
            self._observer.misses(self._strategy, len(missing), time.perf_counter() - started)
        self._cache.forget_near(missing)
        return [found[key] for key in keys]

    async def _land(self, key: Key, loader: Callable[[], Awaitable[Landed[Answer]]], callers: int) -> Answer:
        """A load shared with all who ask at once. Its steps are its leader's: the others took no such way."""
        led = False

        async def lead() -> Landed[Answer]:
            nonlocal led
            led = True
            return await loader()

        answer = await self._flight.load(key, lead)
        self._observer.coalesced(self._strategy, callers - led)
        return answer if led else by_way_of(answer, Step("store", "load shared"))

    async def _last_known(self, keys: Sequence[Key], doubt: Doubt, away: StoreUnavailable) -> dict[Key, Answer]:
        """What the cache holds of these although it was not confirmed in time, now that the store failed a reader."""
        if not doubt.last_known or doubt.store_away:
            return {}
        try:
            entries = await self._cache.get_many(keys)
        except CacheUnavailable:
            return {}
        reason = Doubt(away.reason, last_known=True)
        pairs = ((key, self._found(key, entry, reason)) for key, entry in zip(keys, entries, strict=True))
        return {key: answer for key, answer in pairs if answer is not None}

    def _found(self, key: Key, entry: Entry | None, doubt: Doubt | None) -> Answer | None:
        """What an entry says, or None where it says nothing that this program understands: a miss."""
        if entry is None or entry.codec != CODEC:
            return None
        try:
            movie = decode_movie(entry.payload) if entry.known else None
        except msgspec.MsgspecError:
            return None
        if doubt is not None:
            return Answer(movie, entry.version, "redis", "stale", f"the last known state: {doubt.reason}")
        now = self._cache.now_ms()
        if now - entry.load_ms * EAGERNESS * math.log(1.0 - self._random()) >= entry.fresh_until:
            self._fills.refresh(key, early=now < entry.fresh_until)
        freshness: Freshness = "fresh" if now < entry.fresh_until else "stale"
        reason = "hit" if freshness == "fresh" else "hit past its soft TTL: being refreshed"
        return Answer(movie, entry.version, "redis", freshness, reason if entry.known else "known to be absent")

    def _count_hits(self, answers: Sequence[Answer], seconds: float, doubt: Doubt | None) -> None:
        if not answers:
            return
        stale = sum(answer.freshness == "stale" for answer in answers)
        if doubt is None:
            negative = sum(answer.movie is None and answer.freshness != "stale" for answer in answers)
            self._observer.hits(self._strategy, len(answers), seconds, negative=negative, stale=stale)
        else:
            self._observer.hits(self._strategy, len(answers), seconds, fail_safe=stale)


def _looked(found: Answer) -> str:
    if found.reason.startswith("the last known state"):
        return "last known state"
    return "hit" if found.movie is not None else "known absent"
