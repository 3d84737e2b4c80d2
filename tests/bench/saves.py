"""S7: a strict write-through save, beside the store's own update alone and the same statement through a bare driver."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import psycopg

from core import Catalogue, Movie, replace
from core.stores.mongo import MongoStore
from core.stores.mongo_documents import document_of, replacement, version_of
from core.stores.postgres import _UPDATE, PostgresStore
from core.stores.postgres_records import as_json
from core.strategies.codec import encode_movie
from tests.bench.desk import at_size
from tests.bench.rounds import Variant, in_rounds
from tests.bench.row import Row, Run, bound, measured

_SHUT: Final = """#!lua
redis.call('HSET', KEYS[2], ARGV[1], 1)
return redis.call('PEXPIRE', KEYS[2], 30000)
"""
_PUT: Final = """#!lua
return redis.call('HDEL', KEYS[2], ARGV[1]) == 1 and redis.call('SET', KEYS[1], ARGV[2], 'PX', 600000)
"""

Update = Callable[[Movie], Awaitable[Movie]]


async def rows(run: Run) -> AsyncIterator[Row]:
    """Each store, with few movies in it: an update costs the same among many."""
    for name in run.stores:
        async with AsyncExitStack() as stack:
            catalogue = await stack.enter_async_context(at_size(run, name, rows=1_000))
            await catalogue.use_strategy("write-through")
            store: Any = catalogue._binding.store
            bare = await _bare(catalogue, stack)
            ways: dict[str, Update] = {
                "save": catalogue.save,
                "bare driver": bare,
                "store.update": store.update,
                "least": await _between_two_scripts(catalogue, bare),
            }
            movies = [await catalogue.get(f"sy{number:07}") for number in range(1, len(ways) + 1)]
            rounds, times = (3, 10) if run.short else (15, 40)
            variants = {
                way: _edits(update, movie, times) for (way, update), movie in zip(ways.items(), movies, strict=True)
            }
            taken = await in_rounds(variants, rounds)
            for peer, goal in (("bare driver", 1.15), ("store.update", None)):
                yield measured(
                    "S7",
                    f"strict write-through save, {name}",
                    taken["save"],
                    peer="the same, bare driver" if peer == "bare driver" else peer,
                    theirs=taken[peer],
                    ratio_at_most=goal,
                )
            yield bound(
                "S7",
                f"the least, {name}: bare driver between two scripts, one that keeps readers out and one that fills",
                taken["least"],
                peer="bare driver",
                theirs=taken["bare driver"],
                ratio_at_most=1.15,
            )


def _edits(update: Update, movie: Movie, times: int) -> Variant:
    """The same movie again and again, each time with another running time."""
    present = movie

    async def run() -> float:
        nonlocal present
        began = time.perf_counter()
        for number in range(times):
            present = await update(replace(present, runtime=90 + number % 2))
        return (time.perf_counter() - began) / times

    return run


async def _between_two_scripts(catalogue: Catalogue, bare: Update) -> Update:
    """What no strict save can do without: before the commit Redis notes that nobody may fill, and after it the new
    state is put if that note still stands. No version, no other writer and no answer about the collection is thought
    of."""
    link = catalogue._cache._link
    shut, put = await link.exchange([("SCRIPT", "LOAD", _SHUT), ("SCRIPT", "LOAD", _PUT)])

    async def update(movie: Movie) -> Movie:
        keys = ("rc:e:{rc}:least", "rc:g:{rc}:least")
        await link.exchange([("EVALSHA", shut, 2, *keys, "token")])
        updated = await bare(movie)
        await link.exchange([("EVALSHA", put, 2, *keys, "token", encode_movie(updated))])
        return updated

    return update


async def _bare(catalogue: Catalogue, stack: AsyncExitStack) -> Update:
    """The statement that the store would send, as durable and through the same driver, and nothing else."""
    store: Any = catalogue._binding.store
    inside: PostgresStore | MongoStore = store._inside
    if isinstance(inside, PostgresStore):
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(inside._url, autocommit=True, prepare_threshold=0)
        )

        async def update(movie: Movie) -> Movie:
            row = await (await connection.execute(_UPDATE, (as_json([movie]), movie.version))).fetchone()
            assert row is not None
            return replace(movie, version=row[0])

        return update
    movies = inside._at.movies

    async def update_one(movie: Movie) -> Movie:
        found = await movies.find_one_and_update(
            {"_id": movie.id, "reelcache.version": movie.version},
            replacement(document_of(replace(movie, runtime=0), movie.version), movie),
            projection={"reelcache.version": 1},
            return_document=True,
        )
        assert found is not None
        return replace(movie, version=version_of(found))

    return update_one
