"""Windows, search and loads at size: `python -m tests.bench.windows` prints goals S8, S11 and S12 beside naive peers.

Rows are invented ones, kept in the state folder between runs. What is compared runs in turns within one run; values are
medians with the interquartile range, a ratio is the median of the rounds' ratios. Nothing is asserted on a clock.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import psycopg
from pymongo import AsyncMongoClient

from core import Catalogue, Query, Settings, open_catalogue
from core.query import SORTS
from core.stores import postgres_indexes
from core.stores.mongo_documents import document_of
from core.stores.mongo_queries import indexes
from core.stores.postgres_copy import lines
from core.stores.postgres_records import STORED_COLUMNS
from data import Synthetic

SEED: Final = 1
FILTERS: Final = (Query(), Query(genres=("Drama",)), Query(text="the"), Query(year_from=1980, year_to=1999))
DEPTHS: Final = (0.1, 0.5, 0.9, 0.9999)
TYPED: Final = ("the last", "night", "a prophet", "zorro", "w")
BATCH: Final = 5_000


async def main() -> None:
    """Each store asked for: load what is missing, then the windows and the search."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "rc-windows")
    options.add_argument("--store", choices=Catalogue.stores, action="append")
    options.add_argument("--only", choices=("S8", "S11", "S12"), action="append")
    asked = options.parse_args()
    wanted = asked.only or ["S12", "S8", "S11"]
    for store in asked.store or Catalogue.stores:
        async with open_catalogue(Settings(store=store, state_dir=asked.state)) as catalogue:
            await catalogue.ready()
            if await catalogue._binding.store.get(f"sy{asked.rows:07}") is None or "S12" in wanted:
                await loads(catalogue, asked.rows)
            if "S8" in wanted:
                await depths(catalogue, asked.rounds)
            if "S11" in wanted:
                await typing(catalogue, asked.rounds)


# ------------------------------------------------------------------------------------------------------------ S12


async def loads(catalogue: Catalogue, rows: int) -> None:
    """The same rows through the program into nothing, and as raw bytes or documents into a bare table."""
    await catalogue._binding.store.clear()
    began = time.perf_counter()
    report = await catalogue.load(Synthetic(rows, SEED))
    ours = time.perf_counter() - began
    assert report.stored == rows
    raw = await (copied(catalogue, rows) if catalogue.store == "postgresql" else inserted(catalogue, rows))
    say(catalogue, "S12", f"load {rows:,} rows, then searchable and sorted", [ours], [raw], "raw + the same indexes")


async def copied(catalogue: Catalogue, rows: int) -> float:
    """Seconds for COPY of ready bytes into a bare table, and for the same indexes."""
    async with await psycopg.AsyncConnection.connect(catalogue._binding.store._inside._url, autocommit=True) as psql:  # type: ignore[attr-defined]  # the bench's own
        await psql.execute("drop table if exists peer")
        await psql.execute("create table peer (like reelcache.movies including defaults)")
        seconds = 0.0
        names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, STORED_COLUMNS))
        copy = psycopg.sql.SQL("copy peer ({}) from stdin with (null '')").format(names)
        movies = iter(Synthetic(rows, SEED))
        while batch := list(islice(movies, BATCH)):
            given = lines(batch)
            began = time.perf_counter()
            async with psql.cursor().copy(copy) as target:
                await target.write(given)
            seconds += time.perf_counter() - began
        began = time.perf_counter()
        await psql.execute("alter table peer add primary key (id)")
        for what in postgres_indexes.INDEXES.values():
            on = what.as_string(psql).replace("reelcache.movies", "peer")
            await psql.execute(psycopg.sql.SQL(f"create index on {on}"))
        await psql.execute("vacuum analyze peer")
        seconds += time.perf_counter() - began
        await psql.execute("drop table peer")
    return seconds


async def inserted(catalogue: Catalogue, rows: int) -> float:
    """Seconds for insert_many of ready documents into a bare collection, and for the same indexes."""
    url = catalogue._binding.store._inside._at._url  # type: ignore[attr-defined]  # the bench's own
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        peer = client.get_default_database()["peer"]
        await peer.drop()
        seconds = 0.0
        movies = iter(Synthetic(rows, SEED))
        while batch := list(islice(movies, BATCH)):
            documents = [document_of(movie, 1) for movie in batch]
            began = time.perf_counter()
            await peer.insert_many(documents, ordered=False)
            seconds += time.perf_counter() - began
        began = time.perf_counter()
        await peer.create_indexes(indexes())
        seconds += time.perf_counter() - began
        await peer.drop()
    return seconds


