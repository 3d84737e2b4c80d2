"""Movies as lines of COPY, the fastest way into PostgreSQL: the server parses them at a third of the price of JSON.

They are written column by column: what is done to the text of a thousand movies at once costs next to nothing for each.
An absent value is an empty cell: no text and no list of ours is written as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from psycopg import sql

from core.model import FIELDS, RECURRING
from core.packed import CELL, ENTRY, Columns, movies_of
from core.query import WITHIN, beginnings, fold
from core.remembered import Remembered
from core.stores.postgres_records import KEYS, LONGEST_KEY, LONGEST_WORD, STORED_COLUMNS, kept_words
from core.stores.writer import Request
from core.words import folded, words_of_column

COPIED_COLUMNS: Final = (*STORED_COLUMNS, "beginnings")
"""The names of the columns that COPY fills: those of any write, and what a trigger makes of the words."""
_NAMES: Final = tuple(field.name for field in FIELDS)
_FOUND_BY_ANY_SEARCH: Final = ("title", "directors", "cast")
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_MUCH_TEXT: Final = 100_000
"""Characters of words from which on they may be too many for a tsvector."""

COPY: Final = sql.SQL("copy reelcache.movies ({}) from stdin with (null '')").format(
    sql.SQL(", ").join(map(sql.Identifier, COPIED_COLUMNS))
)
"""Takes what `lines` gives. The version comes from the setting `reelcache.version`, by the column's default."""

Cells = Sequence[str]
"""A cell of each movie."""


def written(request: Request) -> bytes:
    """The movies that were asked for as COPY reads them."""
    return b"".join(map(lines, request.columns))


def lines(columns: Columns) -> bytes:
    """Movies as COPY reads them."""
    said = dict(zip(_NAMES, columns, strict=True))
    keys = {name: folded(said[name]) for name in (*_FOUND_BY_ANY_SEARCH, "writers")}
    words = {name: words_of_column(column) for name, column in keys.items()}
    cells = [write(column) for write, column in zip(_WRITE, columns, strict=True)]
    cells += [_KNOWN_KEYS[sort].of(said[sort].split(CELL)) if sort in RECURRING else _keys(keys[sort]) for sort in KEYS]
    unmarked = [*map("".join, zip(*(words[name].split(CELL) for name in _FOUND_BY_ANY_SEARCH), strict=True))]
    lexemes = [_lexemes(CELL.join(unmarked))]
    lexemes += [
        _KNOWN_LEXEMES[name].of(said[name].split(CELL)) if name in RECURRING else _lexemes(words[name], mark)
        for name, mark in WITHIN.items()
    ]
    vectors = [f"{vector[2:]}'" if vector else "" for vector in map("".join, zip(*lexemes, strict=True))]
    for place in _too_much(vectors):
        vectors[place] = _cut(columns, place)
    begun = [beginnings(found.split()) for found in unmarked]
    cells += (vectors, _texts(CELL.join(begun)))
    rows = map("\t".join, zip(*cells, strict=True))
    return ("\n".join(rows) + "\n").encode()


def array(entries: Sequence[str]) -> str:
    """Texts as PostgreSQL reads an array of them."""
    joined = '","'.join(entries)
    if "\\" in joined or joined.count('"') > 2 * (len(entries) - 1):
        joined = '","'.join(entry.replace("\\", "\\\\").replace('"', '\\"') for entry in entries)
    return f'{{"{joined}"}}' if entries else "{}"


# --------------------------------------------------------------------------------------------------- what movies say


def _escaped(text: str) -> str:
    """A text, or several, as COPY reads it."""
    for raw, escape in _ESCAPES:
        if raw in text:
            text = text.replace(raw, escape)
    return text


def _plain(column: str) -> Cells:
    return column.split(CELL)


def _texts(column: str) -> Cells:
    return _escaped(column).split(CELL)


def _lists(column: str) -> Cells:
    return _arrays(column).split(CELL)


def _recurring_lists(column: str) -> Cells:
    return _KNOWN_ARRAYS.of(column.split(CELL))


def _arrays(column: str) -> str:
    """Lists as PostgreSQL reads arrays, and COPY that."""
    if "\\" in column or '"' in column:
        column = column.replace("\\", "\\\\").replace('"', '\\"')
    inside = _escaped(column).replace(ENTRY, '","').replace(CELL, f'"}}{CELL}{{"')
    return f'{{"{inside}"}}'.replace('{""}', "{}")


_KNOWN_ARRAYS: Final = Remembered(_arrays)
_WRITE_LIST: Final = {True: _recurring_lists, False: _lists}
_WRITE: Final[tuple[Callable[[str], Cells], ...]] = tuple(
    _WRITE_LIST[field.name in RECURRING] if field.kind == "list" else _texts if field.kind == "text" else _plain
    for field in FIELDS
)


# ---------------------------------------------------------------------------------------- what is made of what they say


def _keys(folded: str) -> Cells:
    """The sort keys of a folded column: of a list, its first entry."""
    keys = folded.split(CELL)
    if ENTRY in folded:
        keys = [key.partition(ENTRY)[0] for key in keys]
    if len(max(keys, key=len)) > LONGEST_KEY:
        keys = [key[:LONGEST_KEY] for key in keys]
    return keys if _escaped(folded) is folded else _texts(CELL.join(keys))


def _lexemes(words: str, mark: str = "") -> Cells:
    """The words of a column as a tsvector reads them: between apostrophes. Those within a word are doubled, as
    backslashes are. The one that ends the word before stands in front of each, and none behind the last."""
    if "'" in words or "\\" in words:
        words = words.replace("\\", "\\\\").replace("'", "''")
    return _escaped(words).replace(" ", f"' '{mark}").split(CELL)


def _key(cell: str) -> str:
    return _keys(fold(cell))[0]


def _known_lexemes(mark: str) -> Remembered[str]:
    return Remembered(lambda cell: _lexemes(words_of_column(fold(cell)), mark)[0])


_KNOWN_KEYS: Final = {sort: Remembered(_key) for sort in KEYS if sort in RECURRING}
_KNOWN_LEXEMES: Final = {name: _known_lexemes(mark) for name, mark in WITHIN.items() if name in RECURRING}


def _too_much(vectors: Cells) -> list[int]:
    """Where there may be more words than a tsvector holds, or too long ones.

    No text without accents is as long as a word may be, and grows by folding."""
    return [
        place
        for place, vector in enumerate(vectors)
        if len(vector) > LONGEST_WORD
        and (len(vector) > _MUCH_TEXT or not vector.isascii())
        and (len(vector) > _MUCH_TEXT or len(max(vector.split("' '"), key=len)) > LONGEST_WORD)
    ]


def _cut(columns: Columns, place: int) -> str:
    """The words of one movie as far as a tsvector holds them."""
    [movie] = movies_of([column.split(CELL)[place] for column in columns])
    words = [word.replace("\\", "\\\\").replace("'", "''") for word in kept_words(movie)]
    return _escaped(" ".join([f"'{word}'" for word in words]))
