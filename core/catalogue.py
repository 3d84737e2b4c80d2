"""Catalogue: the one object that a screen, a script or a test talks to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from core import audit, committing
from core.binding import Binding
from core.boards.board import Board
from core.boards.views import Span
from core.browsing import browsed
from core.cache.redis import RedisCache
from core.cache.wire import Refused
from core.counting import completed, counted
from core.errors import InvalidQuery, UnknownStore, UnknownStrategy
from core.filling import Fillings
from core.model import LoadProgress, LoadReport, Movie, Progress, check
from core.monitoring import Monitor
from core.observe.counters import Observer
from core.observe.stats import Stats
from core.place import KINDS, Kind, Place, Surroundings
from core.query import MOST_ROWS, TRENDS, Counts, Page, Query, ValueCount
from core.quiescence import Quiescence, Unfinished
from core.reading import Reading, noted
from core.settings import STORES, STRATEGIES
from core.strategies.base import Answer, Written
from core.strategies.keys import movie_key
from core.strategies.orders import Making

if TYPE_CHECKING:
    from core.cache.inspector import Listing
    from core.inspection import Inspection
    from core.intake import Source
    from core.lab.faults import FaultSwitches


class Catalogue:
    """The movies behind a caching strategy and a store, both switchable while it runs.

    Each operation captures strategy and store once, when it starts.
    """

    strategies: ClassVar[tuple[str, ...]] = STRATEGIES
    stores: ClassVar[tuple[str, ...]] = STORES

    def __init__(
        self,
        binding: Binding,
        strategy: str,
        cache: RedisCache,
        observer: Observer,
        open_store: Callable[[str], Awaitable[Binding]],
        *,
        faults: FaultSwitches,
    ) -> None:
        self.faults = faults
        """What breaks the embedded servers on purpose."""
        self._binding = binding
        self._strategy = binding.strategies[strategy]
        self._cache = cache
        self._observer = observer
        self._monitor = Monitor(cache, observer)
        self._open_store = open_store
        self._fillings = Fillings()
        self._switching = asyncio.Lock()
        self._quiescence = Quiescence()
        self._long_way = self._movie  # once, not a read

    # ------------------------------------------------------------------------------------------------ what is in force

    @property
    def strategy(self) -> str:
        """The name of the strategy in force."""
        return self._strategy.name

    @property
    def store_problem(self) -> str | None:
        """Why the store in force does not answer; None while it does. Costs no round trip: it is looked at anyway."""
        return self._binding.trust.store_problem

    @property
    def unfinished(self) -> Unfinished:
        """What runs at this moment that a switch would wait for."""
        return self._quiescence.unfinished(self._binding.background)

    @property
    def settling(self) -> bool:
        """Whether a switch only waits for `unfinished`: then whoever awaits it may cancel it, and all is as before."""
        return self._quiescence.settling

    @property
    def store(self) -> str:
        """The name of the store in force."""
        return self._binding.store.name

    @property
    def redis_url(self) -> str:
        """Where Redis really is just now, password masked."""
        return self._cache.address

    @property
    def limits(self) -> tuple[str, ...]:
        """What cannot be had where the store in force stands, in a sentence each: known from the start."""
        return self._binding.limits

    @property
    def store_url(self) -> str:
        """Where the store in force really is, password masked."""
        return self._binding.address

    @property
    def ordering(self) -> Making | None:
        """The order of an answer that is being made for windows at any depth, and how far; None when none is."""
        return self._binding.orders.making

    # --------------------------------------------------------------------------------------------------------- reading

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        """One window of a query's answer. Raises InvalidQuery, StoreUnavailable.

        `hurry`: where the store takes long to count a filtered answer, its first so many rows come as a Page that is
        not `counted`; the next call waits for the count that is under way."""
        if offset < 0 or not 0 < limit <= MOST_ROWS:
            raise InvalidQuery(
                f"A window of {limit} rows from row {offset} cannot be had.",
                remedy=f"Ask for 1 to {MOST_ROWS} rows from row 0 or later.",
            )
        return await browsed(self._binding, self._strategy, self._observer, query, offset, limit, hurry=hurry)

    def get(self, id: str) -> Awaitable[Movie]:
        """The movie. Awaited, raises MovieNotFound, StoreUnavailable.

        It is under way at once, and with it what else this tick of the event loop asks for. Needs a running loop."""
        strategy = self._strategy
        hit = strategy.hit(id, self._long_way)
        if hit is not None:
            return hit
        return asyncio.ensure_future(self._long_way(strategy.name, id, strategy.read(id), time.perf_counter()))

    async def read(self, id: str) -> Reading:
        """The movie, with where it came from and how long it took. Raises as `get` does."""
        strategy = self._strategy
        return await noted(self._observer, strategy.name, id, strategy.read(id), time.perf_counter())

    async def _movie(self, strategy: str, id: str, reading: Awaitable[Answer], started: float) -> Movie:
        return (await noted(self._observer, strategy, id, reading, started)).movie

    async def genres(self, query: Query) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer have each genre, most first. Raises StoreUnavailable."""
        return (await self.counts("genres", query)).values

    async def years(self, query: Query) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer are of each year, most first. Raises StoreUnavailable."""
        return (await self.counts("year", query)).values

    async def counts(self, field: str, query: Query) -> Counts:
        """How many movies of the query's answer have each value of a field, and how that was come by.

        Raises InvalidQuery on a field that is none of COUNTED, StoreUnavailable."""
        return await counted(self._binding, self._strategy, self._observer, query, field)

    async def completions(
        self, field: str, beginning: str, limit: int = 10, *, among: Query | None = None
    ) -> tuple[ValueCount, ...]:
        """The values of a list field in which some word begins so, those of most movies (`among` an answer's) first.

        Raises InvalidQuery on a field that is none of COUNTED, StoreUnavailable."""
        count = partial(counted, self._binding, self._strategy, self._observer, field=field, operation="completions")
        return await completed(count, field, beginning, limit, among or Query())

    async def near_by(
        self,
        centre: Place | tuple[float, float],
        *,
        radius_km: float | None = None,
        box: tuple[float, float] | None = None,
        kinds: Sequence[Kind] = KINDS,
        limit: int = 100,
    ) -> Surroundings:
        """What is around a place, or around a latitude and a longitude, nearest first: within a radius, or in a box of
        that width and height in km. Raises InvalidQuery, StoreUnavailable."""
        from core.locating import around  # and with it all that is about places

        return await around(self._binding, self._strategy.name, self._observer, centre, radius_km, box, kinds, limit)

    async def places(self, beginning: str, limit: int = 10) -> tuple[Place, ...]:
        """The places of whose names or towns some words begin so. Raises StoreUnavailable."""
        return await self._binding.places.beginning(beginning, limit)

    async def place(self, text: str) -> Place:
        """The place that a person named, also by `48.85,2.35`. Raises UnknownPlace, InvalidQuery, StoreUnavailable."""
        from core.locating import named

        return await named(self._binding.places, text)

    # ---------------------------------------------------------------------------------------------------------- boards

    async def top(self, genre: str | None = None, limit: int = 50) -> Board:
        """The movies that critics rate best (`core/score.py`), of a genre or of all; no write that was acknowledged
        before the call is missing from it. Raises InvalidQuery, StoreUnavailable."""
        from core.ranking import top

        return await top(self._binding, self._strategy, self._observer, genre, limit)

    async def trending(self, span: Span = "day", limit: int = 50, *, genre: str | None = None) -> Board:
        """The movies that were most looked at, by all running copies and as of a second ago, where what was looked at
        a span ago counts half. Raises InvalidQuery, StoreUnavailable."""
        from core.ranking import trending

        return await trending(self._binding, self._strategy, self._observer, span, genre, limit)

    async def moved(self, query: Query) -> bool:
        """Whether the answer to a query that is sorted by views begins with other movies by now than when its first row
        was asked for."""
        return query.sort in TRENDS and await self._binding.trends.moved(TRENDS[query.sort])

    def viewed(self, id: str) -> None:
        """Somebody looks at this movie: count it among the views of all copies."""
        self._binding.views.viewed(id)

    # --------------------------------------------------------------------------------------------------------- writing

    async def save(self, movie: Movie) -> Movie:
        """Store an edit whose base is `movie.version`.

        Raises InvalidMovie, EditConflict, MovieNotFound, StoreUnavailable."""
        written = await self._write("save", movie.id, committing.update(check(movie)))
        assert written.movie is not None
        return written.movie

    async def add(self, movie: Movie) -> Movie:
        """Store a new movie. Raises InvalidMovie, MovieExists, StoreUnavailable."""
        written = await self._write("add", movie.id, committing.insert(check(movie)))
        assert written.movie is not None
        return written.movie

    async def remove(self, id: str, *, version: int) -> None:
        """Remove the movie if it still has this version. Raises EditConflict, MovieNotFound, StoreUnavailable."""
        await self._write("remove", id, committing.delete(id, version))

    async def _write(self, operation: str, id: str, commit: committing.Commit) -> Written:
        async with self._quiescence.write():
            return await committing.committed(self._binding, self._strategy, self._observer, operation, id, commit)

    async def load(
        self, source: Source, progress: Progress | None = None, *, stop: asyncio.Event | None = None
    ) -> LoadReport:
        """Store what `data.read` yields, batch by batch; set `stop` to end it between two batches.

        Raises UnreadableFile, StoreUnavailable; what was stored before stays."""
        from core.loading import load_into

        return await load_into(self._binding, source, progress, stop)

    async def load_places(
        self, source: Source, progress: Progress | None = None, *, stop: asyncio.Event | None = None
    ) -> LoadReport:
        """Store the theaters that `data.read_places` yields; a set `stop` ends it between two batches.

        Raises UnreadableFile, StoreUnavailable; what was stored before stays."""
        from core.place_loading import load_places_into

        return await load_places_into(self._binding, source, progress, stop)

    # ------------------------------------------------------------------------------------------------------- switching

    async def use_strategy(self, name: str) -> None:
        """Switch the strategy; running writes end under the old one first. Raises UnknownStrategy.

        Cancelled while it waits for them, the old one is in force again."""
        if name not in self.strategies:
            raise UnknownStrategy(name, self.strategies)
        async with self._switching:
            old, started = self._strategy, time.perf_counter()
            self._strategy = self._binding.strategies[name]
            try:
                waited = await self._quiescence.settle(self._binding.background)
            except asyncio.CancelledError:
                # Nothing to wait for on the way back: operations of both overlap safely.
                self._strategy = old
                self._trace_switch("strategy", f"{old.name} -> {name}, stopped while it waited", started)
                raise
            self._trace_switch("strategy", f"{old.name} -> {name}, {waited}", started)

    async def use_store(self, name: str) -> None:
        """Switch the store, starting its embedded server where needed. On failure the old one stays in force.

        Cancelled while it waits for running writes, too; while it opens the store it is not to be cancelled.

        Raises UnknownStore, ServerFailed, StoreUnavailable (ForeignCollection)."""
        if name not in self.stores:
            raise UnknownStore(name, self.stores)
        async with self._switching:
            if name == self.store:
                return
            old, started = self._binding, time.perf_counter()
            binding = await self._open_store(name)
            with self._quiescence.held():
                waited = await self._quiescence.settle(self._binding.background)
                self._binding, self._strategy = binding, binding.strategies[self._strategy.name]
            self._trace_switch("store", f"{old.store.name} -> {name}, {waited}", started)
            # From now on only those of the store in force are told.
            await old.views.report()

    async def near(self, on: bool) -> None:
        """Begin or end to keep in this process what is read from Redis; `stats().near` tells how that goes.

        Returns when it is known whether it can be done. Where it cannot, reads go to Redis as before."""
        async with self._switching:
            started = time.perf_counter()
            await self._cache.use_near(on)
            problem = self._cache.tracking.problem
            self._trace_switch("near tier", f"on, but {problem}" if problem else "on" if on else "off", started)

    def _trace_switch(self, what: str, change: str, started: float) -> None:
        seconds = time.perf_counter() - started
        self._observer.trace("switch", what, self._strategy.name, None, change, None, seconds)

    # --------------------------------------------------------------------------------------------------- first filling

    @property
    def filling(self) -> LoadProgress | None:
        """How far the first filling of an empty embedded store has come; None when none is under way."""
        return self._fillings.so_far(self.store)

    async def ready(self) -> None:
        """Wait until an empty embedded store has been filled with the shipped movies; raises what that met."""
        await self._fillings.ended(self.store)

    def fill(self, binding: Binding, source: Source, note: tuple[str, str]) -> None:
        """Begin to load the shipped movies into an empty store; `note` (name, text) marks it as done."""
        self._fillings.begin(binding, source, note)

    async def close(self) -> None:
        """Stop what still fills. The parts are closed by whoever opened them."""
        await self._fillings.close()
        await self._monitor.report(self._binding, running=False)

    # ------------------------------------------------------------------------------------------------------ what it did

    def stats(self) -> Stats:
        """What was counted so far, as an immutable snapshot; costs no round trip."""
        return self._monitor.stats(self._binding, self._strategy, tuple(self.faults.active.values()))

    async def watch(self) -> None:
        """Look at Redis' own figures and at whether it is used, and tell the other copies what was counted and viewed,
        once. Called every second by the opener."""
        await self._monitor.look(self._binding, self._strategy)

    def note(self, operation: str, key: str, verdict: str) -> None:
        """Write into the trace what is no operation on a movie: a fault that was switched, a change of trust."""
        self._observer.trace(operation, key, self._strategy.name, None, verdict, None, 0.0)

    async def keys(self, text: str = "", *, cursor: str = "", limit: int = 200) -> Listing:
        """About `limit` keys of the program in Redis whose names match a glob or hold a text, of every store and copy;
        `cursor` is that of the page before. Reads only. Raises CacheUnavailable."""
        from core.cache.inspector import listing

        try:
            return await listing(self._cache.look, text, cursor, limit)
        except Refused as refusal:
            raise self._cache.refusal(refusal) from None

    async def inspect(self, name: str) -> Inspection:
        """What is to be known of one key: how it is stored, what it is for, who holds its gate, what is in it.
        Reads only. Raises InvalidQuery where it is no key of the program's, CacheUnavailable."""
        from core.inspection import inspection, wire_name

        ours = self._binding.cache.namespace
        return await inspection(self._cache.look, wire_name(name), ours, self._cache.now_ms())

    def keys_of(self, id: str) -> tuple[str, ...]:
        """The names under which a movie stands in Redis: its entry and its gate."""
        from core.inspection import shown_name

        namespace, key = self._binding.cache.namespace, movie_key(id)
        return tuple(map(shown_name, (namespace.entry_key(key), namespace.gate_key(key))))

    async def check(self) -> audit.Check:
        """Compare every movie in the cache with the store, again after 0.1, 1 and 10 seconds where they differ.

        Raises CacheUnavailable, StoreUnavailable."""
        return await audit.check(self._binding.store, self._binding.cache)
