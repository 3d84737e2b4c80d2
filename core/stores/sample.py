"""A sample of a store's movies: about how many of all a search will find, before anything is looked for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from core.query import Query

SIZE: Final = 4_000
"""Movies that a sample is to hold: it takes a quarter of a megabyte, and a millisecond to be looked through."""
_AGE: Final = 60.0
"""Seconds until another one is drawn."""


class Drawn(msgspec.Struct, frozen=True):
    """The beginnings of the words of some movies drawn at random from so many, a line each."""

    movies: int
    beginnings: str


class Sample:
    """Draws a sample when it is asked for an estimate and has none of late."""

    def __init__(self, draw: Callable[[], Awaitable[Drawn | None]]) -> None:
        self._draw = draw
        self._drawn: Drawn | None = None
        self._until = 0.0

    async def at_most(self, query: Query) -> float | None:
        """About how many movies have words that begin as those of a query's text do, by their first letters; whatever
        else it asks for, its answer is no larger. None where nothing is known."""
        if not query.beginnings:
            return None
        if time.monotonic() >= self._until:
            self._drawn = await self._draw()
            self._until = time.monotonic() + _AGE
        return None if self._drawn is None else _passing(self._drawn, query.beginnings)


def _passing(drawn: Drawn, starts: Sequence[str]) -> float:
    rows = drawn.beginnings.splitlines()
    passing = sum(all(start in row for start in starts) for row in rows)
    return passing * drawn.movies / max(1, len(rows))
