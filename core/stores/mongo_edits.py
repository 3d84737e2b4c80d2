"""Edits in MongoDB: one movie written at a time, each by one command that finds it as its writer last saw it."""

from __future__ import annotations

from collections.abc import Awaitable

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from core.errors import EditConflict, MovieExists, MovieNotFound
from core.model import Movie, replace
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import (
    OURS,
    PROJECTION,
    Document,
    document_of,
    insertion,
    key_of,
    movie_of,
    replacement,
    version_of,
)
from core.stores.mongo_errors import may_have_happened, outcome_unknown
from core.stores.mongo_queries import keys_of, still
from core.stores.mongo_removals import above_removal, bury, first_versions


async def insert(at: MongoConnection, movie: Movie) -> Movie:
    """Add a movie; returns it with its version. Raises MovieExists."""
    least = (await first_versions(at, (movie.id,)))[movie.id]
    try:
        # An upsert, for the server reads its clock when it inserts: after every removal that came before.
        added = await at.movies.find_one_and_update(
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
            raise outcome_unknown(at.address) from problem
        raise
    return replace(movie, version=await above_removal(at, movie.id, version_of(added or {})))


async def update(at: MongoConnection, movie: Movie, first: Awaitable[None] | None) -> Movie:
    """Replace the movie whose version is still `movie.version`; returns it with its new version. Nothing is changed
    before `first` has been awaited.

    Fields that did not change, and all that are not ours, stay as they are in the document.
    Raises MovieNotFound, or EditConflict holding the present movie."""
    present = await at.movies.find_one(still(movie.id, movie.version), PROJECTION)
    if first is not None:
        await first
    saved: Document | None = None
    if present is not None:
        try:
            saved = await at.movies.find_one_and_update(
                still(movie.id, movie.version),
                replacement(present, movie),
                projection={f"{OURS}.version": 1},
                return_document=ReturnDocument.AFTER,
            )
        except PyMongoError as problem:
            if may_have_happened(problem):
                raise outcome_unknown(at.address) from problem
            raise
    if saved is None:
        raise await _refusal(at, movie.id, movie.version)
    return replace(movie, version=version_of(saved))


async def delete(at: MongoConnection, id: str, version: int) -> int:
    """Remove the movie whose version is still this; returns the version of the removal.

    Raises MovieNotFound, or EditConflict holding the present movie."""
    if await at.movies.find_one(still(id, version), {"_id": 1}) is None:
        raise await _refusal(at, id, version)
    # The tombstone first: one too many only lets a later insert of this id begin higher.
    removal = await bury(at, id, version)
    try:
        gone = await at.movies.find_one_and_delete(still(id, version), {"_id": 1})
    except PyMongoError as problem:
        if may_have_happened(problem):
            raise outcome_unknown(at.address) from problem
        raise
    if gone is None:
        raise await _refusal(at, id, version)
    return removal


async def _refusal(at: MongoConnection, id: str, base: int) -> MovieNotFound | EditConflict:
    """Why no movie of this id and version was found, by a read that waits for writes under way."""
    movies = at.movies.with_options(read_concern=ReadConcern("linearizable"))
    present = await movies.find_one({"_id": {"$in": keys_of((id,))}}, PROJECTION)
    return MovieNotFound(id) if present is None else EditConflict(movie_of(present), base)
