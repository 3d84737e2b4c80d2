"""S8, S11 and S12: windows, search as one types and loads at size, beside what is naive."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import bson
import psycopg
from psycopg.sql import SQL, Identifier
from pymongo import AsyncMongoClient

from core import Catalogue, Query
from core.errors import StoreUnavailable
from core.model import FIELDS, Movie
from core.packed import columns_of
from core.query import SORTS
from core.stores import postgres_indexes
from core.stores.mongo_documents import document_of
from core.stores.mongo_queries import indexes
from core.stores.postgres_copy import COPIED_COLUMNS, lines
from core.strategies.kept import LEAST
from data import Synthetic, read
from data.export import ExportFile
from tests.bench.desk import SEED, at_size
from tests.bench.row import Row, Run, measured

FILTERS: Final = (Query(), Query(genres=("Drama",)), Query(text="the"), Query(year_from=1980, year_to=1999))
DEPTHS: Final = (0.1, 0.5, 0.9, 0.9999)
TYPED: Final = ("the last", "night", "a prophet", "zorro", "w", "x", "xy", "qu", "ab", "uz", "last night", "the x")
BATCH: Final = 5_000
ENDURED: Final = 5.0
"""Seconds after which a peer is given up."""


async def rows(run: Run) -> AsyncIterator[Row]:
    """Each store: the load first, which leaves what the others need."""
    rounds = 2 if run.short else 7
    for store in run.stores:
        if run.wants("S12"):
            # Before there is a catalogue: this takes minutes of the event loop, and a copy that is silent for so long
            # has lost its place among the others.
            ready(run.rows, store)
        async with at_size(run, store, run.rows, fill=not run.wants("S12")) as catalogue:
            if run.wants("S12"):
                async for row in loads(catalogue, run.rows):
                    yield row
            if run.wants("S8"):
                async for row in depths(catalogue, rounds, short=run.short):
                    yield row
            if run.wants("S11"):
                async for row in typing(catalogue, rounds, short=run.short):
                    yield row


# ------------------------------------------------------------------------------------------------------------ S12


async def loads(catalogue: Catalogue, rows: int) -> AsyncIterator[Row]:
    """A CSV file through the program into nothing; the same rows by the server's own means into a bare table.

    They are given as the bytes of COPY, or as documents: words and sort keys are in a file before the clock runs, which
    stops while the next batch is read from that. For comparison PostgreSQL also takes the bytes of the CSV and makes
    arrays, keys and words itself, as well as SQL does: words of single fields it does not tell from others, so that
    its index of them is made in less than half of the time."""
    file = csv(rows)
    await catalogue._binding.store.clear()
    began = time.perf_counter()
    report = await catalogue.load(read(file))
    ours = time.perf_counter() - began
    assert report.stored == rows
    what = f"load {rows:,} rows of CSV, searchable and sorted, {catalogue.store}"
    if catalogue.store == "mongodb":
        raw = await inserted(catalogue, rows)
        yield measured("S12", what, [ours], peer="ready documents, the same indexes", theirs=[raw], ratio_at_most=1.3)
        return
    raw = await copied(catalogue, rows, as_they_are)
    yield measured("S12", what, [ours], peer="COPY of ready bytes, the same indexes", theirs=[raw], ratio_at_most=1.3)
    raw = await copied(catalogue, rows, transformed)
    yield measured("S12", what, [ours], peer="COPY of the CSV, SQL, indexes of fewer words", theirs=[raw])


def csv(rows: int) -> Path:
    """The invented movies as a file of ours, made once."""
    file = Path(tempfile.gettempdir()) / f"rc-windows-{rows}-{SEED}.csv"
    if not file.exists():
        movies = iter(Synthetic(rows, SEED))
        with ExportFile(file) as export:
            while batch := list(islice(movies, BATCH)):
                export.write(movie for movie in batch if isinstance(movie, Movie))
            export.finish()
    return file


def ready(rows: int, store: str) -> Path:
    """The same movies as the bytes or documents that the store takes, made once."""
    file = csv(rows).with_suffix(".copy" if store == "postgresql" else ".bson")
    if not file.exists():
        movies = (row for row in read(csv(rows)) if isinstance(row, Movie))
        made = file.with_suffix(".part")
        with made.open("wb") as target:
            while batch := list(islice(movies, BATCH)):
                whole = (bson.encode(document_of(movie, 1)) for movie in batch)
                target.write(lines(columns_of(batch)) if store == "postgresql" else b"".join(whole))
        made.rename(file)
    return file


Raw = psycopg.AsyncConnection[Any]


async def copied(catalogue: Catalogue, rows: int, fill: Callable[[Raw, int], Awaitable[float]]) -> float:
    """Seconds to fill a bare table, and for the same indexes."""
    async with await psycopg.AsyncConnection.connect(catalogue._binding.store._inside._url, autocommit=True) as psql:  # type: ignore[attr-defined]  # the bench's own
        await psql.execute("drop table if exists peer")
        await psql.execute("create table peer (like reelcache.movies including defaults)")
        seconds = await fill(psql, rows)
        began = time.perf_counter()
        await psql.execute("alter table peer add primary key (id)")
        for what in postgres_indexes.INDEXES.values():
            on = what.as_string(psql).replace("reelcache.movies", "peer")
            await psql.execute(SQL("create index on {}").format(SQL(on)))
        await psql.execute("vacuum analyze peer")
        seconds += time.perf_counter() - began
        await psql.execute("drop table peer")
    return seconds


async def as_they_are(psql: Raw, rows: int) -> float:
    """COPY of ready bytes."""
    copy = SQL("copy peer ({}) from stdin with (null '')").format(SQL(", ").join(map(Identifier, COPIED_COLUMNS)))
    seconds = 0.0
    with ready(rows, "postgresql").open("rb") as source:
        while batch := list(islice(source, BATCH)):
            given = b"".join(batch)
            began = time.perf_counter()
            async with psql.cursor().copy(copy) as target:
                await target.write(given)
            seconds += time.perf_counter() - began
    return seconds


async def transformed(psql: Raw, rows: int) -> float:
    """COPY of the CSV's own bytes, and one statement that makes columns of its cells."""
    columns, values = ["title_key", "words"], ["lower(title)", "to_tsvector('simple', concat_ws(' ', title, {}))"]
    names = {"directors", "writers", "cast", "countries", "languages"}
    values[1] = values[1].format(
        ", ".join(f"translate({Identifier(name).as_string(psql)}, '|', ' ')" for name in names)
    )
    with csv(rows).open("rb") as source:
        header = source.readline().decode().strip().split(",")
        for field in FIELDS:
            if field.name not in header:
                continue
            cell = Identifier(field.name).as_string(psql)
            columns.append(cell)
            sql_type = {"integer": "bigint", "decimal": "double precision", "date": "date"}.get(field.kind, "text")
            listed = f"coalesce(string_to_array({cell}, '|'), '{{}}')"
            values.append(listed if field.kind == "list" else f"{cell}::{sql_type}")
            if f"{field.name}_key" in COPIED_COLUMNS and field.kind == "list":
                columns.append(f"{field.name}_key")
                values.append(f"lower(split_part({cell}, '|', 1))")
        cells = SQL(", ").join(SQL("{} text").format(Identifier(name)) for name in header)
        began = time.perf_counter()
        await psql.execute(SQL("create temporary table cells ({})").format(cells))
        async with psql.cursor().copy("copy cells from stdin with (format csv)") as target:
            while piece := source.read(1_000_000):
                await target.write(piece)
        await psql.execute(
            SQL("insert into peer ({}) select {} from cells").format(SQL(", ".join(columns)), SQL(", ".join(values)))
        )
        seconds = time.perf_counter() - began
    await psql.execute("drop table cells")
    return seconds


