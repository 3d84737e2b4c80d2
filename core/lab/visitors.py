"""Visitors: simulated people who browse, read and edit through the catalogue as a real one does, to give it traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, Final, Protocol

import msgspec

from core.errors import MovieNotFound, ReelcacheError
from core.lab.zipf import Zipf
from core.model import Movie, replace
from core.query import Page, Query

WINDOW: Final = 50
"""Rows that a visitor looks at together."""
_REMEMBERED: Final = 100_000
"""Rows whose movies the visitors remember together; beyond, they look again."""
_PRIME: Final = 1_000_003
"""Spreads the popular ranks over the table, whose first rows would else be the popular ones."""


class _Read(Protocol):
    @property
    def movie(self) -> Movie: ...


class Visited(Protocol):
    """The calls of a catalogue that visitors make."""

    async def browse(self, query: Query, offset: int = 0, limit: int = 50) -> Page: ...

    async def read(self, id: str) -> _Read: ...

    def viewed(self, id: str) -> None: ...

    async def save(self, movie: Movie) -> Movie: ...


class Plan(msgspec.Struct, frozen=True):
    """How many visitors there are, and what each does.

    `rate` is operations a second for each visitor, as long as the answers keep up: a visitor waits for one answer
    before thinking about the next question (a closed loop). `edits` and `browses` are shares of the operations in
    percent, the rest are reads; `skew` says how unevenly movies are popular.
    """

    visitors: int = 8
    rate: float = 5.0
    skew: float = 1.0
    browses: int = 20
    edits: int = 0


class Done(msgspec.Struct, frozen=True):
    """What the visitors did since they came, and how often they were refused or met a server that was away."""

    browsed: int = 0
    read: int = 0
    edited: int = 0
    failed: int = 0


class Visitors:
    """The visitors of one catalogue; nobody is there until `start`. Switches of strategy and store do not bother them.

    An edit is real and stays: it makes the number of reviews odd where it was even, and even where it was odd, so that
    however long the visitors stay, it is never off by more than one.
    """

    def __init__(
        self,
        catalogue: Visited,
        *,
        random: Random | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._catalogue = catalogue
        self._random = random or Random()
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving: list[asyncio.Task[None]] = []
        self._ids: dict[int, str] = {}
        self._zipf: Zipf | None = None
        self._counts = dict.fromkeys(Done.__struct_fields__, 0)
        self.plan = Plan()

    @property
    def present(self) -> bool:
        """Whether there are visitors now."""
        return bool(self._tasks)

    @property
    def done(self) -> Done:
        """What they have done since they came."""
        return Done(**self._counts)

    def start(self, plan: Plan) -> None:
        """Let visitors come, or have those present follow another plan."""
        if not self._tasks:
            self._counts = dict.fromkeys(Done.__struct_fields__, 0)
        self.plan = plan
        self._zipf = None
        for task in self._tasks[plan.visitors :]:
            task.cancel()
            self._leaving.append(task)
        del self._tasks[plan.visitors :]
        while len(self._tasks) < plan.visitors:
            self._tasks.append(asyncio.create_task(self._visit(), name="visitor"))

    async def stop(self) -> None:
        """Send all visitors away, and wait until the last one has gone; a save under way is waited for."""
        leaving, self._tasks, self._leaving = [*self._tasks, *self._leaving], [], []
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def _visit(self) -> None:
        while True:
            await self._pause(self._random.expovariate(self.plan.rate))
            try:
                await self._act()
            except MovieNotFound:
                # Removed, or the store is another one: what stands where is to be looked at again.
                self._counts["failed"] += 1
                self._ids.clear()
            except ReelcacheError:
                self._counts["failed"] += 1

    async def _act(self) -> None:
        row = self._row()
        if row is None or self._random.uniform(0, 100) < self.plan.browses or row not in self._ids:
            await self._browse(row or 0)
            return
        movie = (await self._catalogue.read(self._ids[row])).movie
        self._catalogue.viewed(movie.id)
        self._counts["read"] += 1
        if self._random.uniform(0, 100 - self.plan.browses) < self.plan.edits and movie.critic_reviews is not None:
            await _to_its_end(self._edit(replace(movie, critic_reviews=movie.critic_reviews ^ 1)))

    async def _edit(self, movie: Movie) -> None:
        await self._catalogue.save(movie)
        self._counts["edited"] += 1

    def _row(self) -> int | None:
        """A row of the whole table, the popular ones more often; None while nobody knows how many there are."""
        if self._zipf is None:
            return None
        return self._zipf.draw() * _PRIME % self._zipf.ranks

    async def _browse(self, row: int) -> None:
        offset = row // WINDOW * WINDOW
        page = await self._catalogue.browse(Query(), offset, WINDOW)
        self._counts["browsed"] += 1
        if self._zipf is None or (self._zipf.ranks, self._zipf.skew) != (page.total, self.plan.skew):
            self._zipf = Zipf(page.total, self.plan.skew, self._random) if page.total else None
        if len(self._ids) > _REMEMBERED:
            self._ids.clear()
        self._ids.update(enumerate((movie.id for movie in page.movies), offset))


async def _to_its_end(save: Coroutine[Any, Any, object]) -> None:
    """Await a save even when its visitor is sent away meanwhile: nobody should have to wonder whether it arrived."""
    saving = asyncio.ensure_future(save)
    try:
        await asyncio.shield(saving)
    except asyncio.CancelledError:
        await asyncio.wait((saving,))
        saving.exception()
        raise
