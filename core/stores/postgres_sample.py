"""A sample of the movies: about how many of all a search will find, before anything is looked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from core.errors import StoreUnavailable

SIZE: Final = 2_000
"""Movies that a sample is to hold: it takes a third of a megabyte."""
_AGE: Final = 60.0
"""Seconds until another one is drawn."""


class Drawn(msgspec.Struct, frozen=True):
    """The words that any search finds of `movies` drawn at random from `of`, a blank before each word."""

    of: int
    movies: tuple[str, ...]

    def having(self, *words: str) -> float:
        """About how many of all have such words, each of which may go on. Where none of those drawn has them, half of
        one may."""
        passing = self.movies
        for word in words:
            start = f" {word}"
            passing = tuple([movie for movie in passing if start in movie])
        return max(0.5, len(passing)) * self.of / len(self.movies)


class Sample:
    """Keeps a sample for searches; nobody waits for one to be drawn."""

    def __init__(self, draw: Callable[[], Awaitable[Drawn | None]]) -> None:
        self.drawn: Drawn | None = None
        self._draw = draw
        self._until = 0.0
        self._drawing: asyncio.Task[None] | None = None

    def renew(self) -> None:
        """Draw another one soon, unless the last one is of late: searches go on."""
        if time.monotonic() >= self._until and (self._drawing is None or self._drawing.done()):
            self._drawing = asyncio.create_task(self.draw())

    async def draw(self) -> None:
        """Draw another one. Where the store cannot, the last one is kept."""
        with suppress(StoreUnavailable):
            self.drawn = await self._draw()
        self._until = time.monotonic() + _AGE

    async def close(self) -> None:
        """End a draw that is under way."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait([self._drawing])
