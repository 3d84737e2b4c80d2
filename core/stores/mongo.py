"""The store in MongoDB: a collection in the public `sample_mflix` shape, made by us or somebody else's in place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from hashlib import blake2b
from typing import Final

import msgspec
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from core.errors import EditConflict, ForeignCollection, MovieExists, MovieNotFound, StoreUnavailable
from core.model import Movie, replace
from core.place import Place
from core.query import SCORE, Query, ValueCount
from core.score import Ranked
from core.stores import mongo_theaters
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
from core.stores.mongo_first import MOST, first_rows
from core.stores.mongo_journal import Journal
from core.stores.mongo_loading import Loads
from core.stores.mongo_mark import Mark
from core.stores.mongo_queries import (
    BINARY,
    ID,
    OWNED,
    documents,
    key_in,
    key_projection,
    keys_of,
    known_part,
    matching,
    order,
    still,
    unknown_part,
    value_path,
    values_in,
    values_projection,
)
from core.stores.mongo_removals import above_removal, bury, bury_all, first_versions
from core.stores.mongo_standing import name_cache, resume, standing, suspend

_ASIDE: Final = 8
"""Connections kept apart for the cache's standing and the changes: more than ever wait for one another."""
_GLANCE: Final = 1.0
"""Seconds that a look at the cache's standing may take."""
_FETCHED: Final = 500
"""Rows of an order that come at once: to read some more of them would keep others waiting for longer than a frame."""
_NEAR: Final = 10_000
"""Rows that are walked over sooner than all are counted."""


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
        self._mark = Mark()
        self._loads = Loads(self._at, self._mark)

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
        self._loads.mend_soon()

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._loads.close()
        with suppress(StoreUnavailable), self._at.call(_GLANCE):
            await self._journal.close()
        await self._at.close()
        await self._aside.close()

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

    async def ranked(self, query: Query, limit: int) -> tuple[Ranked, ...]:
        """The movies of a query's answer that have most points, most first."""
        best = msgspec.structs.replace(query, sort=SCORE, descending=True)
        with self._at.call():
            found = await self._at.movies.find(
                known_part(best),
                key_projection(SCORE),
                sort=order(best, known=True),
                limit=limit,
                collation=BINARY,
                allow_disk_use=True,
            ).to_list()
        rows = (key_in(document, SCORE) for document in found)
        return tuple(Ranked(id, points) for id, points in rows if isinstance(points, int))

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
        chosen: Document = {"$and": [{"_id": {"$in": keys_of(ids)}}, matching(query)]}
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

    async def values(self, query: Query, field: str) -> AsyncGenerator[Sequence[tuple[str, tuple[str, ...]]]]:
        """Every movie of the query's answer as (id, its values in a field of COUNTED), ascending by id."""
        with self._at.long_call():
            async with self._at.movies.find(
                matching(query), values_projection(field), sort=[(ID, 1)], batch_size=_FETCHED, collation=BINARY
            ) as cursor:
                while documents := await cursor.to_list(_FETCHED):
                    yield [values_in(document, field) for document in documents]

    async def values_of(self, query: Query, field: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The values of those among these movies that are in the query's answer."""
        chosen: Document = {"$and": [{"_id": {"$in": keys_of(ids)}}, matching(query)]}
        with self._at.call():
            found = await self._at.movies.find(chosen, values_projection(field), collation=BINARY).to_list()
        return dict(values_in(document, field) for document in found)

    async def get(self, id: str) -> Movie | None:
        """The movie, or None."""
        return (await self.get_many((id,))).get(id)

    async def get_many(self, ids: Sequence[str]) -> dict[str, Movie]:
        """The movies among these ids that exist, by id; one query."""
        with self._at.call():
            return {id_of(d["_id"]): movie_of(d) for d in await documents(self._at, ids)}

    async def theaters(self, south: float = -90.0, north: float = 90.0) -> AsyncGenerator[Sequence[Place]]:
        """Every theater between two latitudes, ascending by id."""
        async with aclosing(mongo_theaters.theaters(self._at, south, north)) as parts:
            async for theaters in parts:
                yield theaters

    async def load_theaters(self, theaters: Sequence[Place]) -> Stored:
        """Insert or replace a batch by id, skipping those that are the same."""
        return await mongo_theaters.load(self._at, theaters)

    async def count(self) -> int:
        """How many movies there are in all."""
        with self._at.call():
            return await self._count(OWNED)

    async def _ids(self, query: Query, offset: int, limit: int) -> tuple[str, ...]:
        if query.selective and offset + limit <= MOST:
            found = await first_rows(self._at, query, offset + limit)
            if found is not None:
                return found[offset:]
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
            return replace(movie, version=await above_removal(self._at, movie.id, version_of(added or {})))

    async def update(self, movie: Movie, first: Awaitable[None] | None = None) -> Movie:
        """Replace the movie whose version is still `movie.version`; returns it with its new version. Nothing is changed
        before `first` has been awaited.

        Fields that did not change, and all that are not ours, stay as they are in the document.
        Raises MovieNotFound, or EditConflict holding the present movie."""
        with self._at.call():
            present = await self._at.movies.find_one(still(movie.id, movie.version), PROJECTION)
            if first is not None:
                await first
            saved: Document | None = None
            if present is not None:
                try:
                    saved = await self._at.movies.find_one_and_update(
                        still(movie.id, movie.version),
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
            if await self._at.movies.find_one(still(id, version), {"_id": 1}) is None:
                raise await self._refusal(id, version)
            # The tombstone first: one too many only lets a later insert of this id begin higher.
            removal = await bury(self._at, id, version)
            try:
                gone = await self._at.movies.find_one_and_delete(still(id, version), {"_id": 1})
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
        return await self._loads.load(movies)

    def bulk(self, expected: int) -> AbstractAsyncContextManager[None]:
        """Within it about so many movies are loaded. Where far fewer are there before, indexes are made at its end."""
        return self._loads.bulk(expected)

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
            await mongo_theaters.remove_own(self._at)
            await prepare(self._at, foreign=False)

    async def _refusal(self, id: str, base: int) -> MovieNotFound | EditConflict:
        """Why no movie of this id and version was found, by a read that waits for writes under way."""
        movies = self._at.movies.with_options(read_concern=ReadConcern("linearizable"))
        present = await movies.find_one({"_id": {"$in": keys_of((id,))}}, PROJECTION)
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
        await follow(self._aside, apply, self._mark)

    async def settle(self) -> None:
        """Return once every change that was committed before this call has been applied by a follower."""
        await settle(self._at)

    async def standing(self) -> Standing:
        """Look at the cache's standing: one cheap query on a connection of its own."""
        with self._at.call(_GLANCE):
            return await standing(self._aside)

    async def name_cache(self, before: str | None, after: str) -> bool:
        """Say for all copies to see which Redis is the cache; False where it is not `before` that was said."""
        with self._at.call():
            return await name_cache(self._aside, before, after)

    async def suspend(self, holder: str, seconds: float) -> None:
        """Say for all copies to see that the cache may be outdated, for so long at most; again renews it."""
        with self._at.call():
            await suspend(self._aside, holder, seconds)

    async def resume(self, holder: str) -> None:
        """Take this holder's suspension back."""
        with self._at.call():
            await resume(self._aside, holder)
