"""Catalogue: the one object that a screen, a script or a test talks to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import msgspec

from core.model import GenreCount, LoadProgress, LoadReport, Movie, Page, Progress, Query, Tier
from core.observe.stats import Stats
from core.settings import STORES, STRATEGIES

Freshness = Literal["fresh", "stale", "uncached"]


class Reading(msgspec.Struct, frozen=True):
    """One movie as it was read: from which tier, how fresh, why so, and in how many seconds."""

    movie: Movie
    version: int
    tier: Tier
    freshness: Freshness
    reason: str
    seconds: float


class Catalogue:
    """The movies behind a caching strategy and a store, both switchable while it runs."""

    strategies: ClassVar[tuple[str, ...]] = STRATEGIES
    stores: ClassVar[tuple[str, ...]] = STORES

    @property
    def strategy(self) -> str:
        """The name of the strategy in force."""
        raise NotImplementedError

    @property
    def store(self) -> str:
        """The name of the store in force."""
        raise NotImplementedError

    @property
    def redis_url(self) -> str:
        """Where Redis really is, password masked."""
        raise NotImplementedError

    @property
    def store_url(self) -> str:
        """Where the store in force really is, password masked."""
        raise NotImplementedError

    @property
    def filling(self) -> LoadProgress | None:
        """How far the first filling of an empty embedded store has come; None when none is under way."""
        raise NotImplementedError

    async def ready(self) -> None:
        """Wait until an empty embedded store has been filled with the shipped movies; raises what that met."""
        raise NotImplementedError

    async def browse(self, query: Query, offset: int = 0, limit: int = 50) -> Page:
        """One window of a query's answer. Raises InvalidQuery, StoreUnavailable."""
        raise NotImplementedError

    async def get(self, id: str) -> Movie:
        """The movie. Raises MovieNotFound, StoreUnavailable."""
        raise NotImplementedError

    async def read(self, id: str) -> Reading:
        """The movie, with where it came from and how long it took. Raises as `get` does."""
        raise NotImplementedError

    async def save(self, movie: Movie) -> Movie:
        """Store an edit whose base is `movie.version`.

        Raises InvalidMovie, EditConflict, MovieNotFound, StoreUnavailable."""
        raise NotImplementedError

    async def add(self, movie: Movie) -> Movie:
        """Store a new movie. Raises InvalidMovie, MovieExists, StoreUnavailable."""
        raise NotImplementedError

    async def remove(self, id: str, *, version: int) -> None:
        """Remove the movie if it still has this version. Raises EditConflict, MovieNotFound, StoreUnavailable."""
        raise NotImplementedError

    async def genres(self, query: Query) -> tuple[GenreCount, ...]:
        """How many movies of the query's answer have each genre, most first."""
        raise NotImplementedError

    async def use_strategy(self, name: str) -> None:
        """Switch the strategy; running operations end under the old one first. Raises UnknownStrategy."""
        raise NotImplementedError

    async def use_store(self, name: str) -> None:
        """Switch the store, starting its embedded server where needed. On failure the old one stays in force.

        Raises UnknownStore, ServerFailed, StoreUnavailable."""
        raise NotImplementedError

    def stats(self) -> Stats:
        """What was counted so far, as an immutable snapshot; costs no round trip."""
        raise NotImplementedError

    async def load(self, source: Iterable[object], progress: Progress | None = None) -> LoadReport:
        """Store what `data.read` yields, batch by batch; cancel the task to stop between two batches."""
        raise NotImplementedError