# ------------------------------------------------------------------------------------------------------------- S8


async def depths(catalogue: Catalogue, rounds: int) -> None:
    """Windows of 50 at several depths beside the first window of the same answer, and beside the store's OFFSET."""
    for query in FILTERS:
        for sort in SORTS if not query.selective else ("title", "year", "critic_reviews"):
            await at_depths(catalogue, Query(**_parts(query), sort=sort, descending=True), rounds)


async def at_depths(catalogue: Catalogue, query: Query, rounds: int) -> None:
    """One query: until its order is kept, then in turns."""
    began = time.perf_counter()
    page = await catalogue.browse(query)
    cold = time.perf_counter() - began
    while (await catalogue.browse(query)).window_tier != "near":
        await asyncio.sleep(0.05)
    made = time.perf_counter() - began
    depths = [int(page.total * depth) for depth in DEPTHS]
    first: list[float] = []
    deep: list[float] = []
    unseen: list[float] = []
    naive: list[float] = []
    alone: list[float] = []
    alone_first: list[float] = []
    for _ in range(rounds):
        for depth in random.sample(depths, len(depths)):
            offset = max(0, depth - random.randrange(40) - 50)
            unseen.append(await timed(lambda at=offset: catalogue.browse(query, at, 50)))  # type: ignore[misc]
            deep.append(await timed(lambda at=offset: catalogue.browse(query, at, 50)))  # type: ignore[misc]
            first.append(await timed(lambda: catalogue.browse(query, 0, 50)))
        naive.append(await timed(lambda: catalogue._binding.store.window(query, depths[2], 50)))
    await catalogue.use_strategy("no-cache")
    for _ in range(rounds):
        for depth in random.sample(depths, len(depths)):
            offset = max(0, depth - random.randrange(40) - 50)
            alone.append(await timed(lambda at=offset: catalogue.browse(query, at, 50)))  # type: ignore[misc]
            alone_first.append(await timed(lambda: catalogue.browse(query, 0, 50)))
    await catalogue.use_strategy("cache-aside")
    name = f"{query.sort}, {page.total:,} rows {_filter(query)}".rstrip()
    say(catalogue, "S8", f"{name}: deep", deep, first, "first window")
    say(catalogue, "S8", f"{name}: deep, movies not cached", unseen, first, "first window")
    say(catalogue, "S8", f"{name}: deep, the store alone", alone, alone_first, "first window so")
    say(catalogue, "S8", f"{name}: walked to 90 %", naive, first, "first window")
    sys.stdout.write(f"{'':17}first answer ever {cold * 1000:.0f} ms, order kept after {made:.1f} s\n")


# ------------------------------------------------------------------------------------------------------------ S11


async def typing(catalogue: Catalogue, rounds: int) -> None:
    """Letter after letter of a title, as the filter box asks."""
    store = catalogue._binding.store
    for text in TYPED:
        for length in range(1, len(text) + 1):
            if text[length - 1] == " ":
                continue
            query = Query(text=text[:length])
            first = await timed(lambda asked=query: catalogue.browse(asked, hurry=True))  # type: ignore[misc]
            again = [await timed(lambda asked=query: store.window(asked, 0, 50)) for _ in range(min(rounds, 3))]  # type: ignore[misc]
            total = (await catalogue.browse(query)).total
            what = f"typed {text[:length]!r}: first of {total:,} rows"
            say(catalogue, "S11", what, [first], again, "the store's window with its count")


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that it took."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def say(catalogue: Catalogue, goal: str, what: str, ours: list[float], peers: list[float], peer: str) -> None:
    """A line of the table."""
    ratio = median(ours) / median(peers)
    line = f"{goal:4} {catalogue.store:11} {what:58} {_spread(ours)}   {ratio:9.2f} x {peer} {_spread(peers)}\n"
    sys.stdout.write(line)
    sys.stdout.flush()


def _spread(seconds: list[float]) -> str:
    middle = f"{median(seconds) * 1000:9.2f} ms"
    if len(seconds) < 4:
        return middle
    low, _, high = quantiles(seconds, n=4)
    return f"{middle} ({low * 1000:.2f}-{high * 1000:.2f})"


def _parts(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in ("text", "genres", "year_from", "year_to")}


def _filter(query: Query) -> str:
    return " ".join(str(value) for value in _parts(query).values() if value)


if __name__ == "__main__":
    asyncio.run(main())
