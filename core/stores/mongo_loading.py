"""Loads into MongoDB: inserted as they are where all of a batch is new, in transactions where not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import Final

from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, PyMongoError

from core.errors import StoreUnavailable
from core.model import Movie, same_content
from core.packed import ids_of, pieces_of
from core.query import WITHIN
from core.stores.base import Stored
from core.stores.mongo_calls import Cancellation
from core.stores.mongo_connection import CONCURRENT, MongoConnection, met_another
from core.stores.mongo_documents import Document, document_of, id_of, movie_of, replacement, written
from core.stores.mongo_indexes import made, make_missing, small, taken_away
from core.stores.mongo_mark import Mark
from core.stores.mongo_queries import documents, keys_of
from core.stores.mongo_removals import above_removal, first_versions, removals
from core.stores.writer import Writer, writing

_DUPLICATE: Final = 11_000
_MOST_TEXT: Final = 100_000
"""Characters of titles and names that one transaction of a load takes. Each of their words is indexed; the server holds
all of it in its cache until the commit, and rolls back a transaction that fills too much, as often as it is tried."""
_TOO_MUCH: Final = 2.0
"""Seconds after which transactions of half the size are tried where one is rolled back again and again: among a million
movies nearly each word lies on a page of its own, and far less text fills the same cache."""
_PIECE: Final = 1_250
"""Movies that are sent at once outside of a transaction: the server is at them while the next documents are made."""

_LATER: Final = 30.0
"""Seconds until indexes are made again that a load took away while they were being made."""


class Loads:
    """The loads of one store."""

    def __init__(self, at: MongoConnection, mark: Mark) -> None:
        self._at = at
        self._mark = mark
        self._writer = Writer(written)
        self._most_text = _MOST_TEXT
        """What a transaction takes, as far as is known."""
        self._mending: asyncio.Task[None] | None = None

    async def load(self, movies: Sequence[Movie]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same; in several transactions where it is large.

        Broken off, it leaves the parts before stored."""
        inserted = updated = 0
        with self._at.long_call() as cancellation:
            rest = movies
            if (
                self._mark.loading
                and (fresh := await self._absent(movies))
                and await self._inserted(fresh, cancellation)
            ):
                inserted = len(fresh)
                stored = set(ids_of(fresh))
                rest = [movie for movie in movies if movie.id not in stored] if inserted < len(movies) else ()
            parts = deque(_parts(rest, self._most_text))
            while parts:
                part = parts.popleft()
                try:
                    seconds = _TOO_MUCH if len(part) > 1 else CONCURRENT
                    new, changed = await self._at.transact(partial(self._load, part), seconds)
                except PyMongoError as problem:
                    if len(part) == 1 or not met_another(problem):
                        raise
                    self._most_text //= 2
                    parts = deque(_parts([movie for part in (part, *parts) for movie in part], self._most_text))
                    continue
                inserted += new
                updated += changed
                cancellation.heed()
        return Stored(inserted=inserted, updated=updated, unchanged=len(movies) - inserted - updated)

    @asynccontextmanager
    async def bulk(self, expected: int) -> AsyncIterator[None]:
        """Within it about so many movies are loaded. Where far fewer are there before, indexes are made at its end."""
        with self._at.long_call():
            few = await small(self._at, expected // 2)
        try:
            async with (
                taken_away(self._at) if few else nullcontext(),
                writing("mongodb", written, expected) as writer,
            ):
                self._writer = writer
                try:
                    with self._mark.used():
                        yield
                finally:
                    self._writer = Writer(written)
        except Exception:
            if few:
                with suppress(StoreUnavailable), self._at.long_call():
                    await make_missing(self._at)
            raise
        if few:
            with self._at.long_call():
                await make_missing(self._at)

    async def _absent(self, movies: Sequence[Movie]) -> Sequence[Movie]:
        """Those that are not there: of a load that is taken up again some of a batch are."""
        found = self._at.movies.find({"_id": {"$in": keys_of(ids_of(movies))}}, {"_id": 1}, batch_size=len(movies) + 1)
        present = {id_of(document["_id"]) async for document in found}
        return [movie for movie in movies if movie.id not in present] if present else movies

    async def _inserted(self, movies: Sequence[Movie], cancellation: Cancellation) -> bool:
        """Store movies that were not there, without a transaction; tells whether that was done.

        Who inserts one of them at the same moment keeps it: then those of this batch that are stored are found to be
        so by the next attempt."""
        ids = ids_of(movies)
        versions = await first_versions(self._at, ids)
        mark = self._mark.offered
        try:
            async with aclosing(_ahead(self._writer, movies, versions, mark)) as pieces:
                async for piece in pieces:
                    await self._at.movies.insert_many(piece, ordered=False)
                    cancellation.heed()
        except BulkWriteError as problem:
            if any(error["code"] != _DUPLICATE for error in problem.details["writeErrors"]):
                raise
            return False
        for id, removal in (await removals(self._at, ids)).items():
            # Inserted and removed by somebody since the versions were chosen.
            if removal >= versions[id]:
                await above_removal(self._at, id, versions[id])
        return True

    async def _load(self, movies: Sequence[Movie], session: AsyncClientSession) -> tuple[int, int]:
        """How many were inserted, and how many replaced."""
        ids = [movie.id for movie in movies]
        present = {id_of(d["_id"]): d for d in await documents(self._at, ids, session)}
        versions = await first_versions(self._at, ids, session)
        fresh, changed = await asyncio.to_thread(_writes, movies, present, versions)
        if fresh:
            await self._at.movies.insert_many(fresh, ordered=False, session=session)
        if changed:
            await self._at.movies.bulk_write(changed, ordered=False, session=session)
        return len(fresh), len(changed)

    def mend_soon(self) -> None:
        """Make the indexes that a load did not come to make; without them all goes on, but slower."""
        self._mending = asyncio.create_task(self._mend())

    async def _mend(self) -> None:
        with suppress(StoreUnavailable), self._at.long_call():
            # The load may be another process's, and die.
            while not await made(self._at) and not await make_missing(self._at):  # noqa: ASYNC110
                await asyncio.sleep(_LATER)

    async def close(self) -> None:
        """End what goes on behind the loads. Idempotent."""
        mending, self._mending = self._mending, None
        if mending is not None:
            mending.cancel()
            await asyncio.wait([mending])


async def _ahead(
    writer: Writer, movies: Sequence[Movie], versions: Mapping[str, int], mark: str
) -> AsyncGenerator[list[RawBSONDocument]]:
    """The documents of the movies, piece by piece, made while whoever asks is at the piece before."""

    def making(piece: Sequence[Movie]) -> asyncio.Task[bytes]:
        return asyncio.create_task(writer.written(piece, [versions[id] for id in ids_of(piece)], mark))

    first, *others = pieces_of(movies, _PIECE)
    made = making(first)
    try:
        for piece in others:
            documents = await made
            made = making(piece)
            yield _taken_apart(documents)
        yield _taken_apart(await made)
    finally:
        made.cancel()
        await asyncio.wait([made])


def _taken_apart(documents: bytes) -> list[RawBSONDocument]:
    """Each document begins with its length."""
    found, place = [], 0
    while place < len(documents):
        end = place + int.from_bytes(documents[place : place + 4], "little")
        found.append(RawBSONDocument(documents[place:end]))
        place = end
    return found


def _parts(movies: Sequence[Movie], most: int) -> Iterator[Sequence[Movie]]:
    """The movies in runs of at most so many characters, or of one."""
    first = text = 0
    for place, movie in enumerate(movies):
        length = len(movie.title) + sum(len(name) for field in WITHIN for name in getattr(movie, field))
        if text and text + length > most:
            yield movies[first:place]
            first, text = place, 0
        text += length
    if movies:
        yield movies[first:]


def _writes(
    movies: Sequence[Movie], present: Mapping[str, Document], versions: Mapping[str, int]
) -> tuple[list[Document], list[UpdateOne]]:
    """The documents to insert and the updates to make, so that these movies are stored."""
    fresh = [document_of(movie, versions[movie.id]) for movie in movies if movie.id not in present]
    changed = [
        UpdateOne({"_id": {"$eq": document["_id"]}}, replacement(document, movie))
        for movie in movies
        if (document := present.get(movie.id)) and not _same(document, movie)
    ]
    return fresh, changed


def _same(document: Document, movie: Movie) -> bool:
    present = movie_of(document)
    # Without a version it also lacks our sub-document, and has to get one.
    return present.version > 0 and same_content(present, movie)
