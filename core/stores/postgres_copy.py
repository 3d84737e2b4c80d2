"""Movies as lines of COPY, the fastest way into PostgreSQL: the server parses them at a third of the price of JSON.

An absent value is an empty cell: no text and no list of ours is written as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from psycopg import sql

from core.model import FIELDS, MANY_VALUES, RECURRING, Movie
from core.query import beginnings, fold, words_as_they_come
from core.stores.postgres_records import KEYS, LONGEST_KEY, LONGEST_WORD, STORED_COLUMNS, kept_words
from core.stores.writer import Request

_values: Final = attrgetter(*(field.name for field in FIELDS))
_keyed: Final = attrgetter(*KEYS)
COPIED_COLUMNS: Final = (*STORED_COLUMNS, "beginnings")
"""The names of the columns that COPY fills: those of any write, and what a trigger makes of the words."""
_TABS: Final = len(COPIED_COLUMNS) - 1
_ESCAPED: Final = {ord(raw): f"\\{letter}" for raw, letter in zip("\\\t\n\r", "\\tnr", strict=True)}
_MUCH_TEXT: Final = 100_000
"""Characters of words from which on they may be too many for a tsvector."""

COPY: Final = sql.SQL("copy reelcache.movies ({}) from stdin with (null '')").format(
    sql.SQL(", ").join(map(sql.Identifier, COPIED_COLUMNS))
)
"""Takes what `lines` gives. The version comes from the setting `reelcache.version`, by the column's default."""


def lines(movies: Iterable[Movie]) -> bytes:
    """The movies as COPY reads them."""
    return "".join(map(_line, movies)).encode()


def written(request: Request) -> bytes:
    """The same of what was asked for."""
    return lines(request.movies)


def _line(movie: Movie) -> str:
    cells = [
        "" if value is None else value if type(value) is str else write(value)
        for value, write in zip(_values(movie), _WRITE, strict=True)
    ]
    title, *lists = _keyed(movie)
    cells.append(fold(title)[:LONGEST_KEY])
    cells += [_key(entries[0]) if entries else "" for entries in lists]
    unmarked, marked = words_as_they_come(movie)
    cells += (_written(movie, unmarked + marked), beginnings(unmarked))
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != _TABS:
        line = "\t".join(cell.translate(_ESCAPED) for cell in cells)
    return line + "\n"


def array(entries: Sequence[str]) -> str:
    """Texts as PostgreSQL reads an array of them."""
    joined = '","'.join(entries)
    if "\\" in joined or joined.count('"') > 2 * (len(entries) - 1):
        joined = '","'.join(entry.replace("\\", "\\\\").replace('"', '\\"') for entry in entries)
    return f'{{"{joined}"}}' if entries else "{}"


_WRITE: Final[tuple[Callable[..., str], ...]] = tuple(
    lru_cache(MANY_VALUES)(write) if field.name in RECURRING else write
    for field in FIELDS
    for write in (array if field.kind == "list" else str,)
)


@lru_cache(maxsize=50_000)
def _key(entry: str) -> str:
    return fold(entry)[:LONGEST_KEY]


def _written(movie: Movie, found: Sequence[str]) -> str:
    """The words of a movie as a tsvector reads them: in any order, one that recurs more than once."""
    quoted = _quoted(found)
    # No text without accents is as long as a word may be, and grows by folding.
    if len(quoted) > _MUCH_TEXT or not (quoted.isascii() or max(map(len, found)) <= LONGEST_WORD):
        return _quoted(kept_words(movie))
    return quoted


def _quoted(words: Sequence[str]) -> str:
    """Each lexeme within apostrophes, which are doubled in it, as its backslashes are; empty where there is none."""
    if not words:
        return ""
    joined = "' '".join(words)
    if "\\" in joined or joined.count("'") > 2 * (len(words) - 1):
        joined = "' '".join(word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return f"'{joined}'"
