"""Movies packed as columns: what many of them say of one field is one text, from the process that reads them to the one
that writes them out. What lies in between needs the ids alone; who looks at a movie unpacks all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, Final, overload

import msgspec

from core.model import FIELDS, MANY_VALUES, RECURRING, Movie, Value
from core.remembered import Remembered

CELL: Final = "\x1e"
"""What stands between what two movies say of a field. No text of a movie holds it."""
ENTRY: Final = "\x1f"
"""What stands between two entries of a list, likewise."""

Columns = Sequence[str]
"""One text for each of FIELDS, with a cell of each movie; the cell of what is unknown is empty."""

encode: Final[Callable[[Columns], bytes]] = msgspec.msgpack.Encoder().encode
decode: Final[Callable[[msgspec.Raw | bytes], Columns]] = msgspec.msgpack.Decoder(list[str]).decode


class PackedMovies(Sequence[Movie]):
    """Some movies whose ids are known: `parts` are the columns of the movies of each of `counts` ids, as msgpack."""

    def __init__(self, ids: Sequence[str], parts: Sequence[tuple[int, msgspec.Raw]]) -> None:
        self.ids = ids
        self._parts = parts

    @classmethod
    def of(cls, ids: Sequence[str], columns: msgspec.Raw) -> PackedMovies:
        """The movies of one piece of columns."""
        return cls(ids, [(len(ids), columns)] if ids else [])

    @classmethod
    def together(cls, several: Sequence[PackedMovies]) -> PackedMovies:
        """All of them, in order."""
        return cls([id for each in several for id in each.ids], [part for each in several for part in each._parts])

    def pieces(self, most: int) -> Iterator[PackedMovies]:
        """The same in runs of about so many."""
        first, parts, count = 0, list[tuple[int, msgspec.Raw]](), 0
        for part in self._parts:
            parts.append(part)
            count += part[0]
            if count >= most:
                yield PackedMovies(self.ids[first : first + count], parts)
                first, parts, count = first + count, [], 0
        if parts:
            yield PackedMovies(self.ids[first:], parts)

    @property
    def parts(self) -> list[msgspec.Raw]:
        """Their columns, still packed, in as many parts as they came in."""
        return [columns for _, columns in self._parts]

    @cached_property
    def _movies(self) -> list[Movie]:
        return [movie for _, columns in self._parts for movie in movies_of(decode(columns))]

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Movie: ...

    @overload
    def __getitem__(self, place: slice) -> list[Movie]: ...

    def __getitem__(self, place: int | slice) -> Movie | list[Movie]:
        return self._movies[place]

    def __iter__(self) -> Iterator[Movie]:
        return iter(self._movies)


def ids_of(movies: Sequence[Movie]) -> Sequence[str]:
    """The ids of movies, packed or not."""
    return movies.ids if isinstance(movies, PackedMovies) else [movie.id for movie in movies]


def pieces_of(movies: Sequence[Movie], most: int) -> list[Sequence[Movie]]:
    """Movies in runs of about so many."""
    if isinstance(movies, PackedMovies):
        return [*movies.pieces(most)]
    return [movies[first : first + most] for first in range(0, len(movies), most)]


def parts_of(movies: Sequence[Movie]) -> list[msgspec.Raw]:
    """The packed columns of movies, packed or not. Raises ValueError where a text of theirs holds a separator."""
    if isinstance(movies, PackedMovies):
        return movies.parts
    return [msgspec.Raw(encode(columns_of(movies)))] if movies else []


def columns_of(movies: Sequence[Movie]) -> Columns:
    """What some movies say, field by field. Raises ValueError where a text of theirs holds a separator."""
    columns = [
        CELL.join(map(write, values))
        for write, values in zip(_WRITE, zip(*map(_values, movies), strict=True), strict=True)
    ]
    entries = sum(max(0, len(value) - 1) for movie in movies for value in _all_lists(movie))
    separators = sum(column.count(CELL) for column in columns), sum(column.count(ENTRY) for column in columns)
    if separators != (len(columns) * (len(movies) - 1), entries):
        raise ValueError("a movie holds a forbidden character")
    return columns


def movies_of(columns: Columns) -> list[Movie]:
    """The movies that say so."""
    values = [read(column.split(CELL)) for read, column in zip(_READ, columns, strict=True)]
    return [Movie(**dict(zip(_NAMES, row, strict=True))) for row in zip(*values, strict=True)]


def text_of(value: Value) -> str:
    """The cell of a value."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ENTRY.join(value)
    return str(value)


def _integer(cell: str) -> int | None:
    return int(cell) if cell else None


def _decimal(cell: str) -> float | None:
    return float(cell) if cell else None


def _date(cell: str) -> date | None:
    return date.fromisoformat(cell) if cell else None


def _list(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(ENTRY)) if cell else ()


def _texts(cells: Sequence[str]) -> Sequence[Value]:
    return [cell or None for cell in cells]


def _lists(cells: Sequence[str]) -> Sequence[Value]:
    return [tuple(cell.split(ENTRY)) if cell else () for cell in cells]


_RECURRING: Final[dict[str, Callable[[str], Value]]] = {
    "list": _list, "integer": _integer, "decimal": _decimal, "date": _date,
}  # fmt: skip
_NAMES: Final = tuple(field.name for field in FIELDS)
_values: Final[Callable[[Movie], tuple[Any, ...]]] = attrgetter(*_NAMES)
_all_lists: Final[Callable[[Movie], tuple[tuple[str, ...], ...]]] = attrgetter(
    *(field.name for field in FIELDS if field.kind == "list")
)
_READ: Final[tuple[Callable[[Sequence[str]], Sequence[Value]], ...]] = tuple(
    _texts
    if field.kind == "text"
    else Remembered(_RECURRING[field.kind], MANY_VALUES).of
    if field.name in RECURRING
    else _lists
    for field in FIELDS
)
_WRITE: Final = tuple(
    lru_cache(MANY_VALUES, typed=True)(text_of) if field.name in RECURRING else text_of for field in FIELDS
)
