"""The store in MongoDB: a collection in the public `sample_mflix` shape, made by us or somebody else's in place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec
from bson import Int64, ObjectId
from pymongo import ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from core.errors import EditConflict, ForeignCollection, MovieExists, MovieNotFound, StoreUnavailable
from core.model import FIELD, Movie, replace, same_content
from core.query import WITHIN, Query, ValueCount
from core.stores.base import Apply, ChangedSince, Identity, SortKey, Standing, Stored, StoreName, Window
from core.stores.mongo_adoption import OWNER, adopt, disown, made_by_others, prepare, refuse_foreign
from core.stores.mongo_changes import follow, settle
from core.stores.mongo_connection import NOTES, MongoConnection
from core.stores.mongo_documents import (
    OURS,
    PROJECTION,
    Document,
    document_of,
    id_of,
    insertion,
    key_of,
    movie_of,
    replacement,
    version_of,
)
from core.stores.mongo_errors import SERVER, may_have_happened, outcome_unknown
from core.stores.mongo_indexes import make_missing, take_away
from core.stores.mongo_journal import Journal
from core.stores.mongo_queries import (
    BINARY,
    ID,
    OWNED,
    key_in,
    key_projection,
    known_part,
    matching,
    order,
    unknown_part,
    value_path,
)
from core.stores.mongo_removals import bury, bury_all, first_versions, last_removal, removals
from core.stores.mongo_standing import resume, standing, suspend

_ASIDE: Final = 8
"""Connections kept apart for the cache's standing and the changes: more than ever wait for one another."""
_GLANCE: Final = 1.0
"""Seconds that a look at the cache's standing may take."""
_FETCHED: Final = 2_000
"""Rows of an order that come at once."""
_NEAR: Final = 10_000
"""Rows that are walked over sooner than all are counted."""
_MOST_OWN: Final = 50_000
_DUPLICATE: Final = 11_000
_MOST_TEXT: Final = 100_000
"""Characters of titles and names that one transaction of a load takes. Each of their words is indexed; the server holds
all of it in its cache until the commit, and rolls back a transaction that fills too much, as often as it is tried."""


