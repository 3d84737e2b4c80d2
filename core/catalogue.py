"""Catalogue: the one object that a screen, a script or a test talks to."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from core import audit
from core.binding import Binding
from core.cache.redis import RedisCache
from core.errors import (
    CacheUnavailable,
    EditConflict,
    InvalidQuery,
    MovieNotFound,
    StoreUnavailable,
    UnknownStore,
    UnknownStrategy,
)
from core.filter_text import filter_text
from core.loading import Source, load_into
from core.model import LoadProgress, LoadReport, Movie, Progress, check
from core.observe.counters import Observer
from core.observe.stats import NearStats, RedisStats, Stats, Step
from core.query import COUNTED, MOST_ROWS, WITHIN, Freshness, Page, Query, Tier, ValueCount, words_of
from core.settings import STORES, STRATEGIES
from core.stores.base import Store, Window
from core.strategies.base import Answer, Change, Question, Strategy, Written
from core.strategies.codec import decode_counts, decode_window, encode_counts, encode_window
from core.strategies.keys import COLLECTION
from core.strategies.orders import Making

if TYPE_CHECKING:
    from core.lab.faults import FaultSwitches

SOON: Final = 0.005
"""Seconds that somebody in a hurry waits for a whole answer before its first rows are asked for beside it."""
ALONE: Final = 0.05
"""Seconds that the first rows have the store for themselves before the whole answer is computed beside them."""
SWITCH_PATIENCE: Final = 5.0
"""Seconds that a switch waits for running writes before it goes on beside them: both modes overlap safely."""


Commit = Callable[[Store, Awaitable[None]], Awaitable[Written]]
"""Changes the store, once the write has been announced."""


class Reading(msgspec.Struct, frozen=True):
    """One movie as it was read: from which tier, how fresh, why so, and in how many seconds."""

    movie: Movie
    version: int
    tier: Tier
    freshness: Freshness
    reason: str
    seconds: float


class Unfinished(msgspec.Struct, frozen=True):
    """What a switch still waits for: running writes, and what earlier operations still put into the cache."""

    writes: int = 0
    puts: int = 0

    def __str__(self) -> str:
        counted = ((self.writes, "running write"), (self.puts, "cache update"))
        return " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted if count)


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
        self._open_store = open_store
        self._redis: RedisStats | None = None
        self._generation: str | None = None
        self._doubt: str | None = None
        """Why the cache was not used at the last look, for the trace."""
        self._filling: dict[str, LoadProgress] = {}
        self._fills: dict[str, asyncio.Task[LoadReport]] = {}
        self._switching = asyncio.Lock()
        self._settling = False
        self._writes = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._admitted = asyncio.Event()
        self._admitted.set()

    # ------------------------------------------------------------------------------------------------ what is in force

    @property
    def strategy(self) -> str:
        """The name of the strategy in force."""
        return self._strategy.name

    @property
    def unfinished(self) -> Unfinished:
        """What runs at this moment that a switch would wait for."""
        return Unfinished(self._writes, len(self._binding.background))

    @property
    def settling(self) -> bool:
        """Whether a switch only waits for `unfinished`: then whoever awaits it may cancel it, and all is as before."""
        return self._settling

    @property
    def store(self) -> str:
        """The name of the store in force."""
        return self._binding.store.name

    @property
    def redis_url(self) -> str:
        """Where Redis really is just now, password masked."""
        return self._cache.address

    @property
    def store_url(self) -> str:
        """Where the store in force really is, password masked."""
        return self._binding.address

    # --------------------------------------------------------------------------------------------------------- reading

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: bool = False) -> Page:
        """One window of a query's answer. Raises InvalidQuery, StoreUnavailable.

        `hurry`: where the store takes long to count a filtered answer, its first rows come as a Page that is not
        `counted`; the next call waits for the count that is under way."""
        if offset < 0 or not 0 < limit <= MOST_ROWS:
            raise InvalidQuery(
                f"A window of {limit} rows from row {offset} cannot be had.",
                remedy=f"Ask for 1 to {MOST_ROWS} rows from row 0 or later.",
            )
        strategy, store, orders = self._strategy, self._binding.store, self._binding.orders
        question = Question(
            name=f"window {offset}+{limit} {msgspec.json.encode(query).decode()}",
            compute=partial(orders.asked, query, offset, limit),
            encode=encode_window,
            decode=decode_window,
            near=partial(orders.window, query, offset, limit),
        )
        started = time.perf_counter()
        with self._errors_counted(strategy):
            if hurry and offset == 0 and query.selective:
                window, tier, freshness, counted = await _counted_or_begun(strategy, store, question, query, limit)
            else:
                (window, tier, freshness), counted = await strategy.answer(question), True
            listed = time.perf_counter()
            answers = await strategy.read_many(window.ids)
            steps = _legs(strategy.name, tier, freshness, listed - started, answers, time.perf_counter() - listed)
            if counted and any(answer.movie is None for answer in answers):
                # One was removed between the look at the window and the look at its movies: both once more.
                window, tier, freshness = await strategy.answer(question)
                answers = await strategy.read_many(window.ids)
                steps = ()
        seconds = time.perf_counter() - started
        if tier != "near" and freshness != "stale" and counted:
            orders.want(query, offset, window.total)
        found = [(answer.movie, answer.tier) for answer in answers if answer.movie is not None]
        verdict = f"{sum(tier != 'store' for _, tier in found)} of {len(found)} hit"
        if near := sum(tier == "near" for _, tier in found):
            verdict += f", {near} near"
        if freshness == "stale":
            verdict = f"last known state, {verdict}"
        elif doubted := next((answer.reason for answer in answers if answer.freshness == "uncached"), None):
            verdict = f"{verdict}, {doubted}"
        what = f"{query.sort} {offset}+{limit} {filter_text(query)}".rstrip()
        self._observer.trace("browse", what, strategy.name, tier, verdict, None, seconds, steps)
        movies = tuple(movie for movie, _ in found)
        tiers = tuple(tier for _, tier in found)
        return Page(movies, window.total, offset, tiers, tier, freshness, seconds, counted)

    def get(self, id: str) -> Awaitable[Movie]:
        """The movie. Awaited, raises MovieNotFound, StoreUnavailable.

        It is under way at once, and with it what else this tick of the event loop asks for. Needs a running loop."""
        strategy = self._strategy
        hit = strategy.hit(id, self._movie)
        if hit is not None:
            return hit
        return asyncio.ensure_future(self._movie(strategy.name, id, strategy.read(id), time.perf_counter()))

    async def read(self, id: str) -> Reading:
        """The movie, with where it came from and how long it took. Raises as `get` does."""
        strategy = self._strategy
        return await self._noted(strategy.name, id, strategy.read(id), time.perf_counter())

    async def _movie(self, strategy: str, id: str, reading: Awaitable[Answer], started: float) -> Movie:
        return (await self._noted(strategy, id, reading, started)).movie

    async def _noted(self, strategy: str, id: str, reading: Awaitable[Answer], started: float) -> Reading:
        try:
            answer = await reading
        except StoreUnavailable:
            self._observer.error(strategy)
            raise
        seconds = time.perf_counter() - started
        self._observer.trace("get", id, strategy, answer.tier, answer.reason, answer.version, seconds, answer.steps)
        if answer.movie is None:
            raise MovieNotFound(id)
        return Reading(answer.movie, answer.version, answer.tier, answer.freshness, answer.reason, seconds)

    async def genres(self, query: Query) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer have each genre, most first. Raises StoreUnavailable."""
        return await self._counts("genres", query, "genres")

    async def years(self, query: Query) -> tuple[ValueCount, ...]:
        """How many movies of the query's answer are of each year, most first. Raises StoreUnavailable."""
        return await self._counts("years", query, "year")

    async def completions(
        self, field: str, beginning: str, limit: int = 10, *, among: Query | None = None
    ) -> tuple[ValueCount, ...]:
        """The values of a list field in which some word begins so, those of most movies (`among` an answer's) first.

        Raises InvalidQuery on a field that is none of COUNTED, StoreUnavailable."""
        if field not in COUNTED:
            raise InvalidQuery(f"{field!r} has no values to choose from.", remedy=f"Choose: {', '.join(COUNTED)}.")
        starts = Query(text=beginning).words
        narrowed = among or Query()
        if field in WITHIN and starts:
            narrowed = msgspec.structs.replace(narrowed, within=(*narrowed.within, (field, beginning)))
        counted = await self._counts("completions", narrowed, field)
        begun = (
            value
            for value in counted
            if all(any(word.startswith(start) for word in words_of(value.name)) for start in starts)
        )
        return tuple(itertools.islice(begun, limit))

    async def _counts(self, operation: str, query: Query, field: str) -> tuple[ValueCount, ...]:
        strategy, store, tallies = self._strategy, self._binding.store, self._binding.tallies
        unordered = msgspec.structs.replace(query, sort="title", descending=False)
        question: Question[tuple[ValueCount, ...]] = Question(
            name=f"counts {field} {msgspec.json.encode(unordered).decode()}",
            compute=partial(store.counts, unordered, field),
            encode=encode_counts,
            decode=decode_counts,
            near=partial(tallies.counts, unordered, field),
        )
        started = time.perf_counter()
        try:
            with self._errors_counted(strategy):
                counts, tier, freshness = await strategy.answer(question)
        except StoreUnavailable:
            tallies.want(unordered, field, None)
            raise
        if tier != "near" and freshness == "fresh":
            tallies.want(unordered, field, counts)
        verdict = "last known state" if freshness == "stale" else "hit" if tier != "store" else "computed"
        self._observer.trace(
            operation, filter_text(query) or "all", strategy.name, tier, verdict, None, time.perf_counter() - started
        )
        return counts

    # --------------------------------------------------------------------------------------------------------- writing

    async def save(self, movie: Movie) -> Movie:
        """Store an edit whose base is `movie.version`.

        Raises InvalidMovie, EditConflict, MovieNotFound, StoreUnavailable."""
        checked = check(movie)
        written = await self._write("save", movie.id, lambda store, announced: _updated(store, checked, announced))
        assert written.movie is not None
        return written.movie

    async def add(self, movie: Movie) -> Movie:
        """Store a new movie. Raises InvalidMovie, MovieExists, StoreUnavailable."""
        checked = check(movie)
        written = await self._write("add", movie.id, lambda store, announced: _inserted(store, checked, announced))
        assert written.movie is not None
        return written.movie

    async def remove(self, id: str, *, version: int) -> None:
        """Remove the movie if it still has this version. Raises EditConflict, MovieNotFound, StoreUnavailable."""
        await self._write("remove", id, lambda store, announced: _deleted(store, id, version, announced))

    async def load(
        self, source: Source, progress: Progress | None = None, *, stop: asyncio.Event | None = None
    ) -> LoadReport:
        """Store what `data.read` yields, batch by batch; set `stop` to end it between two batches.

        Raises UnreadableFile, StoreUnavailable; what was stored before stays."""
        return await load_into(self._binding, source, progress, stop)

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
                waited = await self._settle()
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
            old, started = self.store, time.perf_counter()
            binding = await self._open_store(name)
            self._admitted.clear()
            try:
                waited = await self._settle()
                self._binding, self._strategy = binding, binding.strategies[self._strategy.name]
            finally:
                self._admitted.set()
            self._trace_switch("store", f"{old} -> {name}, {waited}", started)

    async def near(self, on: bool) -> None:
        """Begin or end to keep in this process what is read from Redis; `stats().near` tells how that goes.

        Returns when it is known whether it can be done. Where it cannot, reads go to Redis as before."""
        async with self._switching:
            started = time.perf_counter()
            await self._cache.use_near(on)
            problem = self._cache.tracking.problem
            self._trace_switch("near tier", f"on, but {problem}" if problem else "on" if on else "off", started)

    async def _settle(self) -> str:
        """Wait, within reason, for running writes and for what they still put into the cache; say for how much."""
        unfinished, started = self.unfinished, time.perf_counter()
        self._settling = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWITCH_PATIENCE):
                    await self._quiet.wait()
            late = not self._quiet.is_set()
            late |= not await self._binding.background.drain(within=SWITCH_PATIENCE)
        finally:
            self._settling = False
        if not str(unfinished):
            return "nothing to wait for"
        waited = f"waited {time.perf_counter() - started:.3f} s for {unfinished}"
        return f"{waited}, not to the end" if late else waited

    def _trace_switch(self, what: str, change: str, started: float) -> None:
        seconds = time.perf_counter() - started
        self._observer.trace("switch", what, self._strategy.name, None, change, None, seconds)

    # --------------------------------------------------------------------------------------------------- first filling

    @property
    def ordering(self) -> Making | None:
        """The order of an answer that is being made for windows at any depth, and how far; None when none is."""
        return self._binding.orders.making

    @property
    def filling(self) -> LoadProgress | None:
        """How far the first filling of an empty embedded store has come; None when none is under way."""
        return self._filling.get(self.store)

    async def ready(self) -> None:
        """Wait until an empty embedded store has been filled with the shipped movies; raises what that met."""
        if fill := self._fills.get(self.store):
            await asyncio.shield(fill)

    def fill(self, binding: Binding, source: Source, note: tuple[str, str]) -> None:
        """Begin to load the shipped movies into an empty store; `note` (name, text) marks it as done."""
        name = binding.store.name

        def progress(so_far: LoadProgress) -> None:
            self._filling[name] = so_far

        async def run() -> LoadReport:
            try:
                report = await load_into(binding, source, progress)
                await binding.store.set_note(*note)
                return report
            finally:
                self._filling.pop(name, None)

        self._filling[name] = LoadProgress(0, 0, 0, 0, 0.0, 0.0)
        task = asyncio.create_task(run())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._fills[name] = task

    async def close(self) -> None:
        """Stop what still fills. The parts are closed by whoever opened them."""
        for task in self._fills.values():
            task.cancel()
        await asyncio.gather(*self._fills.values(), return_exceptions=True)

    # ------------------------------------------------------------------------------------------------------ what it did

    def stats(self) -> Stats:
        """What was counted so far, as an immutable snapshot; costs no round trip."""
        breaker, trust = self._cache.breaker, self._binding.trust
        doubt = trust.doubt()
        return self._observer.snapshot(
            at=time.monotonic(),
            store=self.store,
            strategy=self.strategy,
            breaker=breaker.state,
            cache_problem=breaker.problem,
            doubt=doubt.reason if doubt else None,
            pending=trust.standing.pending,
            generation=self._generation,
            breaker_opened=breaker.opened,
            faults=tuple(self.faults.active.values()),
            redis=self._redis if breaker.state == "closed" else None,
            near=NearStats(
                on=self._cache.tracking.wanted,
                problem=self._cache.tracking.problem,
                entries=len(self._cache.near),
                most_entries=self._cache.near.most_entries,
                size=self._cache.near.size,
                most_size=self._cache.near.most_size,
                invalidated=self._cache.near.invalidated,
                evicted=self._cache.near.evicted,
            ),
        )

    async def watch(self) -> None:
        """Look at Redis' own figures, and at whether it is used, once. Called every second by the opener."""
        doubt = self._binding.trust.doubt()
        reason = self._cache.breaker.problem or (doubt.reason if doubt else None)
        if reason != self._doubt:
            self._doubt = reason
            self.note("cache", "Redis", f"not used: {reason}" if reason else "used again")
        with contextlib.suppress(CacheUnavailable):
            present = await self._binding.cache.get(COLLECTION)
            self._generation = present.payload.hex() if present is not None else None
            info = await self._cache.server()
            self._redis = RedisStats(**msgspec.structs.asdict(info))

    def note(self, operation: str, key: str, verdict: str) -> None:
        """Write into the trace what is no operation on a movie: a fault that was switched, a change of trust."""
        self._observer.trace(operation, key, self._strategy.name, None, verdict, None, 0.0)

    async def check(self) -> audit.Check:
        """Compare every movie in the cache with the store, again after 0.1, 1 and 10 seconds where they differ.

        Raises CacheUnavailable, StoreUnavailable."""
        return await audit.check(self._binding.store, self._binding.cache)

    # --------------------------------------------------------------------------------------------------------- details

    async def _write(self, operation: str, id: str, commit: Commit) -> Written:
        await self._admitted.wait()
        strategy, binding = self._strategy, self._binding
        started = time.perf_counter()
        self._writes += 1
        self._quiet.clear()
        try:
            with self._errors_counted(strategy):
                written = await strategy.write(Change(id, partial(commit, binding.store)))
                binding.tallies.wrote(written)
        except EditConflict:
            self._observer.conflict(strategy.name)
            self._observer.trace(operation, id, strategy.name, None, "conflict", None, time.perf_counter() - started)
            raise
        finally:
            self._writes -= 1
            if not self._writes:
                self._quiet.set()
        seconds = time.perf_counter() - started
        self._observer.write(strategy.name, seconds)
        binding.auditor.wrote(id)
        self._observer.trace(
            operation, id, strategy.name, "store", "committed", written.version, seconds, written.steps
        )
        return written

    @contextlib.contextmanager
    def _errors_counted(self, strategy: Strategy) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self._observer.error(strategy.name)
            raise


