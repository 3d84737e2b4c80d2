"""Movies as lines of COPY, the fastest way into PostgreSQL: the server parses them at a third of the price of JSON.

An absent value is an empty cell: no text and no list of ours is written as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from psycopg import sql

from core.model import FIELDS, Movie
from core.query import WITHIN, words_of
from core.stores.postgres_records import KEYS, LONGEST_WORD, STORED_COLUMNS, kept_words, key_of

_values: Final = attrgetter(*(field.name for field in FIELDS))
_TABS: Final = len(STORED_COLUMNS) - 1
_ESCAPED: Final = {ord(raw): f"\\{letter}" for raw, letter in zip("\\\t\n\r", "\\tnr", strict=True)}
_MUCH_TEXT: Final = 100_000
"""Characters of words from which on they may be too many for a tsvector."""

COPY: Final = sql.SQL("copy reelcache.movies ({}) from stdin with (null '')").format(
    sql.SQL(", ").join(map(sql.Identifier, STORED_COLUMNS))
)
"""Takes what `lines` gives. The version comes from the setting `reelcache.version`, by the column's default."""


def lines(movies: Iterable[Movie]) -> bytes:
    """The movies as COPY reads them."""
    return "".join(map(_line, movies)).encode()


def _line(movie: Movie) -> str:
    cells = [
        "" if value is None else value if type(value) is str else _array(value) if type(value) is tuple else str(value)
        for value in _values(movie)
    ]
    cells += [key_of(movie, sort) or "" for sort in KEYS]
    cells.append(_words(movie))
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != _TABS:
        line = "\t".join(cell.translate(_ESCAPED) for cell in cells)
    return line + "\n"


def _array(entries: Sequence[str]) -> str:
    joined = '","'.join(entries)
    if "\\" in joined or joined.count('"') > 2 * (len(entries) - 1):
        joined = '","'.join(entry.replace("\\", "\\\\").replace('"', '\\"') for entry in entries)
    return f'{{"{joined}"}}' if entries else "{}"


def _words(movie: Movie) -> str:
    """The words of a movie as a tsvector reads them."""
    found = _all_lexemes(movie)
    # No text without accents is as long as a word may be, and grows by folding.
    if len(found) > _MUCH_TEXT or not (found.isascii() or max(map(len, found.split(" '"))) <= LONGEST_WORD):
        return _quoted(kept_words(movie))
    return found


def _all_lexemes(movie: Movie) -> str:
    """The words in any order, one that recurs more than once."""
    found = [_quoted(words_of(movie.title)), *map(_lexemes, movie.directors), *map(_lexemes, movie.cast)]
    for field, mark in WITHIN.items():
        if within := " ".join(filter(None, map(_lexemes, getattr(movie, field)))):
            # Each word begins behind an apostrophe, where its mark goes.
            found.append(f"'{mark}" + within[1:].replace(" '", f" '{mark}"))
    return " ".join(filter(None, found))


@lru_cache(maxsize=50_000)
def _lexemes(name: str) -> str:
    return _quoted(words_of(name))


def _quoted(words: Sequence[str]) -> str:
    """Each lexeme within apostrophes, which are doubled in it, as its backslashes are; empty where there is none."""
    if not words:
        return ""
    joined = "' '".join(words)
    if "\\" in joined or joined.count("'") > 2 * (len(words) - 1):
        joined = "' '".join(word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return f"'{joined}'"
