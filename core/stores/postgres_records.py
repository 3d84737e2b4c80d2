"""A movie as PostgreSQL takes and gives it: batches travel there as one JSON parameter, rows come back as tuples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import msgspec
from psycopg import sql

from core.model import FIELD, FIELDS, Movie, Value, value_of
from core.query import SCORE, SORTED_AS_TEXT, SORTS, movie_words, sort_key

LONGEST_WORD: Final = 500
"""Characters of a word that are searched: a lexeme of more than 2,046 bytes breaks a tsvector without an error."""
LONGEST_KEY: Final = 500
"""Characters of a text that are sorted by: an index entry holds at most 2,704 bytes."""
_LONGEST_WORDS: Final = 1_000_000
"""Bytes of all words of one movie: a tsvector holds at most 1 MiB."""

_TYPES: Final = {"text": "text", "integer": "bigint", "decimal": "double precision", "date": "date", "list": "text[]"}
_NAMES: Final = tuple(field.name for field in FIELDS)
_LISTS: Final = tuple(field.name for field in FIELDS if field.kind == "list")


def _columns(names: Iterable[str], of: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) if of is None else sql.Identifier(of, name) for name in names)


READ: Final = _columns((*_NAMES, "version"))
"""The columns that `movie_of` reads, in its order."""
CONTENT: Final = _columns(_NAMES, "movie")
"""What a movie aliased `movie` says."""
GIVEN_CONTENT: Final = _columns(_NAMES, "given")
"""The same of a row aliased `given`."""
KEYS: Final = {sort: f"{sort}_key" for sort in SORTED_AS_TEXT}
"""The column that holds the key of each sort by text."""
ORDERED: Final[dict[str, sql.Composable]] = {
    **{sort: sql.Identifier(KEYS.get(sort, sort)) for sort in SORTS},
    SCORE: sql.SQL("reelcache.points(critic_rating, critic_reviews)"),
}
"""What each sort orders the movies by."""
STORED_COLUMNS: Final = (*_NAMES, *KEYS.values(), "words")
"""The names of the columns that a write sets, apart from the version."""
STORED: Final = _columns((*STORED_COLUMNS, "version"))
"""The columns that a write sets."""
GIVEN_STORED: Final = sql.SQL("{}, {}, array_to_tsvector(given.words), 0").format(
    GIVEN_CONTENT, _columns(KEYS.values(), "given")
)
"""Their values. Version 0 tells the trigger that the keys fit."""
GIVEN: Final = sql.SQL("json_to_recordset(%s) as given ({}, words text[])").format(
    sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type))
        for name, type in ((*((f.name, _TYPES[f.kind]) for f in FIELDS), *((key, "text") for key in KEYS.values())))
    )
)
"""Movies written by `as_json`, as rows."""


def as_json(movies: Iterable[Movie]) -> str:
    """The movies with their sort keys and search words, as the parameter of GIVEN."""
    return msgspec.json.encode([_row(movie) for movie in movies]).decode()


def movie_of(row: Sequence[Value]) -> Movie:
    """The movie in a row of the columns READ."""
    values = dict(zip(_NAMES, row, strict=False))
    for name in _LISTS:
        values[name] = tuple(values[name])  # type: ignore[arg-type]  # lists are never null in the table
    return Movie(version=row[-1], **values)  # type: ignore[arg-type]  # typed by the columns of the table


def possible_id(id: str) -> bool:
    """Whether a movie can have this id at all; another text might not even reach the server."""
    return bool(id) and FIELD["id"].problem(id) is None


def searched(word: str) -> str:
    """The part of a word that is kept and asked for."""
    return word[:LONGEST_WORD]


def _row(movie: Movie) -> dict[str, Value | date]:
    row: dict[str, Value | date] = {name: value_of(movie, name) for name in _NAMES}
    for sort, column in KEYS.items():
        row[column] = key_of(movie, sort)
    row["words"] = kept_words(movie)
    return row


def key_of(movie: Movie, sort: str) -> str | None:
    """The key of a sort by text, as far as it is kept."""
    key = sort_key(movie, sort)
    return key[:LONGEST_KEY] if isinstance(key, str) else None


def kept_words(movie: Movie) -> tuple[str, ...]:
    """The words of a movie, cut so far that a tsvector holds them all: 500 names of 200 wide characters would not."""
    words = movie_words(movie)
    for longest in (LONGEST_WORD, 100, 20):
        kept = tuple(dict.fromkeys(word[:longest] for word in words))
        if sum(len(word.encode()) for word in kept) <= _LONGEST_WORDS:
            break
    return kept
