"""Hits: the movies that one tick of the event loop asks for, read as one batch and handed out while it is parsed.

What is no plain hit (a miss, a known absence, an entry past its soft TTL or to be refreshed early) goes on along the
path that any read takes. Nothing here is done once a movie that can be done once a batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

import msgspec

from core.cache.background import Background
from core.cache.batches import MOST_TOGETHER
from core.cache.entry import Entry, FreshPayloads, entry_in
from core.cache.keys import Key, Namespace
from core.cache.near import Near, Shelf
from core.errors import CacheUnavailable
from core.model import Movie
from core.observe.counters import Observer
from core.strategies.base import Answer, LongWay
from core.strategies.codec import CODEC, decode_movie
from core.strategies.keys import movie_key
from core.trust import Doubt

NEVER_EARLIER: Final = 37
"""An early refresh is no further from the soft TTL than so many loads: random() has 53 bits, and log 2**53 is 36.7."""


class Path(Protocol):
    """The rest of the path of a read."""

    async def read(self, id: str) -> Answer:
        """All of the path."""

    async def looked(
        self, key: Key, entry: Entry | None, doubt: Doubt | None, started: float, callers: int = 1
    ) -> Answer:
        """What a look into the cache leads to, for so many callers; `started` when it began (performance counter)."""


class Hits:
    """A Batch of movies by id; made for the tick in which it is first added to."""

    __slots__ = (
        "_barred",
        "_futures",
        "_in_time",
        "_more",
        "_names",
        "_new_future",
        "_otherwise",
        "_shared",
        "_started",
        "_until",
        "left",
    )

    def __init__(self, shared: Batching, otherwise: LongWay, until: float) -> None:
        self.left = False
        """What is wanted from now on belongs into another."""
        self._until = until
        """The cache may not be believed from this moment on (monotonic seconds)."""
        self._in_time = True
        """It left before that."""
        self._shared = shared
        self._otherwise = otherwise
        self._new_future = shared.new_future
        self._futures: dict[str, asyncio.Future[Movie]] = {}
        self._more: dict[str, list[asyncio.Future[Movie]]] = {}
        """Of those who want what somebody wanted before them."""
        self._names: Sequence[bytes] = ()
        self._barred: set[bytes] = set()
        self._started = time.perf_counter()

    def add(self, id: str) -> asyncio.Future[Movie]:
        """The movie, when it has come."""
        future: asyncio.Future[Movie] = self._new_future()
        if self._futures.setdefault(id, future) is not future:
            self._more.setdefault(id, []).append(future)
        elif len(self._futures) == MOST_TOGETHER:
            self.left = True
        return future

    def names(self) -> Sequence[bytes]:
        """It leaves."""
        self.left = True
        self._in_time = time.monotonic() < self._until
        self._names = self._shared.namespace.entry_keys(_KIND, self._futures)
        return self._names

    def landed(self, values: Sequence[bytes | None]) -> None:
        """Hand out and keep near what is plain and fresh; let the rest go on."""
        if not self._in_time:
            self._begin_again()
            return
        shared = self._shared
        seconds = time.perf_counter() - self._started
        payloads = _fresh(values, shared.now_ms())
        try:
            # None is a TypeError, as what does not decode is an error.
            movies = None if self._more or shared.near.keeping else [*map(decode_movie, payloads)]  # type: ignore[arg-type]
        except (TypeError, msgspec.MsgspecError):
            movies = None
        if movies is None:
            self._hand_out_each(values, payloads, seconds)
            return
        for future, movie in zip(self._futures.values(), movies, strict=True):
            try:  # noqa: SIM105  # for each movie of each hit: a block that suppresses costs more than all of this
                future.set_result(movie)
            except asyncio.InvalidStateError:
                pass  # whoever wanted it has left
        shared.observer.hits_together(shared.strategy, [*self._futures], [movie.version for movie in movies], seconds)

    def _hand_out_each(self, values: Sequence[bytes | None], payloads: Sequence[bytes | None], seconds: float) -> None:
        """The same where some are no plain hits, are wanted by several, or are to be kept."""
        shared = self._shared
        ids, versions = list[str](), list[int]()
        for id, name, value, payload in zip(self._futures, self._names, values, payloads, strict=True):
            try:
                movie = None if payload is None else decode_movie(payload)
            except msgspec.MsgspecError:
                movie = None
            if value is None or movie is None:
                self._go_on(id, entry_in(value), None)
                continue
            if shared.near.keeping and name not in self._barred:
                shared.shelf.keep(name, value)
            for future in (self._futures[id], *self._more.get(id, ())):
                ids.append(id)
                versions.append(movie.version)
                if not future.done():
                    future.set_result(movie)
        if ids:
            shared.observer.hits_together(shared.strategy, ids, versions, seconds)

    def failed(self, error: Exception) -> None:
        """Redis is away: let all go on without it."""
        self.left = True  # or it never will
        doubt = Doubt(error.reason if isinstance(error, CacheUnavailable) else str(error))
        for id in self._futures:
            self._go_on(id, None, doubt)

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Keep none of these near."""
        self._barred.update(self._names if names is None else names)

    def _begin_again(self) -> None:
        """The cache was asked when it might not be believed any more: each goes all of the way."""
        shared = self._shared
        for id, first in self._futures.items():
            for future in (first, *self._more.get(id, ())):
                if not future.done():
                    rest = shared.path.read(id)
                    shared.going_on.start(_hand([future], self._otherwise(shared.strategy, id, rest, self._started)))

    def _go_on(self, id: str, entry: Entry | None, doubt: Doubt | None) -> None:
        key = movie_key(id)
        waiting = [future for future in (self._futures[id], *self._more.get(id, ())) if not future.done()]
        if waiting:
            shared = self._shared
            rest = shared.path.looked(key, entry, doubt, self._started, len(waiting))
            shared.going_on.start(_hand(waiting, self._otherwise(shared.strategy, id, rest, self._started)))


class Batching:
    """What all batches of one strategy and one store have in common."""

    def __init__(
        self,
        strategy: str,
        path: Path,
        *,
        namespace: Namespace,
        near: Near,
        shelf: Shelf,
        now_ms: Callable[[], int],
        observer: Observer,
        going_on: Background,
    ) -> None:
        self.strategy = strategy
        self.path = path
        self.namespace = namespace
        self.near = near
        self.shelf = shelf
        self.now_ms = now_ms
        self.observer = observer
        self.going_on = going_on
        self.new_future: Callable[[], asyncio.Future[Movie]] = asyncio.get_running_loop().create_future


_KIND: Final = movie_key("").kind
_fresh: Final = FreshPayloads(CODEC.encode(), NEVER_EARLIER)
"""What nobody would refresh yet."""


async def _hand(futures: Sequence[asyncio.Future[Movie]], reading: Coroutine[Any, Any, Movie]) -> None:
    """What a read on its own task comes to, handed to all who wait for it."""
    try:
        movie = await reading
    except asyncio.CancelledError:
        for future in futures:
            future.cancel()
        raise
    except Exception as error:
        for future in futures:
            if not future.done():
                future.set_exception(error)
    else:
        for future in futures:
            if not future.done():
                future.set_result(movie)