class MongoStore:
    """The collection `movies` in the database that the URL names, `sample_mflix` where it names none.

    Asks for MongoDB 6.0 or newer as a replica set (Atlas is one; one member is enough): loads are transactions. Writes
    of one movie are none: one that a killed program left open would hold the movie for a minute. `timeout` is in
    seconds, for one call. A write whose answer is lost raises OutcomeUnknown.
    """

    name: StoreName = "mongodb"

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._at = MongoConnection(url, timeout)
        self._aside = MongoConnection(url, timeout, connections=_ASIDE)
        self._journal = Journal(self._at)
        self._own: dict[str, int] = {}
        """Versions of what was inserted by a bulk load, by id, until the changes are seen to have come."""
        self._bulks = 0
        """Bulk loads under way."""
        self._mending: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------------ connection

    async def open(self) -> None:
        """Connect, and create what is missing.

        Raises StoreUnavailable, and ForeignCollection where others made the collection and it was not adopted."""
        try:
            await self._connect()
            with self._at.long_call():
                await refuse_foreign(self._at)
                await prepare(self._at, foreign=False)
        except BaseException:
            await self.close()
            raise
        self._mending = asyncio.create_task(self._mend())

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        mending, self._mending = self._mending, None
        if mending is not None:
            mending.cancel()
            await asyncio.wait([mending])
        with suppress(StoreUnavailable), self._at.call(_GLANCE):
            await self._journal.close()
        await self._at.close()
        await self._aside.close()

    async def _mend(self) -> None:
        """Make the indexes that a load did not come to make; without them all goes on, but slower."""
        with suppress(StoreUnavailable), self._at.long_call():
            await make_missing(self._at)

    async def _connect(self) -> None:
        await self._at.open()
        await self._aside.open()

    async def identity(self) -> Identity:
        """Ask the server who it is."""
        with self._at.call():
            return Identity(product=SERVER, version=await self._at.version(), address=self._at.address)

    # ------------------------------------------------------------------------------------- a collection of others

    async def adopt(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Prepare a collection that others made: our sub-document for each movie that lacks it, and indexes.

        Returns to how many it was added. Cancelled, it can be taken up again; the store is open afterwards.
        `progress` is told how many are done, of how many."""
        await self._connect()
        with self._at.long_call() as cancellation:
            return await adopt(self._at, cancellation, progress)

    async def disown(self) -> int:
        """Take every trace of ours away and close the store; returns from how many documents. The movies stay."""
        await self._at.open()
        with self._at.long_call() as cancellation:
            done = await disown(self._at, cancellation)
        await self.close()
        return done

    # --------------------------------------------------------------------------------------------------- queries

    async def window(self, query: Query, offset: int, limit: int) -> Window:
        """The ids of one window of a query's answer, and how many movies the whole answer has."""
        with self._at.call():
            if offset >= _NEAR and limit > 0:
                return await self._deep_window(query, offset, limit)
            ids = await self._ids(query, offset, limit) if limit > 0 else ()
            # A window that ends the answer knows how long it is.
            complete = len(ids) < limit and (ids or offset == 0)
            total = offset + len(ids) if complete else await self._count(matching(query))
        return Window(ids=ids, total=total)

    async def _deep_window(self, query: Query, offset: int, limit: int) -> Window:
        """A window that is walked to from the nearer end of the known or the unknown part."""
        first, rest = known_part(query), unknown_part(query)
        known = total = await self._count(first)
        if rest is not None:
            total = await self._count(matching(query))
        ids = await self._slice(first, order(query, known=True), known, offset, limit)
        if rest is not None and (lacking := limit - len(ids)):
            ids += await self._slice(rest, order(query, known=False), total - known, max(0, offset - known), lacking)
        return Window(ids=ids, total=total)

    async def _slice(
        self, chosen: Document, by: list[tuple[str, int]], size: int, skip: int, limit: int
    ) -> tuple[str, ...]:
        """Some of so many movies."""
        after = max(0, size - skip - limit)
        if skip >= size:
            return ()
        if skip <= after:
            return await self._part(chosen, by, skip, limit)
        return (await self._part(chosen, [(path, -way) for path, way in by], after, min(limit, size - skip)))[::-1]

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        """The ids of the first rows of a query's answer, without counting how many there are."""
        with self._at.call():
            return await self._ids(query, 0, limit)

    async def order(self, query: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        """Every movie of the query's answer as (id, key), ascending whatever its direction, the unknown ones last."""
        ascending = msgspec.structs.replace(query, descending=False)
        parts = ((known_part(query), True), (unknown_part(query), False))
        with self._at.long_call():
            for chosen, known in parts:
                if chosen is None:
                    continue
                async with self._at.movies.find(
                    chosen,
                    key_projection(query.sort),
                    sort=order(ascending, known=known),
                    batch_size=_FETCHED,
                    collation=BINARY,
                    allow_disk_use=True,
                ) as cursor:
                    while documents := await cursor.to_list(_FETCHED):
                        yield [key_in(document, query.sort) for document in documents]

    async def keys(self, query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        """The sort keys of those among these movies that are in the query's answer."""
        chosen: Document = {"$and": [{"_id": {"$in": _keys(ids)}}, matching(query)]}
        with self._at.call():
            found = await self._at.movies.find(chosen, key_projection(query.sort), collation=BINARY).to_list()
        return dict(key_in(document, query.sort) for document in found)

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        """What was committed since this was asked before, whoever did it."""
        with self._at.long_call():
            return await self._journal.changed_since(place)

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer have each value in a field of COUNTED, most first."""
        path = f"${value_path(field)}"
        stages: list[Document] = [
            {"$match": matching(query)},
            {"$unwind": path},
            {"$group": {"_id": path, "count": {"$sum": 1}}},
        ]
        with self._at.call():
            groups = await (await self._at.movies.aggregate(stages, collation=BINARY)).to_list()
        counts = (ValueCount(name=str(group["_id"]), count=group["count"]) for group in groups)
        return tuple(sorted(counts, key=lambda value: (-value.count, value.name)))

    async def get(self, id: str) -> Movie | None:
        """The movie, or None."""
        return (await self.get_many((id,))).get(id)

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        """The movies among these ids that exist, by id; one query."""
        with self._at.call():
            return {id_of(d["_id"]): movie_of(d) for d in await self._documents(ids)}

    async def count(self) -> int:
        """How many movies there are in all."""
        with self._at.call():
            return await self._count(OWNED)

    async def _ids(self, query: Query, offset: int, limit: int) -> tuple[str, ...]:
        known = await self._part(known_part(query), order(query, known=True), offset, limit)
        rest = unknown_part(query)
        if len(known) == limit or rest is None:
            return known
        before = offset + len(known) if known or offset == 0 else await self._count(known_part(query))
        skip = max(0, offset - before)
        return known + await self._part(rest, order(query, known=False), skip, limit - len(known))

    async def _part(self, chosen: Document, by: list[tuple[str, int]], skip: int, limit: int) -> tuple[str, ...]:
        cursor = self._at.movies.find(
            chosen,
            {"_id": 0, ID: 1},
            sort=by,
            skip=skip,
            limit=limit,
            batch_size=limit,
            collation=BINARY,
            allow_disk_use=True,
        )
        return tuple([document[OURS]["id"] async for document in cursor])

    async def _count(self, chosen: Document) -> int:
        return await self._at.movies.count_documents(chosen, collation=BINARY)

    async def _documents(self, ids: Sequence[str], session: AsyncClientSession | None = None) -> list[Document]:
        keys = _keys(ids)
        if not keys:
            return []
        chosen = {"_id": {"$in": keys}}
        return await self._at.movies.find(chosen, PROJECTION, batch_size=len(keys) + 1, session=session).to_list()

    # ---------------------------------------------------------------------------------------------------- writes

    async def insert(self, movie: Movie) -> Movie:
        """Add a movie; returns it with its version. Raises MovieExists."""
        with self._at.call():
            least = (await first_versions(self._at, (movie.id,)))[movie.id]
            try:
                # An upsert, for the server reads its clock when it inserts: after every removal that came before.
                added = await self._at.movies.find_one_and_update(
                    {"_id": {"$eq": key_of(movie.id)}, "title": {"$in": []}},  # which no present document passes
                    insertion(document_of(movie, least), least),
                    projection={f"{OURS}.version": 1},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError as problem:
                if (problem.details or {}).get("keyPattern", {}).keys() == {"_id"}:
                    raise MovieExists(movie.id) from None
                raise
            except PyMongoError as problem:
                if may_have_happened(problem):
                    raise outcome_unknown(self._at.address) from problem
                raise
            return replace(movie, version=await self._above_removal(movie.id, version_of(added or {})))

    async def _above_removal(self, id: str, version: int) -> int:
        """The version of a movie just inserted; raised where the id was inserted and removed since it was chosen.

        Whoever removes writes the tombstone first: the last one was there when the insert succeeded."""
        try:
            if await last_removal(self._at, id) < version:
                return version
            above = (await first_versions(self._at, (id,)))[id]
            raised = await self._at.movies.update_one(_still(id, version), {"$set": {f"{OURS}.version": Int64(above)}})
        except PyMongoError as problem:
            raise outcome_unknown(self._at.address) from problem
        return above if raised.modified_count else version

    async def update(self, movie: Movie) -> Movie:
        """Replace the movie whose version is still `movie.version`; returns it with its new version.

        Fields that did not change, and all that are not ours, stay as they are in the document.
        Raises MovieNotFound, or EditConflict holding the present movie."""
        with self._at.call():
            present = await self._at.movies.find_one(_still(movie.id, movie.version), PROJECTION)
            saved: Document | None = None
            if present is not None:
                try:
                    saved = await self._at.movies.find_one_and_update(
                        _still(movie.id, movie.version),
                        replacement(present, movie),
                        projection={f"{OURS}.version": 1},
                        return_document=ReturnDocument.AFTER,
                    )
                except PyMongoError as problem:
                    if may_have_happened(problem):
                        raise outcome_unknown(self._at.address) from problem
                    raise
            if saved is None:
                raise await self._refusal(movie.id, movie.version)
        return replace(movie, version=version_of(saved))

    async def delete(self, id: str, version: int) -> int:
        """Remove the movie whose version is still this; returns the version of the removal.

        Raises MovieNotFound, or EditConflict holding the present movie."""
        with self._at.call():
            if await self._at.movies.find_one(_still(id, version), {"_id": 1}) is None:
                raise await self._refusal(id, version)
            # The tombstone first: one too many only lets a later insert of this id begin higher.
            removal = await bury(self._at, id, version)
            try:
                gone = await self._at.movies.find_one_and_delete(_still(id, version), {"_id": 1})
            except PyMongoError as problem:
                if may_have_happened(problem):
                    raise outcome_unknown(self._at.address) from problem
                raise
            if gone is None:
                raise await self._refusal(id, version)
        return removal

    async def load(self, movies: Sequence[Movie]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same; in several transactions where it is large.

        Broken off, it leaves the parts before stored."""
        inserted = updated = 0
        with self._at.long_call() as cancellation:
            if self._bulks and await self._inserted(movies):
                cancellation.heed()
                return Stored(inserted=len(movies), updated=0, unchanged=0)
            for part in _parts(movies):
                new, changed = await self._at.transact(partial(self._load, part))
                inserted += new
                updated += changed
                cancellation.heed()
        return Stored(inserted=inserted, updated=updated, unchanged=len(movies) - inserted - updated)

    @asynccontextmanager
    async def bulk(self, expected: int) -> AsyncIterator[None]:
        """Within it about so many movies are loaded. Where far fewer are there before, indexes are made at its end."""
        with self._at.long_call():
            taken_away = await take_away(self._at, expected // 2)
        self._bulks += 1
        try:
            yield
        except Exception:
            if taken_away:
                await self._mend()
            raise
        else:
            if taken_away:
                with self._at.long_call():
                    await make_missing(self._at)
        finally:
            self._bulks -= 1

    async def _inserted(self, movies: Sequence[Movie]) -> bool:
        """Store the movies if all of them are new, without a transaction; tells whether that was done.

        Who inserts one of them at the same moment keeps it: then those of this batch that are stored are found to be
        so by the next attempt."""
        ids = [movie.id for movie in movies]
        if not ids or await self._at.movies.find_one({"_id": {"$in": _keys(ids)}}, {"_id": 1}) is not None:
            return False
        versions = await first_versions(self._at, ids)
        documents = await asyncio.to_thread(lambda: [document_of(movie, versions[movie.id]) for movie in movies])
        if len(self._own) > _MOST_OWN:
            self._own.clear()  # another process follows
        self._own.update(versions)
        try:
            await self._at.movies.insert_many(documents, ordered=False)
        except BulkWriteError as problem:
            for id in ids:
                self._own.pop(id, None)
            if any(error["code"] != _DUPLICATE for error in problem.details["writeErrors"]):
                raise
            return False
        for id, removal in (await removals(self._at, ids)).items():
            # Inserted and removed by somebody since the versions were chosen.
            if removal >= versions[id]:
                await self._above_removal(id, versions[id])
        return True

    async def _load(self, movies: Sequence[Movie], session: AsyncClientSession) -> tuple[int, int]:
        """How many were inserted, and how many replaced."""
        ids = [movie.id for movie in movies]
        present = {id_of(d["_id"]): d for d in await self._documents(ids, session)}
        versions = await first_versions(self._at, ids, session)
        fresh, changed = await asyncio.to_thread(_writes, movies, present, versions)
        if fresh:
            await self._at.movies.insert_many(fresh, ordered=False, session=session)
        if changed:
            await self._at.movies.bulk_write(changed, ordered=False, session=session)
        return len(fresh), len(changed)

    async def clear(self) -> None:
        """Remove all movies and notes. Raises ForeignCollection where others made the collection."""
        with self._at.long_call():
            if await made_by_others(self._at):
                raise ForeignCollection(
                    SERVER,
                    f"{self._at.movies.full_name} was made by others and is not emptied",
                    remedy="Disown it instead, which leaves its movies.",
                )
            await bury_all(self._at)
            await self._at.movies.drop()
            await self._at.notes.delete_many({"_id": {"$ne": OWNER}})
            await prepare(self._at, foreign=False)

    async def _refusal(self, id: str, base: int) -> MovieNotFound | EditConflict:
        """Why no movie of this id and version was found, by a read that waits for writes under way."""
        movies = self._at.movies.with_options(read_concern=ReadConcern("linearizable"))
        present = await movies.find_one({"_id": {"$in": _keys((id,))}}, PROJECTION)
        return MovieNotFound(id) if present is None else EditConflict(movie_of(present), base)

    # ----------------------------------------------------------------------------------------------------- notes

    async def note(self, name: str) -> str | None:
        """A small text kept beside the movies, or None."""
        with self._at.call():
            found = await self._at.notes.find_one({"_id": {"$eq": f"note:{name}"}})
        return None if found is None else str(found["text"])

    async def set_note(self, name: str, text: str) -> None:
        """Keep such a text."""
        with self._at.call():
            await self._at.notes.update_one({"_id": {"$eq": f"note:{name}"}}, {"$set": {"text": text}}, upsert=True)

    async def uid(self) -> str:
        """The random name of this collection, 16 hex digits, made once and kept in it."""
        # The server's own name for it: a copy of the documents has another.
        with self._at.call():
            return blake2b(await self._at.uuid(NOTES), digest_size=8).hexdigest()

    # ----------------------------------------------------------------------- what keeps a cache in front right

    async def follow(self, apply: Apply) -> None:
        """Hand every committed change to `apply`, whoever made it and by whatever program, until cancelled."""
        await follow(self._aside, apply, self._own)

    async def settle(self) -> None:
        """Return once every change that was committed before this call has been applied by a follower."""
        await settle(self._at)

    async def standing(self) -> Standing:
        """Look at the cache's standing: one cheap query on a connection of its own."""
        with self._at.call(_GLANCE):
            return await standing(self._aside)

    async def suspend(self, holder: str, seconds: float) -> None:
        """Say for all copies to see that the cache may be outdated, for so long at most; again renews it."""
        with self._at.call():
            await suspend(self._aside, holder, seconds)

    async def resume(self, holder: str) -> None:
        """Take this holder's suspension back."""
        with self._at.call():
            await resume(self._aside, holder)


def _parts(movies: Sequence[Movie]) -> Iterator[Sequence[Movie]]:
    """The movies in runs that one transaction can take."""
    first = text = 0
    for place, movie in enumerate(movies):
        length = len(movie.title) + sum(len(name) for field in WITHIN for name in getattr(movie, field))
        if text and text + length > _MOST_TEXT:
            yield movies[first:place]
            first, text = place, 0
        text += length
    if movies:
        yield movies[first:]


def _keys(ids: Sequence[str]) -> list[str | ObjectId]:
    """The `_id`s of these movies; an id that no movie can have is left out, for not every text can be asked for."""
    return [key_of(id) for id in ids if FIELD["id"].problem(id) is None]


def _still(id: str, version: int) -> Document:
    """The movie of this id, as long as it has this version; a missing one counts as 0."""
    versions: list[Any] = [version] if version else [0, None]
    return {"_id": {"$in": _keys((id,))}, f"{OURS}.version": {"$in": versions}}


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
