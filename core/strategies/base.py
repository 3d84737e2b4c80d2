"""What a strategy is: how reads and writes travel between the program, the cache and the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from core.model import Movie
from core.observe.stats import Step
from core.query import Freshness, Tier

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """What was read under one id: the movie, or None where none has it, and how it was come by."""

    movie: Movie | None
    version: int
    tier: Tier
    freshness: Freshness
    reason: str
    steps: tuple[Step, ...] = ()
    """The way that a read of one movie took."""


class Computed(NamedTuple, Generic[T]):
    """What was answered about the whole collection, and how it was come by."""

    value: T
    tier: Tier
    freshness: Freshness


class Question(msgspec.Struct, Generic[T], frozen=True):
    """Something computed from the whole collection (a window, a histogram), with its name in the cache."""

    name: str
    """Two questions of one name have one answer."""
    compute: Callable[[], Awaitable[T]]
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    near: Callable[[], Awaitable[T | None]] | None = None
    """The same from what this process keeps while the cache is believed; None where that has it not."""


class Written(msgspec.Struct, frozen=True):
    """What a write left in the store: the movie, or None after a removal, and the version of that state."""

    movie: Movie | None
    version: int
    steps: tuple[Step, ...] = ()
    """The way that the write took."""
    token: bytes = b""
    """Under which the journal tells of it."""
    begun: float = 0.0
    """When, by the monotonic clock; nothing was changed before."""


class Change(msgspec.Struct, frozen=True):
    """One write to come: which movie, and how to commit it in the store; nothing is changed there before what it is
    given has been awaited."""

    id: str
    commit: Callable[[Awaitable[None]], Awaitable[Written]]


LongWay = Callable[[str, str, Awaitable[Answer], float], Coroutine[Any, Any, Movie]]
"""What is made of a read that was no plain hit (strategy, id, the rest of its path, when it began by the performance
counter): it is noted, and an absence is an error."""


class Strategy(Protocol):
    """One caching strategy. Stateless but for its parts, so that old and new overlap safely while they are switched."""

    name: ClassVar[str]

    def hit(self, id: str, otherwise: LongWay) -> Awaitable[Movie] | None:
        """The movie out of a cache, counted and noted as a read; what turns out to be no hit goes on `otherwise`.

        A future: one that is done where the movie is kept in this process. None where no cache is to be asked."""

    async def read(self, id: str) -> Answer:
        """One movie."""

    async def read_many(self, ids: Sequence[str]) -> list[Answer]:
        """Several movies, in the order of the ids."""

    async def answer(self, question: Question[T]) -> Computed[T]:
        """Something computed from the whole collection, never older than the last acknowledged write."""

    async def write(self, change: Change) -> Written:
        """Carry out a change; when this returns, no later read sees the state before it."""
