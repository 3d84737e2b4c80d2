"""The words of some movies drawn at random: they tell at once how many movies a search finds, nearly."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import msgspec

from core.errors import StoreUnavailable
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import OURS, Document
from core.stores.mongo_queries import TITLE

_SIZE: Final = 1_000
_SMALL: Final = 20 * _SIZE
"""Movies of which all may be walked over; of fewer the server would read all to draw so many."""
_AGE: Final = 600.0
"""Seconds after which others are drawn: a load may have changed everything."""
_SOON: Final = 5.0
"""The same of a small collection, of which none are drawn."""
_PATIENCE: Final = 0.1
"""Seconds that who asks waits for the first one."""
_LATER: Final = 2.0
"""Seconds until they are drawn where nobody asks: the first rows come first."""


class Drawn(msgspec.Struct, frozen=True):
    """The words that any search finds of some movies, a blank before each word; of a small collection of none.

    `of` is how many movies there were, `titles` are the sorted keys of some titles."""

    movies: tuple[str, ...] = ()
    of: int = 0
    titles: tuple[str, ...] = ()

    def share(self, *words: str) -> float:
        """The share of the movies that has such words, each of which may go on. Where none of those drawn has them,
        half of one may."""
        passing = self.movies
        for word in words:
            start = f" {word}"
            passing = tuple([movie for movie in passing if start in movie])
        return max(0.5, len(passing)) / len(self.movies)

    def title_behind(self, share: float, *, descending: bool = False) -> str | None:
        """The title behind about such a share of all titles; None where that is their end, or nobody knows."""
        place = int(share * len(self.titles))
        return None if place >= len(self.titles) else self.titles[-1 - place if descending else place]


class Sample:
    """A sample of one collection, drawn when it is first asked for and again when it is old.

    What depends on it is which way is taken, never what is found there."""

    def __init__(self, at: MongoConnection) -> None:
        self._at = at
        self._drawn: Drawn | None = None
        self._old_at = 0.0
        self._drawing: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    def draw_soon(self) -> None:
        """Draw it before anybody asks."""
        if self._drawing is None:
            self._drawing = asyncio.create_task(self._draw())

    async def drawn(self, *, wait: bool = True) -> Drawn:
        """The sample; while there is none who asks waits for it a little, or not, and does without."""
        self._asked.set()
        if self._drawn is None or time.monotonic() > self._old_at:
            self.draw_soon()
        if wait and self._drawn is None and self._drawing is not None:
            await asyncio.wait([self._drawing], timeout=_PATIENCE)
        return self._drawn or Drawn()

    async def close(self) -> None:
        """End what is being drawn. Idempotent."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait([self._drawing])

    async def _draw(self) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LATER):
                    await self._asked.wait()
            with suppress(StoreUnavailable), self._at.call():
                of = await self._at.movies.estimated_document_count()
                self._drawn = await self._of(of) if of > _SMALL else Drawn((), of)
                self._old_at = time.monotonic() + (_AGE if self._drawn.movies else _SOON)
        finally:
            self._drawing = None

    async def _of(self, many: int) -> Drawn:
        stages: list[Document] = [
            {"$sample": {"size": _SIZE}},
            {"$project": {"_id": 0, "words": f"${OURS}.words", "title": f"${TITLE}"}},
        ]
        async with await self._at.movies.aggregate(stages, batchSize=_SIZE) as cursor:
            drawn = await cursor.to_list()
        words = [movie["words"] for movie in drawn if isinstance(movie.get("words"), list)]
        titles = [movie["title"] for movie in drawn if isinstance(movie.get("title"), str)]
        return Drawn(tuple([f" {' '.join(map(str, each))}" for each in words]), many, tuple(sorted(titles)))
