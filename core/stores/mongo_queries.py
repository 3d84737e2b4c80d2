"""How a `Query` is asked of MongoDB: filters, orders and the indexes that serve them, all over our sub-document.

Every value stands under an explicit operator, so nothing that a person types can be one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from bson import Int64, ObjectId
from bson.regex import Regex
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.collation import Collation

from core.model import FIELD
from core.query import ANY_BEGINNING, SORTED_AS_TEXT, SORTS, Query
from core.stores.base import SortKey
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import NAMEABLE, OURS, PROJECTION, Document, key_of

BINARY: Final = Collation(locale="simple")
"""Code-point order, whatever collation a foreign collection was made with."""
ID: Final = f"{OURS}.id"
INDEX_PREFIX: Final = f"{OURS}_"
WORDS: Final = f"{INDEX_PREFIX}words_title"
"""The index of the words that any search finds, each with the title's key: it tells the first titles of a word."""
_MARKED: Final = f"{INDEX_PREFIX}marked"
"""The index of the words of single fields."""
LARGE: Final = (WORDS, _MARKED)
"""Those that have ten and more entries a movie."""
IDS: Final = f"{INDEX_PREFIX}id"
"""The index of the ids."""
_TITLES: Final = f"{INDEX_PREFIX}title_beginnings"
"""The index of the titles; it also tells whose words begin so that a search may find them."""
BEGINNINGS: Final = f"{OURS}.beginnings"
_WORD: Final = f"{OURS}.words"
TITLE: Final = f"{OURS}.title_key"
_TITLED: Final[Document] = {TITLE: {"$gte": ""}}
OWNED: Final[Document] = {ID: {"$gte": ""}}
"""The documents that carry our sub-document."""
LACKING: Final[Document] = {ID: {"$exists": False}, **NAMEABLE}
"""The documents that could be movies, but lack our sub-document."""
_YEAR: Final = f"{OURS}.sort.year"
_LAST_YEAR: Final = 9_999
NO_FIELD: Final[Document] = {"_id": {"$literal": 0}}
"""With the record ids shown, an index answers this without its documents."""
RECORD: Final = "$recordId"
"""Where these are."""
NO_SUCH_INDEX: Final = (2, 291)
"""How the server refuses an index that is named to it and not there."""
_COMPARED: Final = {"least": "$gte", "most": "$lte", "above": "$gt", "below": "$lt"}


def keys_of(ids: Sequence[str]) -> list[str | ObjectId]:
    """The `_id`s of these movies; an id that no movie can have is left out, for not every text can be asked for."""
    return [key_of(id) for id in ids if FIELD["id"].problem(id) is None]


def still(id: str, version: int) -> Document:
    """The movie of this id, as long as it has this version; a missing one counts as 0."""
    versions: list[Any] = [version] if version else [0, None]
    return {"_id": {"$in": keys_of((id,))}, f"{OURS}.version": {"$in": versions}}


async def documents(
    at: MongoConnection, ids: Sequence[str], session: AsyncClientSession | None = None
) -> list[Document]:
    """The documents of those among these movies that exist, as far as a movie is read from them."""
    keys = keys_of(ids)
    if not keys:
        return []
    chosen = {"_id": {"$in": keys}}
    return await at.movies.find(chosen, PROJECTION, batch_size=len(keys) + 1, session=session).to_list()


def sort_path(sort: str) -> str:
    """Where the key of a sort lies."""
    return TITLE if sort == "title" else f"{OURS}.sort.{sort}"


def value_path(field: str) -> str:
    """Where the values of a field of COUNTED lie; unwinding takes a single one as a list of one."""
    return f"{OURS}.genres" if field == "genres" else sort_path(field) if field == "year" else field


def _known(sort: str) -> Document:
    """What a known key of a sort is: above all that another kind of key could be."""
    return {"$gte": "" if sort in SORTED_AS_TEXT else 0}


def indexes() -> list[IndexModel]:
    """All that queries need. A sort has its known values alone indexed: most fields are unknown in most movies."""
    by_sort = (
        IndexModel(
            [(sort_path(sort), ASCENDING), (ID, ASCENDING), *([(BEGINNINGS, ASCENDING)] if sort == "title" else [])],
            name=sort_index(sort),
            collation=BINARY,
            **({} if sort == "title" else {"partialFilterExpression": {sort_path(sort): _known(sort)}}),
        )
        for sort in SORTS
    )
    by_value = (
        IndexModel([(f"{OURS}.{name}", ASCENDING)], name=INDEX_PREFIX + name, collation=BINARY)
        for name in ("id", "marked", "genres")
    )
    by_word = IndexModel([(_WORD, ASCENDING), (TITLE, ASCENDING)], name=WORDS, collation=BINARY)
    return [by_word, *by_value, *by_sort]


def sort_index(sort: str) -> str:
    """The name of the index that holds a sort."""
    if sort == "title":
        return _TITLES
    return f"{INDEX_PREFIX}{sort}{'_key' if sort in SORTED_AS_TEXT[1:] else ''}"


