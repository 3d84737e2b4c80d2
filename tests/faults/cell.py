"""A cell: one store, one strategy and one consistency under faults, run and judged."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from redis.asyncio import Redis

from core import Movie
from core.servers.binaries import ServerName
from core.settings import STRATEGIES
from core.stores.base import Store
from core.stores.mongo import MongoStore
from core.stores.postgres import PostgresStore
from tests.faults import schedule
from tests.faults.checker import BOUNDED, STRICT, Verdict, Violation, check
from tests.faults.client import Config
from tests.faults.crew import Crew
from tests.faults.edits import Editor
from tests.faults.history import Happened, Held, Journal, Noted, gather, genres_of, now, read_lines
from tests.faults.proxy import MOODS, Proxy
from tests.faults.schedule import Fault
from tests.faults.servers import Servers, redis_url
from tests.faults.watchers import (
    CONNECTIONS,
    Entries,
    cold_by_right,
    count_connections,
    differences,
    gate_told,
    sample,
)

SETTLE_SECONDS: Final = 10.0
"""How long the cache may take after the last fault until it equals the store."""
_STORES: Final[tuple[ServerName, ...]] = ("postgresql", "mongodb")
_FAULT_LIMIT: Final = 60.0
"""Seconds that a fault may last, with all that it takes to put things right again."""
Say = Callable[[str], None]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What is run. `implementation` is "core", "naive", or a way to break the core."""

    store: ServerName
    strategy: str
    consistency: str = "strict"
    implementation: str = "core"
    faults: tuple[str, ...] = schedule.ALL
    seconds: float = 60.0
    until: tuple[str, ...] = ()
    """Faults that must have come before it ends, where a slow machine needs more seconds for them."""
    seed: int = 1
    clients: int = 4
    sessions: int = 4
    movies: int = 12
    """How many movies all of them are at: the fewer, the more often two meet."""
    crash: float = 0.003
    near: bool = False
    """Whether the clients keep near what they read."""
    redis: str = "single"
    """What Redis is: one server, or a topology by name."""
    wait_for_dead_writers: bool = True
    """Whether the end waits until tokens of dead writers have expired, to see their keys cached again too."""

    @property
    def name(self) -> str:
        """The cell in words."""
        words = [self.store, self.strategy, self.consistency, *(["near"] if self.near else [])]
        words += [] if self.redis == "single" else [self.redis]
        return " ".join(words if self.implementation == "core" else [*words, self.implementation])

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of the movies, the one that most are at first."""
        return tuple(f"hot{number}" for number in range(self.movies))

    @property
    def claims(self) -> frozenset[str]:
        """The invariants that this cell must keep."""
        return STRICT if self.consistency == "strict" else BOUNDED

    @property
    def stores(self) -> tuple[ServerName, ...]:
        """The stores that take part."""
        return _STORES if "store-switch" in self.faults else (self.store,)


class Result(msgspec.Struct):
    """How a cell went."""

    cell: Cell
    verdict: Verdict
    faults: dict[str, int]
    seconds: float

    @property
    def broken(self) -> list[Violation]:
        """The violations of what the cell claims."""
        return self.verdict.of(self.cell.claims)


async def run_cell(cell: Cell, servers: Servers, say: Say = lambda line: None, keep: Path | None = None) -> Result:
    """Run and judge a cell. The history stays in `keep` where given."""
    folder = keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        async with _Run.open(cell, servers, folder, say) as run:
            await run.through()
            counted = run.counted
        history = gather(read_lines(path) for path in sorted(folder.glob("*.journal")))
        verdict = await asyncio.to_thread(check, history)
        return Result(cell, verdict, dict(sorted(counted.items())), time.monotonic() - started)
    finally:
        if keep is None:
            shutil.rmtree(folder)


class _Run:
    """One cell while it runs."""

    def __init__(
        self,
        cell: Cell,
        servers: Servers,
        folder: Path,
        say: Say,
        stores: dict[str, tuple[str, Store]],
        uids: dict[str, str],
    ) -> None:
        self.counted: Counter[str] = Counter()
        self._cell = cell
        self._servers = servers
        self._say = say
        self._journal = Journal(folder / "harness.journal")
        self._stores = stores
        self._editors = {name: Editor(name, url) for name, (url, _) in stores.items()}
        naive = cell.implementation == "naive"
        self._entries = {name: Entries(name, uids[name], naive=naive) for name in stores}
        self._store_busy = asyncio.Lock()
        self._ending = False
        self._over = asyncio.Event()
        self._current: dict[str, str] = {"strategy": cell.strategy, "store": cell.store}
        sockets = servers.sockets
        # Half of the clients reach Redis by a socket of their own that can fail, the others directly.
        topology = servers.topology
        proxied = range(0, cell.clients if topology is None else 0, 2)
        self._proxies = [Proxy(sockets / f"p{slot}.sock", servers.redis_socket) for slot in proxied]
        redis_at = [servers.redis_socket] * cell.clients
        for slot, proxy in zip(proxied, self._proxies, strict=True):
            redis_at[slot] = proxy.path
        urls = {name: url for name, (url, _) in stores.items()}
        weakness = "" if naive or cell.implementation == "core" else cell.implementation
        self._crew = Crew(
            folder,
            [
                Config(
                    name=f"c{slot}",
                    seed=cell.seed,
                    journal="",
                    redis_url=redis_url(redis_at[slot]) if topology is None else topology.url,
                    postgres_url=urls.get("postgresql"),
                    mongo_url=urls.get("mongodb"),
                    store=cell.store,
                    strategy=cell.strategy,
                    consistency=cell.consistency,
                    state_dir=str(folder / "state"),
                    keys=cell.keys,
                    sessions=cell.sessions,
                    crash=cell.crash if "crash" in cell.faults else 0.0,
                    naive=naive,
                    near=cell.near,
                    weakness=weakness,
                )
                for slot in range(cell.clients)
            ],
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, cell: Cell, servers: Servers, folder: Path, say: Say) -> AsyncIterator[_Run]:
        """Everything that a run needs, and nothing of it left behind."""
        async with contextlib.AsyncExitStack() as stack:
            await servers.start(("redis", *cell.stores))
            stack.push_async_callback(servers.drop_databases)
            await servers.empty_redis()
            stores: dict[str, tuple[str, Store]] = {}
            for name in cell.stores:
                url = await servers.fresh_database(name)
                store: Store = _new_store(name, url)
                await store.open()
                stack.push_async_callback(store.close)
                stores[name] = url, store
            uids = {name: await store.uid() for name, (_, store) in stores.items()}
            run = cls(cell, servers, folder, say, stores, uids)
            stack.callback(run._journal.close)
            for proxy in run._proxies:
                proxy.path.unlink(missing_ok=True)
                await proxy.open()
                stack.push_async_callback(proxy.close)
            stack.push_async_callback(run._crew.close)
            yield run

    async def through(self) -> None:
        """The whole run: seeds, clients, faults, quiet, the state at rest."""
        for name, (_, store) in self._stores.items():
            await store.load([_seed(key) for key in self._cell.keys])
            await self._write_down(name, store, last=False)
        await self._crew.start()
        self._say("all clients are at work")
        watching = [asyncio.create_task(self._sample())]
        if "postgresql" in self._stores:
            watching.append(asyncio.create_task(self._count_connections()))
        try:
            await self._disturb()
            await self._come_to_rest()
        finally:
            self._over.set()
            await asyncio.gather(*watching)

    # -------------------------------------------------------------------------------------------------------- faults

    async def _disturb(self) -> None:
        cell = self._cell
        count = int(cell.seconds * 5) + 10
        streams = [self._stream(schedule.faults(cell.seed, cell.faults, count), self._strike)]
        if "client-kill" in cell.faults:
            streams.append(self._stream(schedule.kills(cell.seed, count), self._kill))
        if "edit" in cell.faults:
            streams.append(self._stream(schedule.edits(cell.seed, count), self._edit))
        running = [asyncio.create_task(stream) for stream in streams]
        progress = asyncio.create_task(self._progress())
        try:
            deadline = time.monotonic() + cell.seconds
            while time.monotonic() < deadline or not all(self.counted[name] for name in cell.until):
                if any(task.done() and task.exception() for task in running) or all(task.done() for task in running):
                    break
                await asyncio.sleep(0.05)
        finally:
            self._ending = True
            progress.cancel()
            # A fault that is under way ends by itself: it puts back what it broke.
            await asyncio.gather(progress, *running, return_exceptions=True)
        for task in running:
            task.result()

    async def _stream(self, planned: Sequence[Fault], act: Callable[[Fault], Awaitable[None]]) -> None:
        for fault in planned:
            await self._rest(fault.after)
            if self._ending:
                return
            async with asyncio.timeout(_FAULT_LIMIT):
                await act(fault)

    async def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._ending and (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))

    async def _strike(self, fault: Fault) -> None:
        if fault.name == "store-switch" and len(self._stores) < 2:
            return
        self.counted[fault.name] += 1
        began = now()
        subject = await self._break(fault)
        self._journal.write(Happened(fault.name, subject, began, now()))

    async def _break(self, fault: Fault) -> str:
        servers, seconds = self._servers, fault.seconds
        match fault.name:
            case "redis-pause":
                async with servers.paused("redis"):
                    await asyncio.sleep(seconds)
            case "redis-kill":
                await servers.kill("redis")
                await asyncio.sleep(seconds)
                await servers.revive("redis")
            case "redis-old-dump":
                await servers.save_dump()
                await asyncio.sleep(seconds)
                await servers.kill("redis")
                await asyncio.sleep(0.1)
                await servers.revive_with_old_dump()
            case "redis-flushall":
                await servers.flush()
            case "redis-client-kill":
                await servers.cut_clients()
            case "redis-script-flush":
                await servers.forget_scripts()
            case "redis-evict":
                policy = ("allkeys-lru", "allkeys-random")[fault.detail % 2]
                async with servers.crowded(policy):
                    await asyncio.sleep(seconds)
                return policy
            case "redis-full":
                async with servers.crowded("noeviction"):
                    await asyncio.sleep(seconds)
            case "redis-failover" | "redis-split":
                await servers.fail_over(dies=fault.name == "redis-failover", seconds=seconds)
            case "partition":
                return await self._part(fault)
            case "store-restart" | "store-kill" | "store-stall":
                return await self._break_store(fault)
            case "strategy-switch" | "store-switch":
                return await self._switch(fault)
        return ""

    async def _part(self, fault: Fault) -> str:
        proxy = self._proxies[fault.detail % len(self._proxies)]
        mood = MOODS[fault.detail // 7 % len(MOODS)]
        proxy.be(mood)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            proxy.be("pass")
        return f"{proxy.path.stem} {mood}"

    async def _break_store(self, fault: Fault) -> str:
        names = [name for name in self._cell.stores if name in self._stores]
        name = names[fault.detail % len(names)]
        async with self._store_busy:
            if fault.name == "store-stall":
                async with self._servers.paused(name):
                    await asyncio.sleep(fault.seconds)
                return name
            await (self._servers.kill(name) if fault.name == "store-kill" else self._servers.stop(name))
            await asyncio.sleep(fault.seconds)
            await self._servers.revive(name)
        return name

    async def _switch(self, fault: Fault) -> str:
        what = fault.name.removesuffix("-switch")
        known: tuple[str, ...] = STRATEGIES if what == "strategy" else _STORES
        if self._cell.implementation == "naive" and what == "strategy":
            known = ("cache-aside", "write-through")
        others = [name for name in known if name != self._current[what]]
        name = self._current[what] = others[fault.detail % len(others)]
        await self._crew.switch(what, name)
        await asyncio.sleep(0.3)
        if what == "strategy" and name != self._cell.strategy:
            # The cell is about its own strategy: the other one has a second.
            await self._rest(1.0)
            self._current[what] = self._cell.strategy
            await self._crew.switch(what, self._cell.strategy)
        return name

    async def _kill(self, fault: Fault) -> None:
        self._crew.kill(fault.detail % self._crew.size)
        self.counted["client-kill"] = self._crew.killed

    async def _edit(self, fault: Fault) -> None:
        names = sorted(self._stores)
        name = self._current["store"] if fault.detail % 4 else names[fault.detail % len(names)]
        key = self._cell.keys[fault.detail // 11 % self._cell.movies]
        async with self._store_busy:
            if edited := await self._editors[name].edit(key, fault.detail):
                self.counted["edit"] += 1
                self._journal.write(edited)

    async def _progress(self) -> None:
        started = time.monotonic()
        while True:
            await asyncio.sleep(5.0)
            done = ", ".join(f"{name} {count}" for name, count in sorted(self.counted.items()))
            crew = f"clients killed {self._crew.killed}, crashed {self._crew.crashed}"
            self._say(f"{time.monotonic() - started:4.0f} s of {self._cell.seconds:.0f}: {crew}; {done}")

    # ------------------------------------------------------------------------------------------------------- watching

    async def _sample(self) -> None:
        await sample(self._servers.redis, self._entries, self._cell.keys, self._journal, self._over)

    async def _count_connections(self) -> None:
        # The connections of a client that was killed just now may still be there.
        def limit() -> int:
            return CONNECTIONS * (2 * self._crew.size + 1)

        await count_connections(self._stores["postgresql"][0], limit, self._journal, self._over)

    # -------------------------------------------------------------------------------------------------------- the end

    async def _come_to_rest(self) -> None:
        if self._current["strategy"] != self._cell.strategy:
            await self._crew.switch("strategy", self._cell.strategy)
        await self._crew.quiet()
        self._say("all is quiet")
        async with self._servers.redis() as redis:
            for name, (_, store) in self._stores.items():
                await self._converge(redis, name, store)
            await self._probe(redis)
            for name, (_, store) in self._stores.items():
                await self._converge(redis, name, store)
        await self._crew.stop()
        for problem in self._crew.problems:
            self._journal.write(Noted("I12", "", f"a client failed: {problem}", now()))
        for name, (_, store) in self._stores.items():
            await self._write_down(name, store, last=True)
        self.counted["client-kill"] = self._crew.killed
        self.counted["crash"] = self._crew.crashed

    async def _converge(self, redis: Redis, name: str, store: Store) -> None:
        """I1: wait until every entry is absent or equals the store."""
        # What the baseline has wrong it never puts right.
        patience = 1.0 if self._cell.implementation == "naive" else SETTLE_SECONDS
        deadline = time.monotonic() + patience
        while (different := await differences(redis, self._entries[name], store)) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        for key, what in different.items():
            self._journal.write(Noted("I1", key, f"{what} at rest, in {name}", now()))

    async def _probe(self, redis: Redis) -> None:
        """I10: one read fills, and the next one hits."""
        name = self._current["store"]
        held: set[str] = set()
        if self._cell.implementation != "naive" and not self._cell.wait_for_dead_writers:
            held = await cold_by_right(redis, self._entries[name], self._cell.keys)
        if self._cell.strategy == "no-cache":
            return
        for key, why in (await self._crew.probe([key for key in self._cell.keys if key not in held])).items():
            stands = await gate_told(redis, self._entries[name], key)
            self._journal.write(Noted("I10", key, f"never became a hit again, in {name}: {why}; {stands}", now()))

    async def _write_down(self, name: str, store: Store, *, last: bool) -> None:
        movies = await store.get_many([*self._cell.keys, *(() if not last else await _new_keys(store))])
        for movie in movies.values():
            self._journal.write(Held(name, movie.id, movie.version, movie.title, now(), last))


async def _new_keys(store: Store) -> list[str]:
    from core import Query

    found: list[str] = []
    while True:
        window = await store.window(Query(genres=("New",)), len(found), 1000)
        found += window.ids
        if len(window.ids) < 1000:
            return found


def _seed(key: str) -> Movie:
    token = f"hseed{key}r"
    return Movie(id=key, title=token, genres=genres_of(token), type="movie")


def _new_store(name: str, url: str) -> Store:
    if name == "postgresql":
        return PostgresStore(url)
    mongo: Store = MongoStore(url)
    return mongo
