"""The HTTP API under load, by one command: `python -m tests.load`.

It starts the servers, the API and Locust, and prints a row for each store and strategy: what Locust's users met, and
what the API counted meanwhile. Each row begins with an empty cache. The users are a closed loop without thinking: their
rate is what the API can do, and it shares the machine with servers and users; what to compare is rows of one run.

`hit ratio` is of reads (a window of 50 is 51 of them), `store reads` counts queries. With DATABASE_URL, MONGO_URL and
REDIS_URL in the environment these are used, and what Redis holds of Reelcache's is dropped before each row.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from redis.asyncio import Redis

from core import Catalogue, Settings, read_settings
from core.errors import ReelcacheError
from core.servers.embedded import EmbeddedServers
from tests.load.told import Told
from tui.terminal import endings

ROOT: Final = Path(__file__).parents[2]
LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
HEAD: Final = (
    f"{'store':11}{'strategy':15}{'requests':>9}{'per s':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}"
    f"{'hit ratio':>11}{'store reads':>13}{'failures':>10}"
)
_GRACE: Final = 20.0
"""Seconds that a process may take to leave."""


class CannotRun(ReelcacheError):
    """The API or Locust ended before its time."""


class Load(msgspec.Struct, frozen=True):
    """How many users come for how many seconds, or for how many questions at least where that takes longer, and what
    share of the movies they look at they edit, in percent."""

    users: int
    seconds: int
    least: int
    edits: float


class Row(msgspec.Struct, frozen=True):
    """What was met by the users, and what the API counted: reads, those among them that a cache answered, and queries
    to the store."""

    store: str
    strategy: str
    told: Told
    reads: int
    hits: int
    store_reads: int


def line(row: Row) -> str:
    """A row of the table."""
    told = row.told
    rate = told.requests / told.seconds if told.seconds else 0.0
    ratio = f"{row.hits / row.reads:.1%}" if row.reads else "-"
    return (
        f"{row.store:11}{row.strategy:15}{told.requests:9,}{rate:8,.0f}{told.p50:8.2f}{told.p95:8.2f}{told.p99:8.2f}"
        f"{ratio:>11}{row.store_reads:13,}{sum(told.failures.values()):10,}"
    )


def main() -> int:
    """Print the table; 1 where something failed or could not run, 128 and its number after a signal."""
    options = argparse.ArgumentParser(
        prog="python -m tests.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--store", choices=(*Catalogue.stores, "both"), default="both")
    options.add_argument("--strategy", choices=Catalogue.strategies, action="append", help="default: each of them")
    options.add_argument("--users", type=int, default=16)
    options.add_argument("--seconds", type=int, default=20, help="of each row")
    options.add_argument("--least", type=int, default=0, help="questions of each row, however long they take")
    options.add_argument("--edits", type=float, default=0.0, help="percent of the movies looked at that are edited")
    options.add_argument("--state-dir", type=Path, help="where the servers keep their data; default: nowhere")
    options.add_argument("--json", action="store_true", help="a JSON object for each row instead of the table")
    asked = options.parse_args()
    if asked.users < 1 or asked.seconds < 1 or not 0 <= asked.edits <= 100:
        options.error("at least one user and one second, and edits from 0 to 100 percent")
    stores = Catalogue.stores if asked.store == "both" else (asked.store,)
    cells = [(store, strategy) for store in stores for strategy in asked.strategy or Catalogue.strategies]
    load = Load(asked.users, asked.seconds, asked.least, asked.edits)
    with tempfile.TemporaryDirectory(prefix="rc-") as temporary:
        try:
            return asyncio.run(_until_asked_to_end(cells, load, asked.state_dir or Path(temporary), asked.json))
        except ReelcacheError as problem:
            sys.stderr.write(f"python -m tests.load: {problem}\n")
            return 1


async def _until_asked_to_end(cells: Sequence[tuple[str, str]], load: Load, state: Path, as_json: bool) -> int:
    measuring = asyncio.create_task(_table(cells, load, state, as_json))
    code = 0

    def leave(asked: int) -> None:
        nonlocal code
        if not code:
            code = asked
            measuring.cancel()

    with endings(asyncio.get_running_loop(), leave):
        try:
            return await measuring
        except asyncio.CancelledError:
            return code


async def _table(cells: Sequence[tuple[str, str]], load: Load, state: Path, as_json: bool) -> int:
    failed = False
    if not as_json:
        _say(f"{load.users} users, {load.seconds} s a row, {load.edits:g} % edits")
        _say(HEAD)
    settings = read_settings({"state_dir": str(state)})
    servers = EmbeddedServers(settings.state_dir)
    try:
        for store, strategy in cells:
            await _started(servers, settings, store)
            row = await _measured(servers, settings, store, strategy, load)
            failed |= bool(row.told.failures)
            _say(msgspec.json.encode(row).decode() if as_json else line(row))
            for failure, count in row.told.failures.items():
                sys.stderr.write(f"{count} x {failure}\n")
    finally:
        await servers.close()
    return int(failed)


async def _started(servers: EmbeddedServers, settings: Settings, store: str) -> None:
    """Have the servers of a row running, so that none of them starts within it."""
    if settings.redis_url is None:
        await servers.redis()
    if settings.url(store) is None:
        await (servers.mongodb() if store == "mongodb" else servers.postgresql())


async def _measured(servers: EmbeddedServers, settings: Settings, store: str, strategy: str, load: Load) -> Row:
    async with _api(settings, store, strategy) as url, aiohttp.ClientSession(url) as client:
        await _emptied(settings.redis_url or servers.redis_url)
        before = await _counted(client, strategy)
        told = await _visited(url, load)
        after = await _counted(client, strategy)
    counted = {name: after[name] - before[name] for name in ("hits", "misses", "bypasses", "store_reads")}
    reads = counted["hits"] + counted["misses"] + counted["bypasses"]
    return Row(store, strategy, told, reads, counted["hits"], counted["store_reads"])


@contextlib.asynccontextmanager
async def _api(settings: Settings, store: str, strategy: str) -> AsyncIterator[str]:
    """A process of `reelcache api` of its own, and where it is."""
    words = ("--state-dir", str(settings.state_dir), "--store", store, "--strategy", strategy, "api", "--port", "0")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *words, cwd=ROOT, stdin=DEVNULL, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        told = (await process.stdout.readline()).decode()
        found = re.search(r"http://[^/\s]+", told)
        if found is None:
            raise CannotRun("The API could not be started; it says why above.")
        yield found[0]
    finally:
        await _ended(process)


async def _visited(url: str, load: Load) -> Told:
    """Let Locust's users come, in a process of their own: gevent changes all of Python's input and output."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        path = Path(folder) / "told.json"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", url, "--told", str(path)),
            *("--users", str(load.users), "--spawn-rate", str(load.users), "--seconds", str(load.seconds)),
            *(
                "--least",
                str(load.least),
                "--stop-timeout",
                "10",
                "--edits",
                str(load.edits),
                "--loglevel",
                "ERROR",
                "--only-summary",
            ),
            *("--exit-code-on-error", "0"),
            cwd=ROOT,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
        )
        try:
            _, warned = await process.communicate()
        finally:
            await _ended(process)
        if not path.exists():
            raise CannotRun(f"Locust could not be run. {warned.decode(errors='replace').strip()}")
        return msgspec.json.decode(path.read_bytes(), type=Told)


async def _ended(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _emptied(redis_url: str) -> None:
    """Drop what the cache holds: what a row finds there would be another one's work."""
    async with Redis.from_url(redis_url) as client:
        for pattern in ("rc:g:*", "rc:e:*"):
            names = [name async for name in client.scan_iter(pattern, count=1000)]
            for start in range(0, len(names), 1000):
                await client.unlink(*names[start : start + 1000])


async def _counted(client: aiohttp.ClientSession, strategy: str) -> dict[str, Any]:
    async with client.get("/stats") as answer:
        strategies: dict[str, dict[str, Any]] = (await answer.json())["strategies"]
    return strategies[strategy]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
