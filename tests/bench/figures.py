"""The plain figures of a run: `python -m tests.bench.figures` starts from nothing and prints what everything took.

Nothing is asserted: what a machine takes is its own affair. Medians, with the 95th percentile behind them.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from core import Catalogue, Movie, Query, Settings, open_catalogue, replace

READS: Final = 300


async def main() -> None:
    """Each store from an empty state folder, then again with its data there."""
    for store in Catalogue.stores:
        folder = Path(tempfile.mkdtemp(prefix="rc-"))
        settings = Settings(store=store, state_dir=folder)
        for start in ("cold", "warm"):
            await _start(settings, start)
        shutil.rmtree(folder)


async def _start(settings: Settings, start: str) -> None:
    began = time.perf_counter()
    async with open_catalogue(settings) as catalogue:
        _say(settings.store, start, "servers and catalogue open", [time.perf_counter() - began])
        while not (await catalogue.browse(Query(), 0, 50)).movies:
            await asyncio.sleep(0.01)
        _say(settings.store, start, "first page", [time.perf_counter() - began])
        await catalogue.ready()
        _say(settings.store, start, "all movies there", [time.perf_counter() - began])
        if start == "warm":
            await _latencies(catalogue)


async def _latencies(catalogue: Catalogue) -> None:
    ids = [movie.id for movie in (await catalogue.browse(Query(sort="year"), 5_000, READS)).movies]
    for strategy in catalogue.strategies:
        await catalogue.use_strategy(strategy)
        await catalogue._binding.cache.flush()
        for what in ("first read of a movie", "second read"):
            took = [(await catalogue.read(id)).seconds for id in ids]
            _say(catalogue.store, strategy, what, took)
        movies = [await catalogue.get(id) for id in ids[:100]]
        _say(catalogue.store, strategy, "save", [await _timed(catalogue, movie) for movie in movies])


async def _timed(catalogue: Catalogue, movie: Movie) -> float:
    began = time.perf_counter()
    await catalogue.save(replace(movie, runtime=118 if movie.runtime != 118 else 119))
    return time.perf_counter() - began


def _say(store: str, when: str, what: str, seconds: list[float]) -> None:
    middle = f"{median(seconds) * 1000:10.2f} ms"
    rest = f"{quantiles(seconds, n=20)[-1] * 1000:10.2f} ms (p95 of {len(seconds)})" if len(seconds) > 1 else ""
    sys.stdout.write(f"{store:12}{when:16}{what:30}{middle}{rest}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
