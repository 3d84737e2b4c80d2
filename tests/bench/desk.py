"""Desk: real servers with a catalogue before them, as the measurements of single movies need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from core import Catalogue, Movie, Query, Settings, open_catalogue
from core.servers.embedded import EmbeddedServers
from data import Synthetic
from tests.bench.row import Run
from tests.core.cache.servers import OwnRedis
from tests.core.waiting import until

PORT: Final = 7393
"""Of the Redis that ours and the peers share: not every peer knows unix sockets."""
TOGETHER: Final = 64
SEED: Final = 1


class Desk(msgspec.Struct, frozen=True):
    """A catalogue on PostgreSQL and a Redis of its own, with some movies in it."""

    catalogue: Catalogue
    settings: Settings
    movies: tuple[Movie, ...]
    socket: Path
    """Where Redis listens, besides PORT."""
    rounds: int
    times: int
    """Calls of a variant in one round."""

    @property
    def ids(self) -> list[str]:
        """The ids of the movies."""
        return [movie.id for movie in self.movies]


@asynccontextmanager
async def desk(run: Run) -> AsyncIterator[Desk]:
    """Servers, a catalogue, and TOGETHER movies in the store."""
    servers = EmbeddedServers(run.state / "desk", redis_maxmemory="256mb")
    try:
        postgres = await servers.postgresql()
        async with OwnRedis("--port", str(PORT), "--bind", "127.0.0.1") as redis:
            settings = Settings(redis_url=redis.url, postgres_url=postgres, state_dir=run.state / "desk")
            async with open_catalogue(settings) as catalogue:
                await catalogue._binding.store.load([median_movie(number) for number in range(TOGETHER)])
                await _believed(catalogue)
                movies = (await catalogue.browse(Query(), 0, TOGETHER)).movies
                rounds, times = (3, 100) if run.short else (11, 1000)
                yield Desk(catalogue, settings, movies, redis.socket, rounds, times)
    finally:
        await servers.close()


@asynccontextmanager
async def at_size(run: Run, store: str, rows: int, *, fill: bool = True) -> AsyncIterator[Catalogue]:
    """A catalogue with so many invented movies, which the state folder keeps; no near tier, nothing shipped. Without
    `fill`, with what it finds."""
    state = run.state / f"{rows}"
    servers = EmbeddedServers(state)
    try:
        settings = Settings(
            store=store,
            redis_url=await servers.redis(),
            postgres_url=await servers.postgresql() if store == "postgresql" else None,
            mongo_url=await servers.mongodb() if store == "mongodb" else None,
            state_dir=state,
        )
        async with open_catalogue(settings) as catalogue:
            if fill and await catalogue._binding.store.get(f"sy{rows:07}") is None:
                await catalogue.load(Synthetic(rows, SEED))
            await _believed(catalogue)
            yield catalogue
    finally:
        await servers.close()


async def _believed(catalogue: Catalogue) -> None:
    """A Redis that takes the place of another one is believed after seconds; until then the store would be measured."""
    await until(lambda: catalogue.stats().doubt is None)


def median_movie(number: int) -> Movie:
    """A movie of the size that half the real ones stay below."""
    people = tuple(f"Somebody Or Other {number + n}" for n in range(4))
    return Movie(
        id=f"Q{number}",
        title=f"The Return of Number {number}",
        year=1950 + number,
        runtime=118,
        genres=("Drama", "Horror"),
        countries=("United Kingdom", "France"),
        languages=("English",),
        directors=people[:1],
        writers=people[:2],
        cast=people,
        imdb_id=f"tt{number:07}",
        imdb_rating=7.9,
        imdb_votes=12_345,
        plot="Somebody comes back, and nobody is glad of it. " * 3,
    )