async def inserted(catalogue: Catalogue, rows: int) -> float:
    """Seconds for insert_many of ready documents into a bare collection, and for the same indexes."""
    url = catalogue._binding.store._inside._at._url  # type: ignore[attr-defined]  # the bench's own
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        peer = client.get_default_database()["peer"]
        await peer.drop()
        seconds = 0.0
        with ready(rows, "mongodb").open("rb") as source:
            documents = bson.decode_file_iter(source)
            while batch := list(islice(documents, BATCH)):
                began = time.perf_counter()
                await peer.insert_many(batch, ordered=False)
                seconds += time.perf_counter() - began
        began = time.perf_counter()
        await peer.create_indexes(indexes())
        seconds += time.perf_counter() - began
        await peer.drop()
    return seconds


# ------------------------------------------------------------------------------------------------------------- S8


async def depths(catalogue: Catalogue, rounds: int, *, short: bool) -> AsyncIterator[Row]:
    """Windows of 50 at several depths beside the first window of the same answer, and beside the store's OFFSET."""
    for query in FILTERS[:2] if short else FILTERS:
        for sort in ("year",) if short else ("title", "year", "critic_reviews") if query.selective else SORTS:
            async for row in at_depths(catalogue, Query(**_parts(query), sort=sort, descending=True), rounds):
                yield row


