"""S9, S14 and S15: the real program on a terminal of its own: how soon a key shows, what it holds, what it costs idle.

A key counts as shown when its row stands on the terminal, marked as the one under the cursor, with no row around it
that is still waited for. Bytes are timed as they arrive and interpreted afterwards, so that the emulator's own time is
none of the program's.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from core.servers.embedded import EmbeddedServers
from tests.bench.desk import at_size
from tests.bench.row import Row, Run, measured
from tests.tui.terminal import Terminal

SIZE: Final = (160, 48)
KEYS: Final = {
    "home": "\x1b[H",
    "end": "\x1b[F",
    "page up": "\x1b[5~",
    "page down": "\x1b[6~",
    "up": "\x1b[A",
    "down": "\x1b[B",
}
STOCK_KEYS: Final = {**KEYS, "home": "\x1b[1;5H", "end": "\x1b[1;5F"}
"""There, Home and End alone go to the first and the last column."""
_ROW: Final = re.compile(r"^[│┃ ] *([\d,]+)[ ●*]+(\S)")
"""A line of the table: its number, and the first character of its title, an ellipsis while that is not there."""
_QUIET: Final = 0.06
"""Seconds of silence after which a key has had all its effect, once it has shown."""
STOCK_ROWS: Final = 100_000
"""As many as Textual's own table shows before a person leaves."""
_LEFT_OUT: Final = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
"""An installed program finds its modules compiled, and its output is gathered."""
_AT_WORK: Final = 0.1
"""Share of a core above which something is being made behind the screen."""
_PATIENCE: Final = 300.0


async def rows(run: Run) -> AsyncIterator[Row]:
    """The rows of S9, S14 and S15."""
    for store in run.stores:
        async with at_size(run, store, run.rows):
            pass
        servers = EmbeddedServers(run.state / f"{run.rows}")
        try:
            environment = {"REELCACHE_STORE": store, "REDIS_URL": await servers.redis()}
            if store == "mongodb":
                environment["MONGO_URL"] = await servers.mongodb()
            else:
                environment["DATABASE_URL"] = await servers.postgresql()
            for row in measurements(run, store, environment):
                yield row
        finally:
            await servers.close()


def measurements(run: Run, store: str, environment: Mapping[str, str]) -> Iterator[Row]:
    """The same of one store, which with Redis is where the environment says."""
    look = 0.7 if run.short else 3.0
    if run.wants("S9"):
        yield from keys(store, environment, look, presses=40 if run.short else 400)
    if run.wants("S14"):
        yield memory(store, environment, look)
    if run.wants("S15"):
        yield from idle(store, environment, look, seconds=6 if run.short else 30)


# -------------------------------------------------------------------------------------------------------------- S9


