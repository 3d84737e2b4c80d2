"""The first rows by title of a search for words in MongoDB: met along the titles, with few documents looked at.

The index of the titles tells of most movies that their words do not begin so; it is walked along while those who pass
lie close together. Where they do not, the index of the words tells the titles of one word, which it holds beside it,
and the walk leads over these alone. It tells them band after band of the titles, each as wide as the rows that are
lacking need: the server leaps from word to word and meets the titles within the band. Where these are many the titles
of another word are told as well, and the walk leads over those alone that both have.
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

_A_TITLE: Final = 8.0
"""What it takes to tell a title of a word and to look it up, in keys that are walked over one after the other."""
_WORDS: Final = 150_000.0
"""The same of the leaps from word to word, if all words were told of: of others as many as movies have them. Each leads
to another page, which may lie cold, where a walk meets some hundred keys on one."""
_ASKING: Final = 700.0
"""The same of asking twice."""
_UNSURE: Final = 2.2
"""How many times as far a walk may lead, for each word, as the share of those who have all words says: they may all
stand late, as titles do that begin with one."""
_SOON: Final = 2.0
"""Seconds of the rest of the walk, where more than words is sought and another way may be shorter."""
_WIDER: Final = 2.0
"""How many times as wide a band is as it would be if those who pass stood evenly: to ask again takes longer."""
_FEWER: Final = 2.0
"""How many times as wide the first one is where more than words is sought."""
_FEW: Final = 500
"""Titles that are sooner told at once than in two bands, and sooner looked up than those of another word are told."""
_ONWARD: Final = 1.5, 2.5
"""How many times as far the titles lead with the next one, at least and at most: what was found may stand late."""
_JOINED: Final = 2.0
"""How many times as many titles another word may have there that are told, too, sooner than many are looked up."""
_MOST_TOLD: Final = 20_000
"""Titles of one band. Where there are more, the sample was mistaken."""


async def first_by_title(at: MongoConnection, sample: Sample, query: Query, limit: int) -> tuple[str, ...] | None:
    """The first rows of an answer by title in which words are sought; None where they are far.

    One way alone is taken: two at once take from one another, and the loser from who reads the movies afterwards."""
    # Who types begins with a letter, which many have.
    drawn = await sample.drawn(wait=len(query.text) > 1)
    rare = _told_sooner(drawn, query, limit)
    if rare is not None and (found := await _among_titles(at, drawn, query, rare, limit)) is not None:
        return found
    # Where nothing but words is sought no other way could be shorter than the rest of the walk.
    return await along_titles(at, query, limit, _SOON if _sought_beside(query) else at.timeout)


def _told_sooner(drawn: Drawn, query: Query, limit: int) -> str | None:
    """The rarest word, where its titles are sooner told than so many movies with all words are met."""
    if not drawn.movies:
        return None
    words = _words(query)
    rare, rarest = min((drawn.share(word), word) for word in words)
    passing = drawn.share(*words) if len(words) > 1 else rare
    titles = min(limit * _WIDER * rare / passing, rare * drawn.of)
    return rarest if titles * _A_TITLE + rare * _WORDS + _ASKING < limit / passing * _UNSURE ** len(words) else None


async def along_titles(at: MongoConnection, query: Query, limit: int, seconds: float) -> tuple[str, ...] | None:
    """The first rows met along all titles; None where they are farther than so many seconds."""
    try:
        with pymongo.timeout(seconds):
            return _ids(await _walk(at, query, limit).to_list())
    except PyMongoError as problem:
        if not problem.timeout:
            raise
        return None


async def _among_titles(
    at: MongoConnection, drawn: Drawn, query: Query, word: str, limit: int
) -> tuple[str, ...] | None:
    """The first rows met along the titles of those who have this word; None where too many have it."""
    alone = len(query.words) == 1 and not _sought_beside(query)
    found: tuple[str, ...] = ()
    told, after, begin, end = 0, None, 0.0, _first_band(drawn, query, word, limit)
    while True:
        upto = drawn.title_behind(end, descending=query.descending)
        band = _band(query, after, upto)
        keys = await _titles(at, word, band)
        if len(keys) == _MOST_TOLD:
            return None
        told += len(keys)
        if alone and len(keys) > limit - len(found):
            # All of them pass: the first ones are enough, if their movies are still there.
            keys = sorted(keys, reverse=query.descending)[: limit - len(found)]
            upto = keys[-1]
        titles = set(keys)
        for other in _also_told(drawn, query, word, len(keys), min(1.0, end) - begin):
            also = await _titles(at, other, band)
            if len(also) < _MOST_TOLD:
                titles.intersection_update(also)
        if titles:
            found += _ids(await _walk(at, query, limit - len(found), list(titles)).to_list())
        if len(found) == limit or upto is None:
            return found
        after, begin = upto, end
        least, most = _ONWARD
        evenly = 1 + _WIDER * (limit - len(found)) / max(1, len(found))
        end *= max(least, min(evenly, max(most, _FEW / max(1, told))))


def _also_told(drawn: Drawn, query: Query, word: str, many: int, width: float) -> list[str]:
    """The other words whose titles within a band of this width are told, too, where this word has so many there."""
    others = [other for other in _words(query) if other != word]
    if not others or many < _FEW or not drawn.movies:
        return []
    most = _JOINED * many / (width * drawn.of)
    return [other for other in others if drawn.share(other) <= most]


def _first_band(drawn: Drawn, query: Query, word: str, limit: int) -> float:
    """How wide the first band is, as a share of all titles."""
    if not drawn.movies:
        return 1.0
    wider = _WIDER * (_FEWER if _sought_beside(query) else 1.0)
    return max(wider * limit / drawn.share(*_words(query)), _FEW / drawn.share(word)) / drawn.of


def _band(query: Query, after: str | None, upto: str | None) -> Document:
    """The filter of the titles behind one and up to another, in the direction of the query."""
    behind, until = ("$lt", "$gte") if query.descending else ("$gt", "$lte")
    return {TITLE: {"$gte": ""} | ({} if after is None else {behind: after}) | ({} if upto is None else {until: upto})}


async def _titles(at: MongoConnection, word: str, band: Document) -> Sequence[str]:
    """The titles within this band of those who have the word, of which the index of the words alone tells."""
    # A key as it stands in the index costs the server less than what a projection makes of it.
    chosen: Document = {"$and": [word_clause(word), band]}
    cursor = at.movies.find(chosen, return_key=True, limit=_MOST_TOLD, batch_size=_MOST_TOLD)
    return [key[TITLE] for key in await cursor.hint(WORDS).collation(BINARY).to_list()]


def _walk(at: MongoConnection, query: Query, limit: int, titles: Sequence[str] | None = None) -> AsyncCursor[Document]:
    """Along all titles, or these."""
    chosen = begun(query)
    if titles is not None:
        chosen = {"$and": [chosen, {TITLE: {"$in": titles}}]}
    by = order(query, known=True)
    cursor = at.movies.find(chosen, {"_id": 0, ID: 1}, sort=by, limit=limit, batch_size=limit)
    return cursor.hint(sort_index("title")).collation(BINARY)


def _words(query: Query) -> list[str]:
    """The words that any search finds."""
    return [word for word in query.words if is_of_any_field(word)]


def _sought_beside(query: Query) -> bool:
    """Whether more than words is sought."""
    return msgspec.structs.replace(query, text="").selective


def _ids(documents: Sequence[Document]) -> tuple[str, ...]:
    return tuple([document[OURS]["id"] for document in documents])
