"""One client of the chaos: `python -m tests.faults.client CONFIG`, told what to do on its standard input.

It opens a catalogue on the harness's servers and lets several sessions read, browse, count, save, add and remove a few
hot movies. Each operation is written down before it is called and after it came back. Commands, one a line:

    strategy NAME | store NAME    switch, while everything runs
    quiet                         let every session end its operation and stop; answers "quiet"
    probe KEY...                  read each until it is a hit; answers "cold {KEY: WHY}" with those that never were
    stop                          close the catalogue and leave

It ends with code 75 where the store was away just when the catalogue was to be opened: try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from core import (
    EditConflict,
    Movie,
    MovieExists,
    MovieNotFound,
    Page,
    Query,
    Reading,
    ReelcacheError,
    Settings,
    StoreUnavailable,
    ValueCount,
    open_catalogue,
    replace,
)
from core.errors import OutcomeUnknown
from core.event_loop import run as run_on_loop
from tests.faults.history import HOT, RED, Began, Ended, Journal, Seen, genres_of, now
from tests.faults.instruments import OPERATION, watch_commits, watch_leases

PROBE_SECONDS: Final = 15.0
"""How long a probe tries to make a key hot: longer than the token of a dead writer lives."""
_ODDS: Final = {"get": 48, "save": 26, "browse": 9, "genres": 4, "remove": 5, "fresh": 8}
NOT_OPENED: Final = 75
_NEW_KEY_SECONDS: Final = 0.4
"""How often all clients turn to a new key that nobody has ever added."""


class Config(msgspec.Struct, frozen=True):
    """What a client has to know. `weakness` breaks the core on purpose, `naive` replaces it by the baseline."""

    name: str
    seed: int
    journal: str
    redis_url: str
    postgres_url: str | None
    mongo_url: str | None
    store: str
    strategy: str
    consistency: str
    state_dir: str
    keys: tuple[str, ...]
    sessions: int = 4
    pause: float = 0.006
    """Seconds that a session rests between two operations, on average."""
    crash: float = 0.003
    """The probability that a client kills itself after a commit, before the cache knows of it."""
    naive: bool = False
    weakness: str = ""
    near: bool = False


class Movies(Protocol):
    """What the catalogue and the baseline have in common."""

    @property
    def store(self) -> str: ...
    async def read(self, id: str) -> Reading: ...
    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page: ...
    async def genres(self, query: Query) -> tuple[ValueCount, ...]: ...
    async def save(self, movie: Movie) -> Movie: ...
    async def add(self, movie: Movie) -> Movie: ...
    async def remove(self, id: str, *, version: int) -> None: ...
    async def use_strategy(self, name: str) -> None: ...
    async def use_store(self, name: str) -> None: ...


class Client:
    """The operations of one process, each written down."""

    def __init__(self, config: Config, journal: Journal) -> None:
        self.config = config
        self.done = 0
        self._journal = journal
        self._number = 0

    def token(self, key: str, dice: random.Random) -> str:
        """A content that nobody else writes; its first letter says whether the movie is hot, its last its colour."""
        self._number += 1
        kind = "h" if key.startswith("hot") else "n"
        return f"{kind}{self.config.name}x{self._number}{dice.choice('rb')}"

    async def get(self, movies: Movies, session: str, key: str) -> Movie | None:
        """Read a movie."""
        found: list[Movie] = []

        async def call() -> Ended:
            reading = await movies.read(key)
            found.append(reading.movie)
            labelled = reading.freshness == "stale" and "soft TTL" not in reading.reason
            seen = Seen(key, reading.version, reading.movie.title, reading.tier)
            return Ended(0, 0, "ok", (seen,), labelled=labelled, reason=reading.reason)

        await self._noted(movies, session, "get", key, call)
        return found[0] if found else None

    async def save(self, movies: Movies, session: str, movie: Movie, dice: random.Random) -> None:
        """Give a movie a new content."""
        token = self.token(movie.id, dice)
        new = replace(movie, title=token, genres=genres_of(token))

        async def call() -> Ended:
            await movies.save(new)
            return Ended(0, 0, "ok")

        await self._noted(movies, session, "save", movie.id, call, base=movie.version, token=token)

    async def add(self, movies: Movies, session: str, key: str, dice: random.Random) -> str:
        """Add a movie; returns its token."""
        token = self.token(key, dice)

        async def call() -> Ended:
            await movies.add(Movie(id=key, title=token, genres=genres_of(token), type="movie"))
            return Ended(0, 0, "ok")

        await self._noted(movies, session, "add", key, call, token=token)
        return token

    async def remove(self, movies: Movies, session: str, movie: Movie) -> None:
        """Remove a movie."""

        async def call() -> Ended:
            await movies.remove(movie.id, version=movie.version)
            return Ended(0, 0, "ok")

        await self._noted(movies, session, "remove", movie.id, call, base=movie.version)

    async def browse(self, movies: Movies, session: str, question: str, key: str = "", *, hurry: bool = False) -> None:
        """Ask for the movies of a genre, or for the one with a token; in a hurry, for first rows, which are all."""
        kind, _, name = question.partition(" ")
        query = Query(genres=(name,)) if kind == "genre" else Query(text=name)

        async def call() -> Ended:
            page = await movies.browse(query, 0, 50, hurry=50 if hurry else 0)
            seen = tuple(
                Seen(movie.id, movie.version, movie.title, tier)
                for movie, tier in zip(page.movies, page.tiers, strict=True)
            )
            return Ended(
                0, 0, "ok", seen, total=page.total, labelled=page.freshness == "stale", reason=page.window_tier
            )

        await self._noted(movies, session, "browse", key, call, question=question)

    async def genres(self, movies: Movies, session: str) -> None:
        """Count the genres of the hot movies."""

        async def call() -> Ended:
            counts = await movies.genres(Query(genres=(HOT,)))
            return Ended(0, 0, "ok", counts={count.name: count.count for count in counts})

        await self._noted(movies, session, "genres", "", call, question=f"genre {HOT}")

    async def _noted(
        self,
        movies: Movies,
        session: str,
        operation: str,
        key: str,
        call: Callable[[], Awaitable[Ended]],
        *,
        base: int = 0,
        token: str = "",
        question: str = "",
    ) -> None:
        self._number += 1
        number = self._number
        OPERATION.set(number)
        self._journal.write(Began(number, session, operation, key, movies.store, now(), base, token, question))
        try:
            ended = await call()
        except EditConflict:
            ended = Ended(0, 0, "conflict")
        except MovieNotFound:
            ended = Ended(0, 0, "missing")
        except MovieExists:
            ended = Ended(0, 0, "exists")
        except OutcomeUnknown as problem:
            ended = Ended(0, 0, "unknown", reason=str(problem))
        except StoreUnavailable as problem:
            ended = Ended(0, 0, "unavailable", reason=str(problem))
        except Exception as problem:
            ended = Ended(0, 0, f"error {type(problem).__name__}", reason=f"{problem} ({_raised_at(problem)})")
        self._journal.write(msgspec.structs.replace(ended, number=number, at=now()))
        OPERATION.set(0)
        self.done += 1


def _raised_at(problem: Exception) -> str:
    """The lines that it came through, the innermost first."""
    frames = reversed(traceback.extract_tb(problem.__traceback__))
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


class Session:
    """One reader and writer: it chooses an operation, waits for its end, rests, and chooses again."""

    def __init__(self, client: Client, movies: Movies, number: int) -> None:
        self._client = client
        self._movies = movies
        self._name = f"{client.config.name}/{number}"
        self._dice = random.Random(f"{client.config.seed}/{self._name}")
        self._keys = client.config.keys
        self._weights = [1 / (rank + 1) for rank in range(len(self._keys))]

    async def run(self, quiet: asyncio.Event) -> None:
        """Go on until it is quiet."""
        while not quiet.is_set():
            [operation] = self._dice.choices(tuple(_ODDS), tuple(_ODDS.values()))
            [key] = self._dice.choices(self._keys, self._weights)
            await self._do(operation, key)
            await asyncio.sleep(self._dice.expovariate(1 / self._client.config.pause))

    async def _do(self, operation: str, key: str) -> None:
        client, movies, name, dice = self._client, self._movies, self._name, self._dice
        match operation:
            case "get":
                if await client.get(movies, name, key) is None and dice.random() < 0.7:
                    await client.add(movies, name, key, dice)
            case "save":
                if movie := await client.get(movies, name, key):
                    await client.save(movies, name, movie, dice)
                    if dice.random() < 0.5:
                        await client.get(movies, name, key)
            case "remove":
                if movie := await client.get(movies, name, key):
                    await client.remove(movies, name, movie)
            case "browse":
                await client.browse(movies, name, f"genre {dice.choice((HOT, RED))}", hurry=dice.random() < 0.5)
            case "genres":
                await client.genres(movies, name)
            case "fresh":
                new = f"new{int(time.monotonic() / _NEW_KEY_SECONDS)}"
                if await client.get(movies, name, new) is None:
                    token = await client.add(movies, name, new, dice)
                    await client.get(movies, name, new)
                    if dice.random() < 0.3:
                        await client.browse(movies, name, f"token {token}", new, hurry=dice.random() < 0.5)


async def probe(client: Client, movies: Movies, keys: list[str]) -> dict[str, str]:
    """Read each key until it is a hit; returns those that never became one, and why the last read was none."""
    deadline = time.monotonic() + PROBE_SECONDS

    async def missed(key: str) -> str:
        try:
            reading = await movies.read(key)
        except MovieNotFound:
            return ""  # where a known absence came from cannot be seen
        except StoreUnavailable as problem:
            return str(problem)
        return f"version {reading.version}, {reading.reason}" if reading.tier == "store" else ""

    cold: dict[str, str] = {}
    for key in keys:
        await client.get(movies, f"{client.config.name}/probe", key)
        while await missed(key) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        if why := await missed(key):
            cold[key] = why
    for question in (f"genre {HOT}", f"genre {RED}"):
        await client.browse(movies, f"{client.config.name}/probe", question)
    await client.genres(movies, f"{client.config.name}/probe")
    return cold


async def run(config: Config) -> int:
    """Serve the harness until it says stop, or is gone; the code to end with."""
    journal = Journal(Path(config.journal))
    _instrument(config, journal)
    client = Client(config, journal)
    switches: set[asyncio.Task[None]] = set()
    async with contextlib.AsyncExitStack() as stack:
        journal.write(Began(0, f"{config.name}/open", "open", "", config.store, now()))
        try:
            movies = await stack.enter_async_context(_opened(config))
        except StoreUnavailable as problem:
            journal.write(Ended(0, now(), "unavailable", reason=str(problem)))
            return NOT_OPENED
        journal.write(Ended(0, now(), "ok"))
        quiet = asyncio.Event()
        sessions = [asyncio.create_task(Session(client, movies, n).run(quiet)) for n in range(config.sessions)]
        _say("ready")
        async for command in _commands():
            verb, _, words = command.partition(" ")
            if verb in ("strategy", "store"):
                task = asyncio.create_task(_switch(movies, verb, words))
                switches.add(task)
                task.add_done_callback(switches.discard)
            elif verb == "quiet":
                quiet.set()
                await asyncio.gather(*sessions, *switches)
                _say(f"quiet {client.done}")
            elif verb == "probe":
                _say(f"cold {msgspec.json.encode(await probe(client, movies, words.split())).decode()}")
            elif verb == "stop":
                break
        quiet.set()
        await asyncio.gather(*sessions, *switches)
    journal.close()
    _say("bye")
    return 0


async def _switch(movies: Movies, what: str, name: str) -> None:
    try:
        await (movies.use_strategy(name) if what == "strategy" else movies.use_store(name))
    except ReelcacheError as problem:
        sys.stderr.write(f"switch to {name}: {problem}\n")
    _say(f"switched {what} {name}")


def _opened(config: Config) -> AbstractAsyncContextManager[Movies]:
    settings = Settings(
        store=config.store,
        postgres_url=config.postgres_url,
        mongo_url=config.mongo_url,
        redis_url=config.redis_url,
        strategy=config.strategy,
        consistency=config.consistency,
        near_cache=config.near,
        state_dir=Path(config.state_dir),
    )
    if config.naive:
        from tests.faults.naive import open_naive

        return open_naive(settings)
    return open_catalogue(settings)


def _instrument(config: Config, journal: Journal) -> None:
    dice = random.Random(f"{config.seed}/{config.name}/crash")
    if config.postgres_url:
        from core.stores.postgres import PostgresStore

        watch_commits(PostgresStore, journal, config.crash, dice)
    if config.mongo_url:
        from core.stores.mongo import MongoStore

        watch_commits(MongoStore, journal, config.crash, dice)
    watch_leases(journal)
    if config.weakness:
        from tests.faults.weakness import weaken

        weaken(config.weakness)


async def _commands() -> AsyncIterator[str]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run_on_loop(run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Config))))
