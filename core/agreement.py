"""Agreement: which Redis is the cache, for all copies of the program at once.

A failover, or two addresses in two configurations, can give two copies a Redis each. Both answer, both look well, and
each would show the past of what the other writes. So one Redis is *named* in the store, the one place that all copies
reach, and each copy reads that name with every look. Whoever finds another one named believes its own no more.

Whoever has a Redis that is not named claims it: names it as not ready, waits until every look that found the one
before has run out (LEASE), flushes it, and names it as ready. Nobody believes either one meanwhile. This is the lease
argument again (`core/trust.py`), and the name is the fencing token. Names change by compare-and-set, so that of two who
claim at once one gives way.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from core.cache.redis import RedisCache
from core.stores.base import Store

LEASE: Final = 1.0
"""Seconds that a look at the store counts for: three looks may fail or come late before anybody notices."""
CLAIMING: Final = 3 * LEASE
"""Seconds that a claim of others is waited for before it counts as left behind."""
TURN: Final = 15.0
"""Seconds that a Redis which another one took the name from is left alone, before it is claimed again: the other copy
may have ended. Until then it is asked now and then where the cache is: Sentinels may know better by now."""
_ASK_AGAIN: Final = 3.0

Step = Literal["no", "flush", "settle"]
"""What is to be done before the greeted Redis may be believed: wait, flush it and `confirm`, or wait for the changes
that were committed before it was greeted."""


class Name(msgspec.Struct, frozen=True):
    """What is said in the store: this life of a Redis server is the cache, or is about to be. `claim` tells apart two
    claims of one life. `place` is that of an embedded server, of which there is only ever one."""

    life: str
    claim: str
    ready: bool
    place: str

    def __str__(self) -> str:
        return f"{self.life} {self.claim} {'ready' if self.ready else 'claimed'} {self.place}"


def name_in(text: str | None) -> Name | None:
    """What a text in the store says. One of another form names a server that nobody knows."""
    if text is None:
        return None
    life, claim, state, place = (*text.split(" ", 3), "", "", "")[:4]
    return Name(life, claim, state != "claimed", place)


class Agreement:
    """The part of one copy. Call `looked` after each look at the store, and `step` until it says what to do."""

    def __init__(self, store: Store, cache: RedisCache, clock: Callable[[], float] = time.monotonic) -> None:
        self.problem = ""
        """Why the greeted Redis is not the cache, as far as that is known."""
        self._store = store
        self._cache = cache
        self._clock = clock
        self._named: str | None = None
        self._named_since = 0.0
        """When this copy first saw that name."""
        self._looked = -LEASE
        self._kept: str | None = None
        """The name under which the greeted Redis is believed."""
        self._claimed_until = 0.0
        """Until when others may believe what was named before our claim."""
        self._claim: str | None = None
        self._given_way: tuple[str, float] | None = None
        """The life that another one took the name from, and when."""
        self._asked = -_ASK_AGAIN

    def looked(self, began: float, named: str | None) -> bool:
        """A look that began then found this named; False where it is not what it was found to be before."""
        self._looked = began
        if named != self._named:
            self._named, self._named_since = named, self._clock()
        if self._kept is None or self._kept == named:
            return True
        self._kept = None
        name = name_in(named)
        if name is not None and name.life != self._cache.life:
            self._given_way = self._cache.life, self._clock()
        return False

    def under(self, *, lease: bool) -> str | None:
        """The name under which the greeted Redis is the cache for all; None where it is not, or by `lease` where the
        last look does not count any more."""
        kept = self._kept
        if kept is None or kept != self._named or not kept.startswith(f"{self._cache.life} "):
            return None
        return None if lease and self._clock() - self._looked >= LEASE else kept

    async def step(self) -> Step:
        """What is to be done next about the greeted Redis. Raises StoreUnavailable."""
        life, named = self._cache.life, name_in(self._named)
        if named is not None and named.life == life and named.ready:
            self._kept = self._named
            return "settle"
        if self._claim is not None and self._claim == self._named:
            self.problem = "Redis was replaced, and is used when nobody can believe the one before"
            return "flush" if self._clock() >= self._claimed_until else "no"
        if named is not None and not named.ready and self._clock() - self._named_since < CLAIMING:
            self.problem = "another copy of the program is making sure that Redis may be believed"
            return "no"
        if self._given_way is not None and self._given_way[0] == life:
            if self._clock() - self._given_way[1] < TURN:
                self.problem = (
                    "another copy of the program keeps its cache in another Redis: give all copies the same redis_url"
                )
                self._ask_again()
                return "no"
            self._given_way = None
        if named is None or (named.place and named.place == self._cache.place):
            # Nobody believes anything yet, or only what was at this very place and is dead.
            self._claim = None
            return "flush"
        return await self._claim_it(life)

    async def confirm(self) -> bool:
        """The greeted Redis was flushed: name it as ready. False where others were faster. Raises StoreUnavailable."""
        claimed = name_in(self._claim)
        began = self._clock()
        ready = str(Name(self._cache.life, secrets.token_hex(8), True, self._cache.place))
        if claimed is not None and claimed.life != self._cache.life:
            return False
        if not await self._store.name_cache(self._named, ready):
            return False
        self._named = self._kept = ready
        self._looked, self._named_since = began, self._clock()
        self._claim = None
        return True

    async def _claim_it(self, life: str) -> Step:
        claim = str(Name(life, secrets.token_hex(8), False, self._cache.place))
        if await self._store.name_cache(self._named, claim):
            self._named = self._claim = claim
            self._named_since = self._clock()
            self._claimed_until = self._named_since + LEASE
        self.problem = "Redis was replaced, and is used when nobody can believe the one before"
        return "no"

    def _ask_again(self) -> None:
        if self._clock() - self._asked >= _ASK_AGAIN:
            self._asked = self._clock()
            self._cache.seek(self.problem)