async def at_depths(catalogue: Catalogue, query: Query, rounds: int) -> AsyncIterator[Row]:
    """One query: until its order is kept, then in turns."""
    began = time.perf_counter()
    page = await catalogue.browse(query)
    cold = time.perf_counter() - began
    if page.total < LEAST:
        return  # too few for an order to be kept, and for any depth
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
        naive.append(await endured(lambda: catalogue._binding.store.window(query, depths[2], 50)))
    await catalogue.use_strategy("no-cache")
    for _ in range(rounds):
        for depth in random.sample(depths, len(depths)):
            offset = max(0, depth - random.randrange(40) - 50)
            alone.append(await timed(lambda at=offset: catalogue.browse(query, at, 50)))  # type: ignore[misc]
            alone_first.append(await timed(lambda: catalogue.browse(query, 0, 50)))
    await catalogue.use_strategy("cache-aside")
    name = f"{query.sort}, {page.total:,} rows {_filter(query)}".rstrip() + f", {catalogue.store}"
    peer = "first window"
    yield measured("S8", f"{name}: deep", deep, peer=peer, theirs=first, ratio_at_most=2, at_most=5e-3)
    # Those of the first window are: what the store's reading of fifty movies takes is in the value, not in the depth.
    yield measured("S8", f"{name}: deep, movies not cached", unseen, peer=peer, theirs=first, at_most=5e-3)
    yield measured("S8", f"{name}: deep, the store alone", alone, peer="first window so", theirs=alone_first)
    yield measured("S8", f"{name}: walked to 90 %", naive, peer=peer, theirs=first)
    yield measured("S8", f"{name}: first answer ever", [cold])
    yield measured("S8", f"{name}: until its order is kept", [made])


# ------------------------------------------------------------------------------------------------------------ S11


async def typing(catalogue: Catalogue, rounds: int, *, short: bool) -> AsyncIterator[Row]:
    """Letter after letter of a title, as the filter box asks."""
    store = catalogue._binding.store
    texts = TYPED[:1] if short else TYPED
    begun = (text[:length] for text in texts for length in range(1, len(text) + 1) if text[length - 1] != " ")
    for text in dict.fromkeys(begun):
        query = Query(text=text)
        first = await timed(lambda asked=query: catalogue.browse(asked, hurry=50))  # type: ignore[misc]
        again = [await endured(lambda asked=query: store.window(asked, 0, 50)) for _ in range(min(rounds, 3))]  # type: ignore[misc]
        rows = "more rows than are counted in time"
        with suppress(StoreUnavailable):
            rows = f"{(await catalogue.browse(query)).total:,} rows"
        what = f"typed {text!r}: first of {rows}, {catalogue.store}"
        peer = "the store's window with its count"
        yield measured("S11", what, [first], peer=peer, theirs=again, at_most=30e-3)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that it took."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def endured(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that a peer took, or after which the store gave it up, or this did."""
    began = time.perf_counter()
    with suppress(StoreUnavailable, TimeoutError):
        async with asyncio.timeout(ENDURED):
            await work()
    return time.perf_counter() - began


def _parts(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in ("text", "genres", "year_from", "year_to")}


def _filter(query: Query) -> str:
    return " ".join(str(value) for value in _parts(query).values() if value)
