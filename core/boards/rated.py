"""Rated: the movies of most points, overall and of each genre, on boards in Redis that no acknowledged write is missing
from.

The boards are made from the store, and kept right by the journal: writers and the relay note there what changed before
a write is acknowledged. Who asks a board carries in what was noted, with the store's present state of those movies; and
so does every copy that has asked once, as soon as it noted anything. Where the boards are lost (Redis died, was flushed
by a load, evicted one) or cannot be believed, the store ranks, and the boards are made anew behind that.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final, Literal

import msgspec

from core.cache.background import Background
from core.cache.boards import KEPT, Boards, Standing
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.query import Query
from core.score import Ranked, points_of
from core.stores.base import Store
from core.trust import Trust

MOST_BOARDS: Final = 64
"""The board of all movies and those of the commonest genres; of other genres the store ranks."""
ROUNDS: Final = 50
"""How often what changed is carried in before the answer is left to the store: others may be at it, or change more."""
REST: Final = 4.0
"""How many times as long as making them took nothing is made after they were lost: a load would have all made again
after each of its batches."""
REFUSED: Final = 5.0
"""Seconds until boards that Redis refused are tried again."""
OVERALL: Final = ""
"""The name of the board of all movies."""


class Ranking(msgspec.Struct, frozen=True):
    """The movies of most points, most first; `source` has them, and `why` it is not Redis, in words."""

    rows: tuple[Ranked, ...]
    source: Literal["redis", "store"]
    why: str = ""


class Making(msgspec.Struct, frozen=True):
    """How many of how many boards were made."""

    boards: int
    of: int


class Rated:
    """The boards of one store's movies."""

    def __init__(self, store: Store, cache: RedisCache, trust: Trust, background: Background) -> None:
        self._store = store
        self._cache = cache
        self._boards = Boards(cache)
        self._trust = trust
        self._background = background
        self._wanted = False
        """Somebody asked this copy: it keeps the boards right from then on, also while nobody looks."""
        self._due = self._carrying = False
        self._resting = 0.0
        self._refusal = ""
        self.making: Making | None = None
        """What this copy makes just now."""

    async def best(self, genre: str | None, limit: int, *, asked: bool = True) -> Ranking:
        """The movies of most points, of a genre or of all; no older than any write acknowledged before the call.

        `asked` off leaves Redis alone. Raises StoreUnavailable."""
        why = "every read asks the store under this strategy"
        if asked:
            rows, why = await self._from_boards(genre, limit)
            if rows is not None:
                return Ranking(rows, "redis")
        query = Query() if genre is None else Query(genres=(genre,))
        return Ranking(await self._store.ranked(query, limit), "store", why)

    def changed(self) -> None:
        """Something was noted in the journal: carry it in, behind whoever noted it."""
        self._due = True
        if self._wanted and not self._carrying:
            self._carrying = True
            self._background.start(self._carry_on())

    async def _carry_on(self) -> None:
        try:
            while self._due:
                self._due = False
                await self._from_boards(None, 1)
        except StoreUnavailable:
            return  # who asks next carries it in
        finally:
            self._carrying = False

    async def _from_boards(self, genre: str | None, limit: int) -> tuple[tuple[Ranked, ...] | None, str]:
        """The first rows of a board, or None and why there are none."""
        self._wanted = True
        doubt = self._trust.doubt()
        if doubt is not None:
            return None, doubt.reason
        try:
            standing = await self._brought_up(OVERALL if genre is None else genre, limit)
        except CacheUnavailable as problem:
            return None, self._refused(problem)
        if standing is None:
            self._make_soon()
            return None, self._refusal or self._told_of_making()
        if standing.floor is None:
            return None, "no board is kept of a rare genre, nor where too many have the same rank"
        if not standing.answers(limit):
            self._make_soon()
            return None, "the board has too few left, and is made anew"
        return tuple(Ranked(id, points) for id, points in standing.rows), ""

    async def _brought_up(self, name: str, limit: int) -> Standing | None:
        """A board with nothing left to carry in; None where that cannot be had."""
        for _ in range(ROUNDS):
            standing = await self._boards.read(name, limit)
            if standing is None or (standing.upto == standing.place and not standing.more):
                return standing
            # Read after they were noted, and noted after they were committed.
            movies = await self._store.get_many(standing.changed)
            members = {
                id: (points_of(movies[id]), (OVERALL, *movies[id].genres)) if id in movies else (None, ())
                for id in standing.changed
            }
            if await self._boards.place(standing, members) == "lost":
                return None
        return None

    def _refused(self, problem: CacheUnavailable) -> str:
        if self._cache.breaker.state == "closed":
            # The server is well, and this is its answer: asked again at once it would give the same.
            self._resting, self._refusal = time.monotonic() + REFUSED, problem.told
        return problem.told

    def _told_of_making(self) -> str:
        if self.making is None:
            return "the boards are not made yet"
        return f"the boards are being made, {self.making.boards} of {self.making.of}"

    def _make_soon(self) -> None:
        if self.making is None and time.monotonic() >= self._resting:
            self.making = Making(0, 1)
            self._background.start(self._make())

    async def _make(self) -> None:
        started = time.monotonic()
        try:
            if not await self._boards.claim():
                return
            self._refusal = ""
            try:
                await self._make_all()
            except BaseException:
                with suppress(CacheUnavailable):
                    await self._boards.give_up()
                raise
        except CacheUnavailable as problem:
            self._refused(problem)
        except StoreUnavailable:
            return
        finally:
            self.making = None
            self._resting = max(self._resting, time.monotonic() + REST * (time.monotonic() - started))

    async def _make_all(self) -> None:
        counted = await self._store.counts(Query(), "genres")
        names = (OVERALL, *[value.name for value in counted[: MOST_BOARDS - 1]])
        # After this nothing goes unnoticed: what is committed later is noted behind the place.
        mark, place = await self._boards.begin()
        floors = {}
        for made, name in enumerate(names):
            self.making = Making(made, len(names))
            query = Query() if name == OVERALL else Query(genres=(name,))
            rows = await self._store.ranked(query, KEPT)
            floor = await self._boards.put(name, mark, [(row.id, row.points) for row in rows])
            if floor is not None:
                floors[name] = floor
            await asyncio.sleep(0)
        await self._boards.finish(mark, place, floors)
