"""Trust: whether what the cache holds may be believed just now.

Three things must hold. The server that answers is the one that all copies hold for the cache, or its content was
flushed and it was named as such (`core/agreement.py`): a restarted server may hold an old dump, a promoted one lacks
what its predecessor was told last, and that one may live on. Every change that was committed before it was greeted has
been carried in. And no copy of the program has a committed write of which it could not tell the cache: such a copy
*suspends* the cache in the store, the one place that all copies reach.

The last rule needs no message between the copies. Each looks at the store every LOOK seconds and believes the cache
for LEASE seconds from the beginning of a look that found no suspension. A writer that suspended the cache and waited
LEASE seconds may acknowledge: nobody who starts to read from then on believes the cache. This is the lease argument of
Gray and Cheriton (Leases, SOSP 1989), with durations alone: no two clocks are compared.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from core.agreement import LEASE, Agreement
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, OutcomeUnknown, StoreUnavailable
from core.stores.base import Standing, Store

LOOK: Final = 0.3
"""Seconds between two looks at the store."""
SILENCE: Final = 3.0
"""Seconds without an answer to a look after which the store counts as away, though no call to it has failed yet."""
SUSPENSION: Final = 15.0
"""Seconds after which the suspension of a copy that vanished ends by itself: long after the relay of another copy has
carried its changes in."""
SETTLE_PATIENCE: Final = 5.0
"""Seconds for the changes that were committed before a greeting to be carried in; then the whole cache is flushed."""
MOST_OWED: Final = 10_000
"""Invalidations kept one by one; beyond that everything is flushed instead."""


class Doubt(msgspec.Struct, frozen=True):
    """Why the cache is not believed.

    `store_away`: the store does not answer either. `last_known`: nothing speaks against the cache but that the store
    did not confirm it in time; where the store cannot be read, what the cache holds is the last known state, to be
    served labelled as such.
    """

    reason: str
    store_away: bool = False
    last_known: bool = False


class Trust:
    """The belief of this copy in what one store's namespace of the cache holds.

    `run` must be running for anybody to believe anything. In bounded mode (`strict` off) no lease is asked for and
    writes do not wait: what a copy could not tell the cache is outdated there until it is told.
    """

    def __init__(
        self,
        store: Store,
        cache: RedisCache,
        *,
        strict: bool,
        names: Sequence[Key] = (),
        clock: Callable[[], float] = time.monotonic,
        flushed: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._strict = strict
        self._names = names
        """What a flush forgets, with whoever writes it."""
        self._clock = clock
        self._flushed = flushed
        """To be told of each time that everything was removed."""
        self._holder = secrets.token_hex(8)
        self._looked = -LEASE
        """When the last look began that the store answered."""
        self._standing = Standing(suspended=0)
        self.believed_until = 0.0 if strict else math.inf
        """Nobody believes the cache from this moment of the clock on, as far as the looks at the store go."""
        self._agreement = Agreement(store, cache, clock)
        self._store_problem: str | None = None
        self._vouched = 0
        """The greeting after which the content was vouched for; the first has number 1."""
        self._owed: dict[tuple[Key, str | None], int] = {}
        """Versions by key and the writer's token, None where the key is to be forgotten."""
        self._owes_everything = False
        self._unannounced = 0
        """Writes under way that Redis was not told to expect."""
        self._suspended: float | None = None
        """When the store had taken our suspension."""
        self._renewed = 0.0
        self._changing = asyncio.Lock()
        self._due = asyncio.Event()
        self._even = asyncio.Event()
        """The cache has been told everything."""
        self._even.set()
        self._first_look = asyncio.Event()
        self._agreed = asyncio.Event()

    # ----------------------------------------------------------------------------------------------------- believing

    def doubt(self) -> Doubt | None:
        """Why no reader may believe the cache at this moment; None where it may be believed. Costs no round trip."""
        if self._unannounced or self._owed or self._owes_everything:
            return Doubt("Redis has missed a change of ours, which is being repeated")
        if self._vouched != self._cache.greetings:
            problem = self._cache.breaker.problem or self._agreement.problem
            return Doubt(problem or "what Redis holds is still being looked at")
        if not self._strict:
            return None
        if self._clock() - self._looked >= LEASE:
            known = not self._standing.suspended
            if self._store_problem is not None:
                return Doubt(self._store_problem, store_away=known, last_known=known)
            return Doubt("the store has not confirmed the cache in time", last_known=known)
        if self._standing.suspended:
            return Doubt("another copy of the program cannot reach Redis, and has suspended the cache")
        return None

    def believed(self, now: float) -> bool:
        """Whether `doubt` has none, at this moment of its clock: for the commonest read, at half the price."""
        return (
            now < self.believed_until
            and self._vouched == self._cache.greetings
            and not (self._unannounced or self._owed or self._owes_everything)
        )

    def under(self) -> str | None:
        """Under which name the Redis at hand is the cache for every copy; None where another one may be believed, too.

        A write that was announced to it, and found the same name after its commit, is known to all readers. Likewise
        for a change of the log that was carried into it."""
        return self._agreement.under(lease=self._strict)

    async def agreed(self) -> None:
        """Wait until the Redis at hand is the cache for every copy."""
        await self._agreed.wait()

    @property
    def store_problem(self) -> str | None:
        """Why the store does not answer; None while it does, or has only just begun not to."""
        silent = self._clock() - self._looked
        if self._store_problem is None and self._first_look.is_set() and silent >= SILENCE:
            return f"the store has not answered for {silent:.0f} s"
        return self._store_problem

    @property
    def standing(self) -> Standing:
        """What the store said at the last look."""
        return self._standing

    # ---------------------------------------------------------------------------------------------------- what is owed

    async def owe(self, key: Key, version: int, token: str | None) -> None:
        """The store holds this version, of which the cache could not be told: the end of this writer's token is owed to
        it, or without a token that it forgets the key.

        Returns when it has been told after all, or when no copy of the program believes it any more: the write may be
        acknowledged then, and not before. Raises OutcomeUnknown where neither can be had: the change is stored, but
        somebody may go on reading the state before it.
        """
        if len(self._owed) >= MOST_OWED:
            self._owes_everything = True
            self._owed.clear()
        else:
            self._owed[key, token] = max(version, self._owed.get((key, token), 0))
        await self._acknowledgeable()

    async def owe_everything(self) -> None:
        """Any entry may be older than the store. Returns and raises as `owe` does."""
        self._owes_everything = True
        self._owed.clear()
        await self._acknowledgeable()

    async def _acknowledgeable(self) -> None:
        try:
            await self._told_or_disbelieved()
        except StoreUnavailable as away:
            raise OutcomeUnknown(
                away.server,
                f"{away.reason}; the change was stored, but Redis could not be told of it either",
                remedy="Reload to see what is there.",
            ) from None

    async def suspend(self) -> None:
        """A write is about to be committed that Redis was not told to expect: returns when no reader believes the cache
        any more, until `release`. Raises StoreUnavailable where that cannot be had: do not commit then."""
        self._unannounced += 1
        try:
            await self._told_or_disbelieved()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """The write that `suspend` was for has ended, and what the cache missed of it is owed."""
        self._unannounced -= 1
        self._due.set()

    async def _told_or_disbelieved(self) -> None:
        self._even.clear()
        self._due.set()
        if not self._strict:
            return
        async with self._changing:
            # One that was not renewed for long, as when the store was away, may have ended by itself.
            if self._suspended is None or self._clock() - self._renewed > SUSPENSION / 2:
                await self._store.suspend(self._holder, SUSPENSION)
                self._suspended = self._renewed = self._clock()
            since = self._suspended
        # Not under the lock: writers that come meanwhile wait for the same moment, not one after the other.
        with suppress(TimeoutError):
            async with asyncio.timeout(since + LEASE - self._clock()):
                await self._even.wait()

    @property
    def _told_everything(self) -> bool:
        return not self._owed and not self._owes_everything

    # ------------------------------------------------------------------------------------------------------ keeping it

    async def first_look(self) -> None:
        """Wait until it is known whether the cache may be believed, for the first time."""
        await self._first_look.wait()

    async def run(self) -> None:
        """Look at the store, pay what is owed and vouch for a greeted server, until cancelled."""
        while True:
            self._due.clear()
            await self._look()
            with suppress(StoreUnavailable, CacheUnavailable):
                await self._mend()
            self._first_look.set()
            (self._agreed.clear if self.under() is None else self._agreed.set)()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._due.wait()

    async def _look(self) -> None:
        began = self._clock()
        try:
            self._standing = await self._store.standing()
        except StoreUnavailable as away:
            self._store_problem = f"{away.server} is away: {away.reason}"
        else:
            self._looked, self._store_problem = began, None
            if self._strict:
                self.believed_until = 0.0 if self._standing.suspended else began + LEASE
            if not self._agreement.looked(began, self._standing.cache):
                self._vouched = 0

    async def _mend(self) -> None:
        if self._suspended is not None and self._clock() - self._renewed > SUSPENSION / 5:
            await self._store.suspend(self._holder, SUSPENSION)
            self._renewed = self._clock()
        if self._cache.breaker.state != "closed":
            return
        await self._pay()
        if self._vouched != self._cache.greetings:
            await self._vouch()
        if self._told_everything and not self._unannounced and self._vouched == self._cache.greetings:
            self._even.set()
            if self._suspended is not None:
                await self._lift()

    async def _pay(self) -> None:
        if self._told_everything:
            return
        if self._owes_everything:
            await self._flush()
            self._owes_everything = False
        while self._owed:
            (key, token), version = owed = next(iter(self._owed.items()))
            if token is None:
                # With it went the note of what had changed.
                await self._cache.cut_journal()
                await self._cache.forget(key)
            else:
                # Not `invalidate`: the announcement may have come through, late, and would stand until it expires.
                await self._cache.finish(token, [(key, version, None)])
            if owed in self._owed.items():
                del self._owed[key, token]
        # Before any waiting writer is let go: what Redis was told, near tiers elsewhere must have heard.
        await self._cache.heard()

    async def _vouch(self) -> None:
        """Make sure that what the greeted server holds is no older than the store, and that no other is believed."""
        greetings = self._cache.greetings
        step = await self._agreement.step()
        if step == "settle":
            # The log is carried in from now on: into this Redis, and nowhere else.
            self._agreed.set()
            try:
                async with asyncio.timeout(SETTLE_PATIENCE):
                    await self._store.settle()
            except TimeoutError:
                await self._flush()
        elif step == "flush":
            await self._flush()
            if greetings != self._cache.greetings or not await self._agreement.confirm():
                return
            self._agreed.set()
        else:
            return
        if self._told_everything and self._agreement.under(lease=False) is not None:
            self._vouched = greetings

    async def _flush(self) -> None:
        await self._cache.flush(*self._names)
        self._flushed()

    async def _lift(self) -> None:
        async with self._changing:
            if self._unannounced or not self._told_everything or self._vouched != self._cache.greetings:
                return
            await self._store.resume(self._holder)
            self._suspended = None
