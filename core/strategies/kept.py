"""Kept: what is derived from all movies of an answer, made behind the screen and kept right by what changed since.

Before each use a journal is asked what changed: Redis' own while the cache is believed, as a write is acknowledged only
after it was noted there; else the store's, which tells what was committed. So nothing given out is older than that,
wherever Redis is. Where neither can tell, or tells of too much, what was kept is forgotten: the store answers, as it
did before, and another one is made behind that.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from core.cache.background import Background
from core.cache.journal import Place
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.heap import give_back
from core.query import Query
from core.stores.base import Store

FIRST_ROWS: Final = 0.25
"""Seconds that whoever opened a store has for their first rows, before anything is made or looked at behind them."""
LEAST: Final = 1_000
"""Rows of an answer from which on something is worth being kept of it: a store walks through fewer in no time."""
LOOKS: Final = 3
"""Looks at a filtered answer after which it is worth it: the filter may be one letter of a word."""
_MOST_LOOKED_AT: Final = 64
_AT_ONCE: Final = 512
"""Rows that are taken in before others have their turn."""
REST: Final = 4.0
"""How many times as long as making one took nothing is made after it was lost: a load would have all made again after
each of its batches."""


class Derived(Protocol):
    """What is kept."""

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, nearly."""

    def append(self, rows: Sequence[Any], /) -> None:
        """Take in movies that come after all that are there."""


Tokens = Mapping[str, Sequence[bytes]]
A = TypeVar("A", bound=Hashable)
D = TypeVar("D", bound=Derived)


class Kept(Generic[A, D]):
    """What was derived from one answer, and the places in both journals up to which it is right."""

    def __init__(self, asked: A, what: D, committed: bytes) -> None:
        self.asked = asked
        self.what = what
        self.noted: Place | None = None
        """In Redis; None until it is first asked."""
        self.committed = committed
        """In the store."""
        self.behind = 0
        """Changes that were carried in from Redis' journal since the store's was asked."""
        self.noted_at = self.committed_at = -1
        """When either journal was last begun to be asked, as the keeper counts; the store's speaks for both."""
        self.read_at = 0.0
        """When the store was last asked for a movie in it, by the monotonic clock."""
        self.took = 0.0
        self.turn = asyncio.Lock()


class Keeper(ABC, Generic[A, D]):
    """Everything of one kind that is kept of one store. Making fails silently."""

    most_bytes: ClassVar[int]
    """Memory that all of them may take."""
    most_moved: ClassVar[int]
    """Changes that are carried in one by one; beyond that all is made anew."""

    def __init__(self, store: Store, cache: RedisCache, background: Background) -> None:
        self._store = store
        self._cache = cache
        self._background = background
        self._kept: OrderedDict[A, Kept[A, D]] = OrderedDict()
        self._too_large: set[A] = set()
        self._looks: OrderedDict[A, int] = OrderedDict()
        self._resting = 0.0
        self._opened = time.monotonic()
        self._moments = itertools.count()
        self._in_turn = asyncio.Lock()
        self.being_made: set[A] = set()
        """What is being made, one after the other."""

    @abstractmethod
    def _new(self, asked: A, rows: int) -> D:
        """An empty one, for about so many rows."""

    @abstractmethod
    def _rows(self, asked: A) -> AsyncGenerator[Sequence[Any]]:
        """All that it is made of, from the store."""

    @abstractmethod
    async def _carry_in(self, kept: Kept[A, D], ids: Sequence[str], tokens: Tokens) -> bool:
        """Have these movies as they are now; False where all had better be made anew. `tokens` says who noted each, in
        Redis. Raises StoreUnavailable."""

    def _grown(self, asked: A, what: D) -> None:
        """Some more was made of it."""

    async def _right(self, asked: A, *, believed: bool) -> D | None:
        """What is kept, brought up to date; None where there is none. `believed`: whether the cache is.

        Raises CacheUnavailable, StoreUnavailable."""
        kept = self._kept.get(asked)
        if kept is None:
            return None
        self._kept.move_to_end(asked)
        came = next(self._moments)
        async with kept.turn:
            if self._kept.get(asked) is not kept:
                return None
            # Who waited behind others has what they found, if they began to look after that.
            right_at = kept.noted_at if believed else kept.committed_at
            if right_at < came and not await self._brought_up(kept, believed=believed):
                self._kept.pop(asked, None)
                self._rest(kept)
                return None
            return kept.what

    def _looked(self, asked: A, query: Query) -> bool:
        """Note a look at something that is not kept; whether it was looked at often enough."""
        looks = self._looks.pop(asked, 0) + 1
        self._looks[asked] = looks
        if len(self._looks) > _MOST_LOOKED_AT:
            self._looks.popitem(last=False)
        return looks >= LOOKS or not query.selective

    def _begin(self, asked: A, rows: int) -> bool:
        """Have it made behind the caller's back, where there is no reason against it."""
        if (
            asked in self.being_made
            or asked in self._kept
            or asked in self._too_large
            or time.monotonic() < self._resting
        ):
            return False
        self.being_made.add(asked)
        self._background.start(self._make(asked, rows))
        return True

    async def _make(self, asked: A, rows: int) -> None:
        try:
            async with self._in_turn:
                await asyncio.sleep(self._opened + FIRST_ROWS - time.monotonic())
                started = time.perf_counter()
                kept = Kept(asked, self._new(asked, rows), (await self._store.changed_since(None)).place)
                async with aclosing(self._rows(asked)) as parts:
                    async for part in parts:
                        for start in range(0, len(part), _AT_ONCE):
                            kept.what.append(part[start : start + _AT_ONCE])
                            await asyncio.sleep(0)
                        self._grown(asked, kept.what)
                        if kept.what.size > self.most_bytes:
                            self._too_large.add(asked)
                            return
                        self._make_room(kept.what.size)
                kept.read_at = time.monotonic()
                kept.took = time.perf_counter() - started
                if not await self._brought_up(kept, believed=False):
                    self._rest(kept)
                    return
                self._make_room(kept.what.size)
                self._kept[asked] = kept
            give_back()
        except (CacheUnavailable, StoreUnavailable):
            return
        finally:
            self.being_made.discard(asked)

    async def _brought_up(self, kept: Kept[A, D], *, believed: bool) -> bool:
        """Carry in what changed since; False where that cannot be told, or is too much."""
        moment = next(self._moments)
        noted = await self._cache.changed_since(kept.noted) if believed and kept.noted is not None else None
        if noted is not None and kept.behind + len(noted.ids) <= self.most_moved // 2:
            if not await self._carry_in(kept, noted.ids, noted.tokens):
                return False
            kept.noted, kept.noted_at = noted.place, moment
            kept.behind += len(noted.ids)
            return True
        noted_up_to = await self._cache.journal_end() if believed else kept.noted
        committed = await self._store.changed_since(kept.committed)
        if committed.ids is None or len(committed.ids) > self.most_moved:
            return False
        if not await self._carry_in(kept, committed.ids, {}):
            return False
        kept.noted, kept.committed, kept.behind = noted_up_to, committed.place, 0
        kept.noted_at = kept.committed_at = moment
        return True

    def _make_room(self, size: int) -> None:
        """Forget what was not looked at for longest, until so many bytes have room."""
        while size + sum(other.what.size for other in self._kept.values()) > self.most_bytes:
            self._kept.popitem(last=False)

    def _rest(self, kept: Kept[A, D]) -> None:
        self._resting = time.monotonic() + REST * kept.took
