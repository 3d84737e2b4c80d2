"""A small catalogue in this process's memory, for tests of the screen alone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import SimpleNamespace

import msgspec

from core.boards.board import Board, BoardRow
from core.boards.views import Span
from core.catalogue import Catalogue
from core.counting import completed
from core.errors import EditConflict, MovieExists, MovieNotFound, UnknownPlace
from core.intake import Source
from core.lab.faults import FAULT, FaultName, FaultSwitches
from core.model import LoadProgress, LoadReport, Movie, Progress, check, replace
from core.observe.stats import NearStats, SharedStats, Stats, StrategyStats, TraceLine
from core.place import KINDS, Kind, Place, Reach, Surroundings
from core.query import TRENDS, Counts, Freshness, Page, Query, Tier, ValueCount
from core.quiescence import Unfinished
from core.reading import Reading
from core.settings import Settings
from core.strategies.orders import Making
from core.strategies.places import computed
from tests.core.stores import reference

GENRES = ("Drama", "Comedy", "Horror", "Action", "Documentary", "Science Fiction")
TITLES = ("[REC]", "[/x] closing", "$", "300", "8½", "千と千尋の神隠し", "Alien 👽", "שלום", "'Round Midnight")


def movies(count: int) -> list[Movie]:
    """Movies with the titles that break screens, then numbered ones."""
    made = []
    for number in range(count):
        title = TITLES[number] if number < len(TITLES) else f"Movie {number:06}"
        made.append(
            Movie(
                id=f"Q{number}",
                version=1,
                title=title,
                year=None if number % 97 == 0 else 1920 + number % 100,
                runtime=60 + number % 120,
                genres=(GENRES[number % 6], GENRES[(number // 6) % 6])[: 1 + number % 2],
                countries=("France", "Japan")[: 1 + number % 2],
                directors=(f"Director {number % 313}",),
                critic_rating=None if number % 5 == 0 else number % 100 / 10,
                tomatometer=number % 101,
                metacritic=number % 100,
                critic_reviews=number % 400,
                box_office=number * 10_007,
            )
        )
    return made


class MemoryFaults(FaultSwitches):
    """Switches that break nothing but what the figures say; `refusing` is raised by every one."""

    def __init__(self) -> None:
        self.refusing: Exception | None = None
        self.switched: list[tuple[FaultName, bool, str | None]] = []
        self._on: dict[FaultName, str] = {}

    @property
    def active(self) -> dict[FaultName, str]:
        return self._on

    async def on(self, name: FaultName, *, movie: str | None = None) -> str:
        if self.refusing:
            raise self.refusing
        self.switched.append((name, True, movie))
        if FAULT[name].lasting:
            self._on[name] = "Redis paused" if name == "pause-redis" else f"{name} on"
        return f"{FAULT[name].title} is done."

    async def off(self, name: FaultName) -> None:
        self.switched.append((name, False, None))
        self._on.pop(name, None)

    async def lift(self) -> None:
        self._on.clear()


class MemoryCatalogue(Catalogue):
    """Answers as the real one does, from a list; `delay` seconds each; `failing` is raised by every read."""

    def __init__(self, stock: Iterable[Movie], *, delay: float = 0.0) -> None:
        self.stock = {movie.id: movie for movie in stock}
        self.delay = delay
        self.failing: Exception | None = None
        self.refusing: Exception | None = None
        """Raised by every switch."""
        self.counting = asyncio.Event()
        """Without it the length of a filtered answer is not known to who is in a hurry, and waited for by others."""
        self.counting.set()
        self.gate = asyncio.Event()
        """Every switch waits for it; set unless a test clears it."""
        self.gate.set()
        self.waiting = Unfinished()
        """What a switch waits for."""
        self.cache_problem: str | None = None
        self.doubt: str | None = None
        self.generation: str | None = None
        """What the collection is at, as the cache tells it."""
        self.last_known = False
        """Whether pages are the last known state."""
        self.memory_faults = MemoryFaults()
        self.faults = self.memory_faults
        self.progress: LoadProgress | None = None
        self.making: Making | None = None
        self.near_tier = NearStats(most_entries=20_000, most_size=64 * 2**20)
        self.near_problem: str | None = None
        """Why a near tier that is turned on keeps nothing."""
        self.views: Counter[str] = Counter()
        self.views_shown: list[str] = []
        """Which movies stood first, by their views, when last a window of those was read."""
        self.shared = SharedStats()
        self.browsed: list[tuple[Query, int, int]] = []
        self.sites: list[Place] = []
        """The places that there are."""
        self.closed = False
        self._strategy_name = "cache-aside"
        self._store_name = "postgresql"
        self._cached: set[str] = set()
        self._stats = {name: StrategyStats() for name in self.strategies}
        self._trace: list[TraceLine] = []

    @property
    def strategy(self) -> str:
        return self._strategy_name

    @property
    def unfinished(self) -> Unfinished:
        return self.waiting

    @property
    def settling(self) -> bool:
        return bool(str(self.waiting))

    @property
    def store(self) -> str:
        return self._store_name

    @property
    def filling(self) -> LoadProgress | None:
        return self.progress

    @property
    def ordering(self) -> Making | None:
        return self.making

    @property
    def limits(self) -> tuple[str, ...]:
        return ()

    async def ready(self) -> None:
        return None

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        began = time.monotonic()
        self.browsed.append((query, offset, limit))
        await self._wait()
        answer = self._answer(query)
        if hurry and query.selective and not self.counting.is_set():
            begun = tuple(answer[: min(hurry, limit)])
            return Page(begun, len(begun), 0, counted=False)
        if query.selective:
            await self.counting.wait()
        window = answer[offset : offset + limit]
        tiers: tuple[Tier, ...] = tuple("redis" if movie.id in self._cached else "store" for movie in window)
        if self._strategy_name != "no-cache":
            self._cached.update(movie.id for movie in window)
        self._count("browse", query.text or "*", tiers, time.monotonic() - began)
        freshness: Freshness = "stale" if self.last_known else "fresh"
        views = tuple(float(self.views[movie.id]) for movie in window) if query.sort in TRENDS else ()
        return Page(
            tuple(window),
            len(answer),
            offset,
            tiers,
            freshness=freshness,
            views=views,
            bypassed=self.doubt is not None,
        )

    async def get(self, id: str) -> Movie:
        return (await self.read(id)).movie

    async def read(self, id: str) -> Reading:
        await self._wait()
        if id not in self.stock:
            raise MovieNotFound(id)
        movie = self.stock[id]
        tier: Tier = "redis" if id in self._cached else "store"
        self._count("read", id, (tier,), self.delay)
        return Reading(movie, movie.version, tier, "fresh", "held", self.delay)

    async def save(self, movie: Movie) -> Movie:
        await self._wait()
        current = self.stock.get(movie.id)
        if current is None:
            raise MovieNotFound(movie.id)
        if current.version != movie.version:
            raise EditConflict(current, movie.version)
        saved = replace(check(movie), version=movie.version + 1)
        self.stock[movie.id] = saved
        self._cached.discard(movie.id)
        return saved

    async def add(self, movie: Movie) -> Movie:
        await self._wait()
        if movie.id in self.stock:
            raise MovieExists(movie.id)
        self.stock[movie.id] = replace(check(movie), version=1)
        return self.stock[movie.id]

    async def remove(self, id: str, *, version: int) -> None:
        await self._wait()
        if id not in self.stock:
            raise MovieNotFound(id)
        if self.stock[id].version != version:
            raise EditConflict(self.stock[id], version)
        del self.stock[id]

    async def near_by(
        self,
        centre: Place | tuple[float, float],
        *,
        radius_km: float | None = None,
        box: tuple[float, float] | None = None,
        kinds: Sequence[Kind] = KINDS,
        limit: int = 100,
    ) -> Surroundings:
        await self._wait()
        point = (centre.lat, centre.lon) if isinstance(centre, Place) else centre
        reach = Reach(radius_km) if box is None else Reach(None, *box)
        found = computed([place for place in self.sites if place.kind in kinds], point, reach)
        tier: Tier = "store" if self.cache_problem else "redis"
        return Surroundings(tuple(found[:limit]), tier, "fresh", self.cache_problem or "hit", 0.001, len(found) > limit)

    async def places(self, beginning: str, limit: int = 10) -> tuple[Place, ...]:
        await self._wait()
        return tuple(p for p in self.sites if p.label.casefold().startswith(beginning.casefold()))[:limit]

    async def place(self, text: str) -> Place:
        await self._wait()
        found = [place for place in self.sites if place.label == text.partition(",")[0]]
        if not found:
            raise UnknownPlace(text, ("Paris",) if text.startswith("Pari") else ())
        return found[0]

    async def counts(self, field: str, query: Query) -> Counts:
        await self._wait()
        return Counts(reference.counts(self.stock.values(), query, field), "store", "fresh", 0.0)

    async def completions(
        self, field: str, beginning: str, limit: int = 10, *, among: Query | None = None
    ) -> tuple[ValueCount, ...]:
        return await completed(partial(self.counts, field), field, beginning, limit, among or Query())

    async def top(self, genre: str | None = None, limit: int = 50) -> Board:
        await self._wait()
        query = Query() if genre is None else Query(genres=(genre,))
        ranked = reference.ranked(self.stock.values(), query, limit)
        rows = tuple(BoardRow(self.stock[row.id], row.score, row.reviews) for row in ranked)
        return Board(rows, "store", self.cache_problem) if self.cache_problem else Board(rows, "redis")

    async def trending(self, span: Span = "day", limit: int = 50, *, genre: str | None = None) -> Board:
        await self._wait()
        seen = [(self.stock[id], float(times)) for id, times in self.views.most_common()]
        rows = tuple(BoardRow(movie, times) for movie, times in seen if genre is None or genre in movie.genres)
        return Board(rows[:limit], "memory", self.cache_problem) if self.cache_problem else Board(rows[:limit], "redis")

    async def moved(self, query: Query) -> bool:
        await self._wait()
        return query.sort in TRENDS and self._viewed() != self.views_shown

    def _viewed(self) -> list[str]:
        return [id for id, _ in self.views.most_common()]

    def viewed(self, id: str) -> None:
        self.views[id] += 1

    async def use_strategy(self, name: str) -> None:
        await self.gate.wait()
        if self.refusing:
            raise self.refusing
        self._strategy_name = name

    async def near(self, on: bool) -> None:
        await self.gate.wait()
        problem = self.near_problem if on else None
        self.near_tier = msgspec.structs.replace(self.near_tier, on=on, problem=problem)

    async def use_store(self, name: str) -> None:
        await self.gate.wait()
        if self.refusing:
            raise self.refusing
        self._store_name = name
        self._cached.clear()

    def stats(self) -> Stats:
        return Stats(
            at=time.monotonic(),
            store=self._store_name,
            strategy=self._strategy_name,
            strategies=dict(self._stats),
            refused={},
            breaker="open" if self.cache_problem else "closed",
            cache_problem=self.cache_problem,
            doubt=self.doubt,
            generation=self.generation,
            faults=tuple(self.faults.active.values()),
            redis=None,
            near=self.near_tier,
            shared=self.shared,
            trace=tuple(self._trace),
        )

    async def load(
        self, source: Source, progress: Progress | None = None, *, stop: asyncio.Event | None = None
    ) -> LoadReport:
        raise NotImplementedError

    async def _wait(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.failing:
            raise self.failing

    def _answer(self, query: Query) -> list[Movie]:
        movies = list(self.stock.values())
        if query.sort in TRENDS:
            self.views_shown = self._viewed()
            return [self.stock[id] for id in reference.trending(movies, query, self.views_shown)]
        return [self.stock[id] for id in reference.answer(movies, query)]

    def _count(self, operation: str, key: str, tiers: tuple[Tier, ...], seconds: float) -> None:
        old = self._stats[self._strategy_name]
        hits = sum(tier != "store" for tier in tiers)
        self._stats[self._strategy_name] = msgspec.structs.replace(
            old, hits=old.hits + hits, misses=old.misses + len(tiers) - hits
        )
        number = self._trace[-1].number + 1 if self._trace else 1
        tier = tiers[0] if tiers else None
        line = TraceLine(number, time.time(), operation, key, self._strategy_name, tier, "ok", None, seconds)
        self._trace = [*self._trace[-199:], line]


def opening(
    catalogue: MemoryCatalogue, *, failure: Exception | None = None
) -> Callable[..., AbstractAsyncContextManager[Catalogue]]:
    """An opener that gives this catalogue, or fails."""

    @asynccontextmanager
    async def open_catalogue(
        settings: Settings, *, report: Callable[[object], None] | None = None
    ) -> AsyncIterator[Catalogue]:
        if report:
            report(SimpleNamespace(server="redis", state="ready", detail="8.2.1", seconds=0.2))
            report(SimpleNamespace(server=settings.store, state="starting", detail="", seconds=0.0))
        await asyncio.sleep(catalogue.delay)
        if failure is not None:
            raise failure
        try:
            yield catalogue
        finally:
            catalogue.closed = True

    return open_catalogue