def clauses(query: Query) -> list[tuple[str, Document]]:
    """What a query's movies must all pass, each with the name of the index whose keys alone tell who passes it."""
    # Of two bounds the index of a list takes one, and looks the other up in each document; a beginning it takes whole.
    found = [*map(clause_of, query.words)]
    found += [(f"{INDEX_PREFIX}genres", {f"{OURS}.genres": {"$eq": genre}}) for genre in query.genres]
    if query.year_from is not None or query.year_to is not None:
        first = 0 if query.year_from is None else query.year_from
        last = _LAST_YEAR if query.year_to is None else query.year_to
        within = {"$gte": max(0, min(first, _LAST_YEAR + 1)), "$lte": max(-1, min(last, _LAST_YEAR))}
        found.append((sort_index("year"), {_YEAR: within}))
    for limits in query.ranges:
        compared = {_COMPARED[side]: bound for side, bound in limits.bounds.items()}
        # The index holds known values alone, and is not asked where a bound reaches below them.
        compared["$gte"] = max(0, compared.get("$gte", 0))
        found.append((sort_index(limits.field), {sort_path(limits.field): compared}))
    return found


def matching(query: Query) -> Document:
    """The filter that a query's movies pass, `OWNED` where it filters nothing out."""
    several = [{"$or": [{"$and": [*map(word_clause, words)]} for words in choice]} for choice in query.choices]
    return {"$and": [*(clause for _, clause in clauses(query)), *several]} if query.selective else OWNED


def is_of_any_field(word: str) -> bool:
    """Whether a word of a query is one that any search finds, and `WORDS` tells of: not marked as of a single field."""
    return not word.startswith(" ")


def word_clause(word: str) -> Document:
    """The filter of the movies that a word of a query finds."""
    return {_WORD if is_of_any_field(word) else f"{OURS}.marked": {"$regex": f"^{re.escape(word)}"}}


def clause_of(word: str) -> tuple[str, Document]:
    """The index that tells who has a word of a query, and the filter for it."""
    return WORDS if is_of_any_field(word) else _MARKED, word_clause(word)


def begun(query: Query) -> Document | None:
    """The filter of a query's movies in which the index of its sort tells of most others that they do not pass; None
    where that is not by title, or no word is sought that any search finds."""
    if query.sort != "title" or not query.beginnings:
        return None
    return {"$and": [known_part(query), begun_so(query)]}


def begun_so(query: Query) -> Document:
    """The filter of the movies among whose beginnings those of the words sought are, and of those with too many to be
    kept: the index of the titles tells it."""
    # They stand in order, so that one pattern finds all; what begins another one is found with that. Every key walked
    # over is matched: with ANY_BEGINNING in the pattern the server would not look for its first letter alone.
    starts = [start for start in sorted(query.beginnings) if not _begins_another(start, query.beginnings)]
    told = Regex(".*".join(map(re.escape, starts)))
    return {**_TITLED, BEGINNINGS: {"$in": [ANY_BEGINNING, told]}}


def begun_anyhow(query: Query) -> Document:
    """The filter of those of a query's movies whose beginnings are too many to be kept."""
    return {"$and": [{**_TITLED, BEGINNINGS: {"$eq": ANY_BEGINNING}}, matching(query)]}


def told_by_beginnings(query: Query) -> bool:
    """Whether it passes a query's filter where the words of a movie begin so: only short words are sought."""
    whole = tuple(f" {word}" for word in query.words)
    return query.beginnings == whole and len(clauses(query)) == len(whole) and not query.choices


def _begins_another(start: str, starts: Sequence[str]) -> bool:
    return any(other != start and other.startswith(start) for other in starts)


def known_part(query: Query) -> Document:
    """The filter of the movies whose sort key is known: they come first, in both directions."""
    return _both({sort_path(query.sort): _known(query.sort)}, query)


def walked(query: Query) -> Document:
    """The part of the sort's index in which the movies whose key is known lie."""
    bounds = [clause for index, clause in clauses(query) if index == sort_index(query.sort)]
    return {"$and": [{sort_path(query.sort): _known(query.sort)}, *bounds]}


def unknown_part(query: Query) -> Document | None:
    """The filter of the movies whose sort key is unknown: they come last; None where there can be none."""
    bounded = any(index == sort_index(query.sort) for index, _ in clauses(query))
    if query.sort == "title" or bounded:
        return None
    return _both({sort_path(query.sort): {"$exists": False}, **OWNED}, query)


def order(query: Query, *, known: bool) -> list[tuple[str, int]]:
    """The order within one part: by key and id, or by id alone, all in the direction of the query."""
    direction = DESCENDING if query.descending else ASCENDING
    return [*([(sort_path(query.sort), direction)] if known else []), (ID, direction)]


def key_projection(sort: str) -> Document:
    """What `key_in` reads: an index holds it, so that no document is looked at."""
    return {"_id": 0, ID: 1, sort_path(sort): 1}


def key_in(document: Document, sort: str) -> tuple[str, SortKey]:
    """The id and the sort key in a document so projected."""
    ours = document[OURS]
    key = ours["title_key"] if sort == "title" else ours.get("sort", {}).get(sort)
    # Beyond 31 bits it comes as a class of the driver's, which nobody else can encode.
    return ours["id"], int(key) if type(key) is Int64 else key


def values_projection(field: str) -> Document:
    """What `values_in` reads."""
    return {"_id": 0, ID: 1, value_path(field): 1}


def values_in(document: Document, field: str) -> tuple[str, tuple[str, ...]]:
    """The id and the values of a field in a document so projected, as unwinding would find them."""
    value: Any = document
    for name in value_path(field).split("."):
        value = value.get(name) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [] if value is None else [value]
    return document[OURS]["id"], tuple(map(str, values))


def _both(part: Document, query: Query) -> Document:
    return {"$and": [part, matching(query)]} if query.selective else part