def keys(store: str, environment: Mapping[str, str], look: float, *, presses: int) -> Iterator[Row]:
    """How long until a key shows, beside Textual's own table with a tenth of the rows."""
    with program(environment, look) as ours:
        first, count = ours.first_row(), ours.total
        ours.until_ordered()
        ours.until_at_rest()
        taken = ours.walk(presses, tuple(KEYS), count)
    stock_rows = min(STOCK_ROWS, count)
    with Watched((sys.executable, "-m", "tests.bench.stock", str(stock_rows)), {}) as stock:
        stock_first = stock.first_row()
        stock_taken = stock.walk(max(12, presses // 4), ("end", "up", "home", "down"), stock_rows, STOCK_KEYS)
    every = [seconds for each in taken.values() for seconds in each]
    stock_every = [seconds for each in stock_taken.values() for seconds in each]
    peer = f"DataTable, {stock_rows:,} rows:"
    yield measured("S9", f"{store}: start to first rows of {count:,}", [first], peer=peer, theirs=[stock_first])
    yield measured(
        "S9",
        f"{store}: End on {count:,} rows until it shows",
        taken["end"],
        peer=peer,
        theirs=stock_taken["end"],
        at_most=0.06,
        paired=False,
    )
    yield measured(
        "S9", f"{store}: any key until it shows", every, peer=peer, theirs=stock_every, at_most=0.03, judged="p95"
    )
    for key, seconds in taken.items():
        if key != "end":
            yield measured("S9", f"{store}: {key}", seconds, peer=peer, theirs=stock_taken.get(key, ()), paired=False)


# ------------------------------------------------------------------------------------------------------- S14 and S15


def memory(store: str, environment: Mapping[str, str], look: float) -> Row:
    """What the program holds after walking about: both ends, a filter, another order."""
    with program(environment, look) as ours:
        ours.first_row()
        count = ours.total
        ours.until_ordered()
        most = ours.rss
        for keys_, shown in (
            (KEYS["end"], f"{count:,} "),
            (KEYS["home"], " 1 "),
            ("/genre:drama\r", "Drama"),
            (KEYS["end"], "Drama"),
            ("\x1b", f"{count:,} movies"),
            ("s", "year ▼"),
        ):
            ours.send(keys_)
            ours.until(shown, seconds=_PATIENCE)
            ours.until_ordered()
            most = max(most, ours.rss)
        ours.send(KEYS["end"])
        ours.until(f"{count:,} ", seconds=_PATIENCE)
        ours.until_drawn(1.0)
        rss = ours.rss
    return measured(
        "S14", f"{store}: memory with {count:,} rows, at most {max(most, rss):.0f} MB", [rss], unit="MB", at_most=80
    )


def idle(store: str, environment: Mapping[str, str], look: float, *, seconds: float) -> Iterator[Row]:
    """What the screen costs while nobody touches it and the counters go on."""
    with program(environment, look) as ours:
        ours.first_row()
        ours.until_ordered()
        ours.until_at_rest()
        shares, sent = [], []
        for _ in range(3):
            used, written = ours.costs(seconds / 3)
            shares.append(100 * used)
            sent.append(written / 1000)
    size = f"{SIZE[0]}x{SIZE[1]}"
    yield measured("S15", f"{store}: idle dashboard at {size}, share of a core", shares, unit="%", at_most=5)
    yield measured("S15", f"{store}: idle dashboard at {size}, to the terminal", sent, unit="kB/s", at_most=10)


# ------------------------------------------------------------------------------------------------ a watched terminal


class Seen(NamedTuple):
    """A row as it stands on the terminal."""

    filled: bool
    background: str


class Watched(Terminal):
    """A program in a terminal whose output is timed."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], look: float = 3.0) -> None:
        """`look`: seconds after which what was asked for behind the screen has begun, if ever, and is told."""
        inherited = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        self._began = time.perf_counter()
        super().__init__(command, {**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}, SIZE)
        _remember_the_tour(Path(self._config.name))
        self._cursor = ""
        self._look = look

    @property
    def rss(self) -> float:
        """Megabytes (1,000,000 bytes) that the program alone has in memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def first_row(self) -> float:
        """Wait for the first rows; how long after the start they stood there."""
        at = self._timed(lambda: (row := self.seen().get(1)) is not None and row.filled)
        self._cursor = self.seen()[1].background
        return at - self._began

    def until_ordered(self) -> None:
        """Wait until the order index of what is shown is made, where one is being made."""
        deadline = time.perf_counter() + self._look
        while "order index" not in self.text and time.perf_counter() < deadline:
            self.until_drawn(0.1)
        self.until(without="order index", seconds=_PATIENCE)

    @property
    def total(self) -> int:
        """How many movies the table says there are."""
        found = re.search(r"([\d,]+) movies ·", self.text)
        assert found is not None, self.text
        return int(found[1].replace(",", ""))

    def until_at_rest(self) -> None:
        """Wait until what is counted and ordered behind the screen is done, as the processor tells."""
        deadline = time.perf_counter() + _PATIENCE
        while self.costs(self._look)[0] > _AT_WORK and time.perf_counter() < deadline:
            pass

    def walk(
        self, presses: int, names: tuple[str, ...], count: int, sent_by: Mapping[str, str] = KEYS
    ) -> dict[str, list[float]]:
        """Press keys in a mixed order; seconds until each showed, by its name."""
        page = len(self.seen())
        moves: dict[str, Callable[[int], int]] = {
            "home": lambda at: 1,
            "end": lambda at: count,
            "page up": lambda at: max(1, at - page),
            "page down": lambda at: min(count, at + page),
            "up": lambda at: max(1, at - 1),
            "down": lambda at: min(count, at + 1),
        }
        taken: dict[str, list[float]] = {name: [] for name in names}
        chosen = random.Random(1)
        at = 1
        for number in range(presses):
            # Every fourth goes to the other end, and the next ones about there.
            name = ("end", "home")[number // 4 % 2] if number % 4 == 0 else chosen.choice(names)
            while (target := moves[name](at)) == at:
                name = chosen.choice(names)
            self.until_drawn(_QUIET)
            began = time.perf_counter()
            self.send(sent_by[name])
            shown = self._timed(lambda: self._shows(target))  # called before the next turn
            taken[name].append(shown - began)
            at = target
        return taken

    def costs(self, seconds: float) -> tuple[float, float]:
        """The share of a core and the bytes a second that the program takes for so many seconds."""
        assert self._master is not None
        process = psutil.Process(self.process.pid)
        before, began, written = process.cpu_times(), time.perf_counter(), 0
        while (left := began + seconds - time.perf_counter()) > 0:
            if select.select([self._master], [], [], left)[0]:
                data = os.read(self._master, 65536)
                written += len(data)
                self._stream.feed(data)
        after, took = process.cpu_times(), time.perf_counter() - began
        return (after.user + after.system - before.user - before.system) / took, written / took

    def seen(self) -> dict[int, Seen]:
        """The rows on the terminal, by their numbers."""
        found = {}
        for y, line in enumerate(self._emulated.display):
            if match := _ROW.match(line):
                number = int(match[1].replace(",", ""))
                background = str(self._emulated.buffer[y][match.end(1) - 1].bg)
                found[number] = Seen(match[2] != "…", background)
        return found

    def _shows(self, number: int) -> bool:
        seen = self.seen()
        row = seen.get(number)
        return row is not None and row.background == self._cursor and all(other.filled for other in seen.values())

    def _timed(self, holds: Callable[[], bool]) -> float:
        """Wait until something stands on the terminal; the moment at which its last byte had come."""
        assert self._master is not None
        deadline = time.perf_counter() + _PATIENCE
        while time.perf_counter() < deadline:
            chunks = []
            wait = 0.5
            while select.select([self._master], [], [], wait)[0]:
                data = os.read(self._master, 65536)
                chunks.append((time.perf_counter(), data))
                wait = _QUIET / 3
            for place, (at, data) in enumerate(chunks):
                self._stream.feed(data)
                if holds():
                    for _, later in chunks[place + 1 :]:
                        self._stream.feed(later)
                    return at
        raise TimeoutError(f"it never came to that; the terminal shows\n{self.text}")


def program(environment: Mapping[str, str], look: float) -> Watched:
    """The dashboard, as a person starts it."""
    return Watched((sys.executable, "-P", "-m", "tui"), environment, look)


def _remember_the_tour(config: Path) -> None:
    """Have the program think that it was seen before: its offer of a tour is of the first start alone."""
    folder = config / "reelcache"
    folder.mkdir(exist_ok=True)
    (folder / "remembered.json").write_text(json.dumps({"toured": True}))
