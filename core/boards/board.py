"""Board: a ranking with its movies, as a screen shows it."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.model import Movie


class BoardRow(msgspec.Struct, frozen=True):
    """A movie with what ranks it: its score from 0 to 10 and its reviews, or how often it was looked at, decayed."""

    movie: Movie
    value: float
    reviews: int | None = None


class Board(msgspec.Struct, frozen=True):
    """The first rows of a ranking, the first one first.

    `source` is what has the ranking: Redis for all copies, the store, or for views this copy's own memory; `why` says
    in words why it is not Redis, or what is not in it."""

    rows: tuple[BoardRow, ...]
    source: Literal["redis", "store", "memory"]
    why: str = ""
