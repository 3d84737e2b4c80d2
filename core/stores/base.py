"""The contract of a store: the database that owns the truth. PostgreSQL and MongoDB answer it alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, Protocol

import msgspec

from core.model import Movie
from core.place import Place
from core.query import Query, ValueCount
from core.score import Ranked

StoreName = Literal["postgresql", "mongodb"]
THEATERS: Final = ":theaters"
"""The id under which the change log speaks of all theaters at once. No movie can have it."""


class Window(msgspec.Struct, frozen=True):
    """The ids of one window of a query's answer, in order, and how many movies the whole answer has."""

    ids: tuple[str, ...]
    total: int


SortKey = str | int | float | None
"""What a movie is sorted by: texts go in code-point order, a day is a number; None is unknown."""


class Stored(msgspec.Struct, frozen=True):
    """What became of one batch of a load."""

    inserted: int
    updated: int
    unchanged: int


class Identity(msgspec.Struct, frozen=True):
    """Which server answers: product, version, and the address with its secret masked; and `limits`, what cannot be had
    where it stands, in a sentence each."""

    product: str
    version: str
    address: str
    limits: tuple[str, ...] = ()


class Changed(msgspec.Struct, frozen=True):
    """One committed change: the movie of this id is at this version now, or was removed at it.

    `forced` says that the version proves nothing: a removal, or a foreign write that left none. An empty id stands for
    every movie (a load, a truncation, a history that was lost). `at` is when, in Unix seconds of the store's clock.
    """

    id: str
    version: int
    at: float
    forced: bool = False


class ChangedSince(msgspec.Struct, frozen=True):
    """The ids of the movies of which a change was committed since some place in the store's history; None where that
    cannot be told, or there was no place. `place` is where this was asked."""

    ids: tuple[str, ...] | None
    place: bytes


Apply = Callable[[Sequence[Changed]], Awaitable[None]]
"""Carries a batch of changes into the cache; returning says that it did."""


class Standing(msgspec.Struct, frozen=True):
    """What the store says of the cache in front of it.

    `suspended` counts the copies of the program that committed a write which they could not tell the cache.
    `pending` counts committed changes that nobody has applied yet, None where the store cannot tell cheaply.
    `cache` is what `name_cache` was last told, None before.
    """

    suspended: int
    pending: int | None = None
    cache: str | None = None


class Store(Protocol):
    """One movie collection in one database.

    Every method may raise StoreUnavailable (unreachable, refused, too slow), never a driver's own error.
    Every write is one transaction, sets the new version inside the database - max(old + 1, microseconds since 1970) -
    and is durable when the call returns. Reads see every write that was acknowledged before they began.
    """

    name: StoreName

    async def open(self) -> None:
        """Connect, and create or migrate what is missing. Safe to call from two processes at once."""

    async def close(self) -> None:
        """Close every connection. Idempotent."""

    async def identity(self) -> Identity:
        """Ask the server who it is: one cheap round trip, good as a health check."""

    async def window(self, query: Query, offset: int, limit: int) -> Window:
        """The ids of rows `offset` to `offset + limit` of a query's answer. Past the end: no ids, the true total."""

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        """The ids of the first rows of a query's answer, without counting how many there are."""

    async def ranked(self, query: Query, limit: int) -> tuple[Ranked, ...]:
        """The movies of a query's answer that have most points (`core/score.py`), most first, whatever its sort; of
        those with the same points the higher id first. Movies that have no points are left out."""

    def order(self, query: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        """Every movie of the query's answer as (id, key), ascending whatever its direction, the unknown ones last; some
        thousand at a time. A movie that changes meanwhile may come twice or not at all."""

    async def keys(self, query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        """The sort keys of those among these movies that are in the query's answer."""

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        """What was committed since this was asked before, whoever did it; it tells of too much rather than too little.

        A place is of use to the process that got it, as long as nothing comes between it and the database."""

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer have each value in a field of COUNTED, most first.

        Ties go by name in code-point order."""

    def values(self, query: Query, field: str) -> AsyncGenerator[Sequence[tuple[str, tuple[str, ...]]]]:
        """Every movie of the query's answer as (id, its values in a field of COUNTED), ascending by id; some thousand
        at a time. A movie that changes meanwhile may have its values before or after, or not come at all."""

    async def values_of(self, query: Query, field: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The values of those among these movies that are in the query's answer."""

    async def get(self, id: str) -> Movie | None:
        """The movie, or None."""

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        """The movies among these ids that exist, by id; one query."""

    async def insert(self, movie: Movie) -> Movie:
        """Add a movie; returns it with its version. Raises MovieExists."""

    async def update(self, movie: Movie, first: Awaitable[None] | None = None) -> Movie:
        """Replace the movie whose version is still `movie.version`; returns it with its new version.

        Nothing is changed before `first` has been awaited, and nothing at all if that raises. A store with something
        to read before it changes anything does it meanwhile.

        Raises MovieNotFound, or EditConflict holding the present movie."""

    async def delete(self, id: str, version: int) -> int:
        """Remove the movie whose version is still this; returns the version of the removal, above every earlier one.

        Raises MovieNotFound, or EditConflict holding the present movie."""

    async def load(self, movies: Sequence[Movie]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same. Ids do not repeat. Each movie whole; the
        batch in as few transactions as the database can take, so that a failure may leave its first movies stored."""

    def bulk(self, expected: int) -> AbstractAsyncContextManager[None]:
        """Within it about so many movies are loaded. Where far fewer are there before, indexes are made at its end.

        What is broken off within it may leave a part of a batch stored, each movie whole."""

    def theaters(self, south: float = -90.0, north: float = 90.0) -> AsyncGenerator[Sequence[Place]]:
        """Every theater between two latitudes, ascending by id; some thousand at a time. Only whole ones: what others
        wrote beside the rules of a place is left out."""

    async def load_theaters(self, theaters: Sequence[Place]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same. Ids do not repeat. Each theater whole.

        The change log says THEATERS, of this and of any other change to them."""

    async def count(self) -> int:
        """How many movies there are in all."""

    async def note(self, name: str) -> str | None:
        """A small text kept beside the movies (such as which shipped catalogue was loaded whole), or None."""

    async def set_note(self, name: str, text: str) -> None:
        """Keep such a text."""

    async def clear(self) -> None:
        """Remove all movies and notes. For `reelcache reset` and tests; never for a foreign collection."""

    async def uid(self) -> str:
        """The random name of this collection, 16 hex digits, made once and kept in it: cached data belongs to it."""

    # ----------------------------------------------------------------------------- what keeps a cache in front right

    async def follow(self, apply: Apply) -> None:
        """Hand every committed change to `apply`, whoever made it and by whatever program, until cancelled.

        Each change goes out at least once, also when nobody followed at the time or the follower died half way. Any
        number of processes may follow at once. Batches hold what is there, newest last, at most some thousand; where
        `apply` raises, `follow` raises the same and the batch goes out again later, to whoever follows.
        Raises StoreUnavailable when the store is lost: call again to go on.
        """

    async def settle(self) -> None:
        """Return once every change that was committed before this call has been applied by a follower."""

    async def standing(self) -> Standing:
        """Look at the cache's standing: one cheap query on a connection of its own, never queued behind others."""

    async def name_cache(self, before: str | None, after: str) -> bool:
        """Say for all copies to see which Redis is the cache; False where it is not `before` that was said. Durable."""

    async def suspend(self, holder: str, seconds: float) -> None:
        """Say for all copies to see that the cache may be outdated, for so long at most; again renews it. Durable."""

    async def resume(self, holder: str) -> None:
        """Take this holder's suspension back."""
