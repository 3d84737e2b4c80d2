"""The first rows by title of a search for words in MongoDB: met along the titles, with few documents looked at.

The index of the titles tells of most movies that their words do not begin so; it is walked along while those who pass
lie close together. Where they do not, the index of the words is asked for the first titles of one word, which it holds
beside it, and the walk leads over these titles alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import pymongo
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.errors import PyMongoError

from core.query import Query
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import OURS, Document
from core.stores.mongo_queries import (
    BINARY,
    ID,
    TITLE,
    WORDS,
    begun,
    is_of_any_field,
    order,
    sort_index,
    word_clause,
)
from core.stores.mongo_sample import Drawn, Sample

_A_TITLE: Final = 1.5
"""What it takes to tell a title of a word, in keys walked over."""
_UNSURE: Final = 2.2
"""How many times as far a walk may lead, for each word, as the share of those who have all words says: they may all
stand late, as titles do that begin with one."""
_SOON: Final = 2.0
"""Seconds of the rest of the walk, where more than words is sought and another way may be shorter."""
_AMONG: Final = 12
"""How many times as many titles as rows are walked over first, where not all who have the word pass."""
_MORE: Final = 20
"""How many times as many are when these were too few."""


async def first_by_title(at: MongoConnection, sample: Sample, query: Query, limit: int) -> tuple[str, ...] | None:
    """The first rows of an answer by title in which words are sought; None where they are far.

    One way alone is taken: two at once take from one another, and the loser from who reads the movies afterwards."""
    # Who types begins with a letter, which many have.
    drawn = await sample.drawn(wait=len(query.text) > 1)
    rare = _told_sooner(drawn, query, limit)
    if rare is not None:
        return await _among_titles(at, query, word_clause(rare), limit)
    # Where nothing but words is sought no other way could be shorter than the rest of the walk.
    return await along_titles(at, query, limit, _SOON if _sought_beside(query) else at.timeout)


def _told_sooner(drawn: Drawn, query: Query, limit: int) -> str | None:
    """The rarest word, where its titles are sooner told than so many movies with all words are met."""
    if not drawn.movies:
        return None
    having = {word: drawn.having(word) for word in query.words if is_of_any_field(word)}
    rarest = min(having, key=lambda word: sum(having[word]))
    share = max(0.5, sum(map(all, zip(*having.values(), strict=True)))) / len(drawn.movies)
    titles = sum(having[rarest]) / len(drawn.movies) * drawn.of
    return rarest if titles * _A_TITLE < limit / share * _UNSURE ** len(having) else None


async def along_titles(at: MongoConnection, query: Query, limit: int, seconds: float) -> tuple[str, ...] | None:
    """The first rows met along all titles; None where they are farther than so many seconds."""
    try:
        with pymongo.timeout(seconds):
            return _ids(await _walk(at, query, limit).to_list())
    except PyMongoError as problem:
        if not problem.timeout:
            raise
        return None


async def _among_titles(at: MongoConnection, query: Query, clause: Document, limit: int) -> tuple[str, ...]:
    """The first rows met along the titles of those who pass this clause."""
    all_pass = not _sought_beside(query) and len(query.words) == 1
    found: tuple[str, ...] = ()
    chosen, many = clause, limit if all_pass else _AMONG * limit
    while True:
        titles = await _titles(at, chosen, many, order(query, known=True)[0])
        if titles:
            found += _ids(await _walk(at, query, limit - len(found), titles).to_list())
        if len(found) == limit or len(titles) < many:
            return found
        beyond: Document = {TITLE: {"$lt" if query.descending else "$gt": titles[-1]}}
        chosen, many = {"$and": [clause, beyond]}, _MORE * many


async def _titles(at: MongoConnection, chosen: Document, many: int, by: tuple[str, int]) -> Sequence[str]:
    """The first titles of those who pass, of which the index of the words alone tells."""
    cursor = at.movies.find(chosen, {"_id": 0, TITLE: 1}, sort=[by], limit=many, batch_size=many)
    return [document[OURS]["title_key"] for document in await cursor.hint(WORDS).collation(BINARY).to_list()]


def _walk(at: MongoConnection, query: Query, limit: int, titles: Sequence[str] | None = None) -> AsyncCursor[Document]:
    """Along all titles, or these."""
    chosen = begun(query)
    if titles is not None:
        chosen = {"$and": [chosen, {TITLE: {"$in": list(dict.fromkeys(titles))}}]}
    by = order(query, known=True)
    cursor = at.movies.find(chosen, {"_id": 0, ID: 1}, sort=by, limit=limit, batch_size=limit)
    return cursor.hint(sort_index("title")).collation(BINARY)


def _sought_beside(query: Query) -> bool:
    """Whether more than words is sought."""
    return msgspec.structs.replace(query, text="").selective


def _ids(documents: Sequence[Document]) -> tuple[str, ...]:
    return tuple([document[OURS]["id"] for document in documents])
