"""A sample of a store's movies: about how many of all a search will find, before anything is looked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from core.errors import StoreUnavailable
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
    """Keeps a sample for searches; nobody waits for one to be drawn."""

    def __init__(self, draw: Callable[[], Awaitable[Drawn | None]]) -> None:
        self._draw = draw
        self._drawn: Drawn | None = None
        self._until = 0.0
        self._drawing: asyncio.Task[None] | None = None

    def at_most(self, query: Query) -> float | None:
        """About how many movies have words that begin as those of a query's text do, by their first letters; whatever
        else it asks for, its answer is no larger. None where that is not known, or not yet."""
        if self._drawn is None or not query.beginnings:
            return None
        return _passing(self._drawn, query.beginnings)

    def renew(self) -> None:
        """Draw another one soon, unless the last one is of late: searches go on."""
        if time.monotonic() >= self._until and (self._drawing is None or self._drawing.done()):
            self._drawing = asyncio.create_task(self.draw())

    async def draw(self) -> None:
        """Draw another one. Where the store cannot, the last one is kept."""
        with suppress(StoreUnavailable):
            self._drawn = await self._draw()
        self._until = time.monotonic() + _AGE

    async def close(self) -> None:
        """End a draw that is under way."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait([self._drawing])


def _passing(drawn: Drawn, starts: Sequence[str]) -> float:
    rows = drawn.beginnings.splitlines()
    passing = rows
    for start in starts:
        passing = [row for row in passing if start in row]
    return len(passing) * drawn.movies / max(1, len(rows))
