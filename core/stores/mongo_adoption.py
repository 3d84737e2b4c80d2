"""Whose collection it is: ours from the start, or one that others made, which is adopted and can be given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import CollectionInvalid, OperationFailure

from core.errors import ForeignCollection
from core.stores.mongo_calls import Cancellation
from core.stores.mongo_connection import MOVIES, NOTES, RELAY, SUSPENSIONS, TOMBSTONES, MongoConnection
from core.stores.mongo_documents import NAMEABLE, OURS, PROJECTION, SCHEME, Document, movie_of, stamped
from core.stores.mongo_errors import SERVER
from core.stores.mongo_healing import heal_all
from core.stores.mongo_indexes import made, make_missing, small
from core.stores.mongo_lease import bar_leaders, make_lease
from core.stores.mongo_queries import ID, INDEX_PREFIX, LACKING
from core.stores.mongo_theaters import remove_own

OWNER: Final = "owner"
"""The note that says whether others made the collection (`foreign`), and whether all of ours is in it (`ready`)."""
_COLLECTIONS: Final = (MOVIES, NOTES, TOMBSTONES, RELAY, SUSPENSIONS)
_TOMBSTONE_LIFE: Final = 86_400
"""Seconds that a removed movie's version is kept: far longer than a server's clock is ever set back."""
_BARRIER_LIFE: Final = 600
"""Seconds after which a barrier that somebody left behind is removed."""
_BATCH: Final = 500
_NAMESPACE_EXISTS: Final = 48
_SMALL_PAGES: Final[Document] = {"storageEngine": {"wiredTiger": {"configString": "leaf_page_max=8KB"}}}
"""Movies are read one here and one there: of a page that lies cold all is unpacked for one of them."""


async def refuse_foreign(at: MongoConnection) -> None:
    """Raise ForeignCollection where others made the collection and it was not wholly adopted."""
    owner = await at.notes.find_one({"_id": {"$eq": OWNER}})
    # Before the first adoption even a document that is no movie shows that others were here.
    unready = {ID: {"$exists": False}} if owner is None else LACKING
    if (owner is not None and owner["ready"]) or await at.movies.find_one(unready, {"_id": 1}) is None:
        return
    total = await at.movies.count_documents({})
    lacking = await at.movies.count_documents(LACKING)
    name = at.movies.full_name
    raise ForeignCollection(
        SERVER,
        f"{name} was made by others: {lacking} of its {total} documents are not prepared for Reelcache",
        remedy=f"Adopt {name} with `reelcache adopt`: each document gets one sub-document named {OURS},"
        " which can be taken away again.",
    )


async def made_by_others(at: MongoConnection) -> bool:
    """Whether the collection was there before us."""
    owner = await at.notes.find_one({"_id": {"$eq": OWNER}})
    return owner is not None and bool(owner["foreign"])


async def prepare(at: MongoConnection, *, foreign: bool) -> None:
    """Create our collections where missing, and note whose the collection is if nobody did.

    Of a large collection the indexes are left to `make_missing`: they take minutes, and nothing needs to wait."""
    present = await at.database.list_collection_names(filter={"name": {"$in": list(_COLLECTIONS)}})
    for name in _COLLECTIONS:
        # A server may have another engine, or let nobody set it up.
        if name not in present and (name != MOVIES or not await _created(at, name, _SMALL_PAGES, refused=True)):
            await _created(at, name, {})
    # Most often they are there, and to ask for that is cheaper than to count.
    if not await made(at) and await small(at):
        await make_missing(at)
    await at.tombstones.create_index("at", name=f"{INDEX_PREFIX}at", expireAfterSeconds=_TOMBSTONE_LIFE)
    await at.relay.create_index("at", name=f"{INDEX_PREFIX}at", expireAfterSeconds=_BARRIER_LIFE)
    await at.suspensions.create_index("until", name=f"{INDEX_PREFIX}until", expireAfterSeconds=0)
    await make_lease(at)
    owner = await at.notes.find_one({"_id": {"$eq": OWNER}}) or {}
    if owner.get("scheme") != SCHEME:
        # An older program made what is there, or nothing is: every sub-document is to be as this one makes it.
        await heal_all(at)
    if owner.get("scheme") != SCHEME or not owner.get("ready"):
        await _note_owner(at, {"$setOnInsert": {"foreign": foreign}, "$set": {"ready": True, "scheme": SCHEME}})


async def _created(at: MongoConnection, name: str, options: Document, *, refused: bool = False) -> bool:
    """Whether a collection is there; created with these options where it was not. `refused`: the server may do so."""
    try:
        await at.database.create_collection(name, **options)
    except CollectionInvalid:
        return True
    except OperationFailure as problem:
        # Another process may create it at the same moment; a transaction should not have to.
        if problem.code != _NAMESPACE_EXISTS:
            if refused:
                return False
            raise
    return True


async def adopt(at: MongoConnection, cancellation: Cancellation, progress: Callable[[int, int], None] | None) -> int:
    """Add the sub-document to every movie that lacks it, and our indexes; returns to how many. Can be taken up again.

    `progress` is told how many are done, of how many.
    """
    foreign = await at.movies.find_one({ID: {"$exists": False}}, {"_id": 1}) is not None
    if foreign:
        # Said before the first document is touched: an adoption broken off must not pass for a collection of ours.
        await _note_owner(at, {"$setOnInsert": {"foreign": True, "ready": False}})
    total = await at.movies.count_documents(LACKING)
    done = 0
    # By _id, so that what is written on the way is not met again.
    async with at.movies.find(LACKING, PROJECTION, batch_size=_BATCH).sort("_id").hint([("_id", 1)]) as cursor:
        while batch := await cursor.to_list(_BATCH):
            result = await at.movies.bulk_write([_adoption(document) for document in batch], ordered=False)
            done += result.modified_count
            if progress is not None:
                progress(min(done, total), total)
            cancellation.heed()
    await make_missing(at)
    await prepare(at, foreign=foreign)
    return done


async def disown(at: MongoConnection, cancellation: Cancellation) -> int:
    """Take the sub-documents, the theaters that we brought, our indexes and our collections away; returns from how many
    movies."""
    # Whoever follows the changes would take it for an edit by others and heal it.
    await bar_leaders(at)
    await _note_owner(at, {"$setOnInsert": {"foreign": True}, "$set": {"ready": False}})
    done = 0
    ours: dict[str, Any] = {OURS: {"$exists": True}, **NAMEABLE}
    async with at.movies.find(ours, {"_id": 1}, batch_size=_BATCH).sort("_id").hint([("_id", 1)]) as cursor:
        while batch := await cursor.to_list(_BATCH):
            keys = [document["_id"] for document in batch]
            result = await at.movies.update_many({"_id": {"$in": keys}}, {"$unset": {OURS: ""}})
            done += result.modified_count
            cancellation.heed()
    for name in await at.movies.index_information():
        if name.startswith(INDEX_PREFIX):
            await at.movies.drop_index(name)
    await remove_own(at)
    for collection in (at.tombstones, at.suspensions, at.relay, at.notes):
        await collection.drop()
    return done


async def _note_owner(at: MongoConnection, change: Document) -> None:
    await at.notes.update_one({"_id": {"$eq": OWNER}}, change, upsert=True)


def _adoption(document: Document) -> UpdateOne:
    # Again under the condition: another process may have adopted or edited it meanwhile.
    lacking = {"_id": {"$eq": document["_id"]}, ID: {"$exists": False}}
    return UpdateOne(lacking, [{"$set": {OURS: stamped(movie_of(document))}}])