async def _counted_or_begun(
    strategy: Strategy, store: Store, question: Question[Window], query: Query, limit: int
) -> tuple[Window, Tier, Freshness, bool]:
    """The whole answer if it comes soon; else the first rows, unless the whole one comes sooner than these.

    Where nobody keeps the answer, the store has a while for the first rows alone: counting takes all its cores."""
    beginning: asyncio.Task[tuple[str, ...]] | None = None
    left = False

    async def rows_first() -> Window:
        nonlocal beginning
        if not left:
            beginning = beginning or asyncio.create_task(store.first(query, limit))
            await asyncio.wait([beginning], timeout=ALONE)
        return await question.compute()

    whole = asyncio.ensure_future(strategy.answer(msgspec.structs.replace(question, compute=rows_first)))
    try:
        await asyncio.wait([whole], timeout=SOON)
        if not whole.done():
            beginning = beginning or asyncio.create_task(store.first(query, limit))
            await asyncio.wait([whole, beginning], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([whole], timeout=SOON)
        if beginning is None or whole.done() or beginning.exception() is not None:
            return *(await whole), True
        ids = beginning.result()
        return Window(ids, len(ids)), "store", "uncached", False
    finally:
        # A flight that others may share goes on: the next call shares it.
        left = True
        tasks = [task for task in (whole, beginning) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _legs(
    strategy: str, tier: Tier, freshness: Freshness, listing: float, answers: Sequence[Answer], reading: float
) -> tuple[Step, ...]:
    """A window's way: the order of its rows, then its movies. Only what one server did alone has a time."""
    asked = strategy != "no-cache"
    # Uncached answers may have come about without a look at Redis: then none is claimed.
    doubted = freshness == "uncached"
    steps = []
    if tier == "store":
        steps += [Step("redis", "no order")] if asked and not doubted else []
        steps.append(Step("store", "order", None if asked else listing))
    else:
        steps.append(Step("redis", "order" if tier == "redis" else "order kept here", listing))
    if answers:
        near = sum(answer.tier == "near" for answer in answers)
        held = sum(answer.tier == "redis" for answer in answers)
        sought = len(answers) - near
        lacking = sought - held
        doubted = any(answer.freshness == "uncached" for answer in answers)
        if near:
            steps.append(Step("near", f"{near} of {len(answers)}", None if sought else reading))
        if held or (lacking and asked and not doubted):
            steps.append(Step("redis", f"{held} of {sought}", None if lacking or near else reading))
        if lacking:
            steps.append(Step("store", f"{lacking} movies", None if asked else reading))
    return tuple(steps)


async def _updated(store: Store, movie: Movie, announced: Awaitable[None]) -> Written:
    saved = await store.update(movie, announced)
    return Written(saved, saved.version)


async def _inserted(store: Store, movie: Movie, announced: Awaitable[None]) -> Written:
    await announced
    added = await store.insert(movie)
    return Written(added, added.version)


async def _deleted(store: Store, id: str, version: int, announced: Awaitable[None]) -> Written:
    await announced
    return Written(None, await store.delete(id, version))
