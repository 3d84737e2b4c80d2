"""The store in MongoDB: a collection in the public `sample_mflix` shape, made by us or somebody else's in place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from hashlib import blake2b
from typing import Final

import msgspec

from core.errors import ForeignCollection, StoreUnavailable
from core.model import Movie
from core.place import Place
from core.query import SCORE, Query, ValueCount
from core.score import Ranked
from core.stores import mongo_edits, mongo_theaters, mongo_windows
from core.stores.base import Apply, ChangedSince, Identity, SortKey, Standing, Stored, StoreName, Window
from core.stores.mongo_adoption import OWNER, adopt, disown, made_by_others, prepare, refuse_foreign
from core.stores.mongo_changes import follow, settle
from core.stores.mongo_connection import NOTES, MongoConnection
from core.stores.mongo_counts import value_counts
from core.stores.mongo_documents import Document, id_of, movie_of
from core.stores.mongo_errors import SERVER
from core.stores.mongo_journal import Journal
from core.stores.mongo_loading import Loads
from core.stores.mongo_mark import Mark
from core.stores.mongo_orders import whole_order
from core.stores.mongo_queries import (
    BINARY,
    ID,
    documents,
    key_in,
    key_projection,
    keys_of,
    known_part,
    matching,
    order,
    values_in,
    values_projection,
)
from core.stores.mongo_removals import bury_all
from core.stores.mongo_sample import Sample
from core.stores.mongo_standing import name_cache, resume, standing, suspend

_ASIDE: Final = 8
"""Connections kept apart for the cache's standing and the changes: more than ever wait for one another."""
_GLANCE: Final = 1.0
"""Seconds that a look at the cache's standing may take."""
_FETCHED: Final = 500
"""Rows of an order that come at once: to read some more of them would keep others waiting for longer than a frame."""


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
        self._sample = Sample(self._at)

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
        self._sample.draw_soon()

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._loads.close()
        await self._sample.close()
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
        return await mongo_windows.window(self._at, self._sample, query, offset, limit)

    async def first(self, query: Query, limit: int) -> tuple[str, ...]:
        """The ids of the first rows of a query's answer, without counting how many there are."""
        with self._at.call():
            return await mongo_windows.rows(self._at, self._sample, query, 0, limit)

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
        with self._at.long_call():
            async with aclosing(whole_order(self._at, query)) as parts:
                async for rows in parts:
                    yield rows

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
        return await value_counts(self._at, query, field)

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
            return await mongo_windows.count(self._at)

    # ---------------------------------------------------------------------------------------------------- writes

    async def insert(self, movie: Movie) -> Movie:
        """Add a movie; returns it with its version. Raises MovieExists."""
        with self._at.call():
            return await mongo_edits.insert(self._at, movie)

    async def update(self, movie: Movie, first: Awaitable[None] | None = None) -> Movie:
        """Replace the movie whose version is still `movie.version`; returns it with its new version. Nothing is changed
        before `first` has been awaited.

        Fields that did not change, and all that are not ours, stay as they are in the document.
        Raises MovieNotFound, or EditConflict holding the present movie."""
        with self._at.call():
            return await mongo_edits.update(self._at, movie, first)

    async def delete(self, id: str, version: int) -> int:
        """Remove the movie whose version is still this; returns the version of the removal.

        Raises MovieNotFound, or EditConflict holding the present movie."""
        with self._at.call():
            return await mongo_edits.delete(self._at, id, version)

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
