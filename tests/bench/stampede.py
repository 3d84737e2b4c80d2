"""S6: several processes whose tasks all want one cold movie at one moment. `--crowd` is one of them.

Each load takes LOADER seconds. The peers are asked in the way that is meant against a stampede.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from core import Movie, Settings, open_catalogue
from core.event_loop import run as run_on_loop
from tests.bench.desk import PORT, Desk, median_movie
from tests.bench.peers import NOT_INSTALLED, dogpile_region
from tests.bench.row import Row, Run, measured

LOADER: Final = 0.05
PROCESSES: Final = 4
TASKS: Final = 50
HEAD_START: Final = 0.3
"""Seconds until all begin at once."""
_MODULES: Final = {"cashews": "cashews", "aiocache": "aiocache", "dogpile.cache": "dogpile"}


async def crowds(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """S6, ours and then the peers."""
    times = 1 if run.short else 5
    for who in ("", *_MODULES):
        what = f"{PROCESSES} x {TASKS} on one cold key: last served after the loader"
        if who and not find_spec(_MODULES[who]):
            yield Row(number="S6", what=what, peer=who, verdict=NOT_INSTALLED)
            continue
        try:
            told = [await _crowd_of(desk, who) for _ in range(times)]
        except ValueError as silent:
            if not who:
                raise
            yield Row(number="S6", what=what, peer=who, verdict=f"not measured: {silent}")
            continue
        loads, late = [found for found, _ in told], [beyond for _, beyond in told]
        row = measured("S6", what, late, at_most=None if who else 0.02, judged="max")
        verdict = row.verdict if who or max(loads) == 1 else "missed"
        counted = f"{min(loads)}-{max(loads)}" if min(loads) < max(loads) else f"{max(loads)}"
        yield Row(
            number="S6",
            what=what,
            figure=row.figure,
            peer=f"{who}: {counted} load(s)".removeprefix(": "),
            goal="1 load, <= +20 ms" if not who else "",
            verdict=verdict,
        )


async def _crowd_of(desk: Desk, who: str) -> tuple[int, float]:
    """How often was loaded, and how much later than the loader takes the last one was served."""
    from redis.asyncio import Redis

    async with Redis(port=PORT) as admin:
        await admin.flushall()
    settings = desk.settings
    words = (str(settings.redis_url), str(settings.postgres_url), str(settings.state_dir), desk.ids[1], who)
    crowd = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.stampede", *words, stdin=PIPE, stdout=PIPE
        )
        for _ in range(PROCESSES)
    ]
    for process in crowd:
        assert process.stdout is not None
        await process.stdout.readline()
    at = time.monotonic() + HEAD_START
    told = await asyncio.gather(*(process.communicate(f"{at}\n".encode()) for process in crowd))
    loads, last = zip(*(json.loads(out) for out, _ in told), strict=True)
    return sum(loads), max(last) - at - LOADER


# ------------------------------------------------------------------------------------------- one process of the crowd


class _Loads:
    """Counts loads, each of which takes LOADER seconds."""

    def __init__(self) -> None:
        self.count = 0

    async def load(self) -> Movie:
        self.count += 1
        await asyncio.sleep(LOADER)
        return median_movie(1)

    def load_blocking(self) -> Movie:
        self.count += 1
        time.sleep(LOADER)
        return median_movie(1)


@contextlib.asynccontextmanager
async def _ours(loads: _Loads, redis_url: str, postgres_url: str, state: str, id: str) -> AsyncIterator[_Get]:
    from core.stores.postgres import PostgresStore

    get = PostgresStore.get

    async def slow(self: PostgresStore, wanted: str) -> Movie | None:
        await loads.load()
        return await get(self, wanted)

    PostgresStore.get = slow  # type: ignore[method-assign,assignment]
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=Path(state))
    async with open_catalogue(settings) as catalogue:
        while catalogue.stats().doubt:
            await asyncio.sleep(0.01)
        yield lambda: catalogue.get(id)


@contextlib.asynccontextmanager
async def _cashews(loads: _Loads) -> AsyncIterator[_Get]:
    from cashews import Cache

    cache: Any = Cache()
    cache.setup(f"redis://127.0.0.1:{PORT}/1")
    yield cache(ttl="1h", key="stampede", lock=True)(loads.load)
    await cache.close()


@contextlib.asynccontextmanager
async def _aiocache(loads: _Loads) -> AsyncIterator[_Get]:
    from aiocache import Cache, cached_stampede
    from aiocache.serializers import PickleSerializer

    yield cached_stampede(
        lease=2,
        ttl=3600,
        cache=Cache.REDIS,
        endpoint="127.0.0.1",
        port=PORT,
        serializer=PickleSerializer(),
        key_builder=lambda *_: "aio:stampede",
    )(loads.load)


@contextlib.asynccontextmanager
async def _dogpile(loads: _Loads) -> AsyncIterator[_Get]:
    region = dogpile_region(distributed_lock=True, thread_local_lock=False, lock_timeout=10, lock_sleep=0.005)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(TASKS) as threads:
        yield lambda: loop.run_in_executor(threads, region.get_or_create, "dog:stampede", loads.load_blocking)


_Get = Callable[[], Awaitable[object]]


async def _crowd(redis_url: str, postgres_url: str, state: str, id: str, who: str) -> None:
    loads = _Loads()
    peers = {"cashews": _cashews, "aiocache": _aiocache, "dogpile.cache": _dogpile}
    async with peers[who](loads) if who else _ours(loads, redis_url, postgres_url, state, id) as get:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        at = float(await asyncio.to_thread(sys.stdin.readline))
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        await asyncio.gather(*(get() for _ in range(TASKS)))
        last = time.monotonic()
    sys.stdout.write(json.dumps([loads.count, last]))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    run_on_loop(_crowd(*sys.argv[1:6]))
