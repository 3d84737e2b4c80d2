"""Redis paused, killed and back: nobody is stopped from browsing or saving, and nothing outdated is read afterwards."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core import Catalogue, Query, Settings, open_catalogue, replace
from core.stores.base import StoreName, Window
from core.strategies import orders
from tests.core.movies import movie, movies
from tests.core.sources import ListSource
from tests.processes import hold

BUDGET = 0.1
"""Seconds that each call to a Redis which does not answer would wait."""


@pytest.fixture
async def catalogue(state_dir: Path, postgres_url: str) -> AsyncIterator[Catalogue]:
    """A catalogue with an embedded Redis of its own and thirty movies."""
    async with open_catalogue(Settings(postgres_url=postgres_url, state_dir=state_dir)) as opened:
        await opened.load(ListSource(movies(30)))
        yield opened


def redis_process(state_dir: Path) -> psutil.Process:
    """The embedded redis-server of a state folder."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if "redis-server" in (process.info["name"] or "") and str(state_dir) in " ".join(process.info["cmdline"] or ()):
            return process
    raise AssertionError("no embedded Redis runs")


@contextmanager
def paused(process: psutil.Process) -> Iterator[None]:
    """The process does not run meanwhile."""
    hold(process.pid)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def seconds_of(call: Awaitable[object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


async def until(catalogue: Catalogue, breaker: str) -> None:
    """Wait for the breaker; when it is closed, until what Redis holds is believed, too."""
    async with asyncio.timeout(60):
        while catalogue.stats().breaker != breaker or (breaker == "closed" and catalogue.stats().doubt):
            await asyncio.sleep(0.02)


async def test_a_paused_redis_stops_neither_browsing_nor_saving(catalogue: Catalogue, state_dir: Path) -> None:
    film = await catalogue.get("Q20")
    await catalogue.get("Q20")
    with paused(redis_process(state_dir)):
        saved = await catalogue.save(replace(film, runtime=118))
        assert (await catalogue.get("Q20")).runtime == 118
        assert (await catalogue.browse(Query(), 0, 10)).total == 30
        await until(catalogue, "open")
        assert catalogue.stats().cache_problem
        fastest = min([await seconds_of(catalogue.get("Q20")) for _ in range(20)])
        assert fastest < BUDGET, "an open breaker lets nobody wait"
        added = await catalogue.add(movie(99, title="Added meanwhile"))
    await until(catalogue, "closed")
    assert await catalogue.get("Q20") == saved
    assert (await catalogue.browse(Query(text="meanwhile"))).movies == (added,)
    assert (await catalogue.browse(Query(), 0, 50)).total == 31
    reading = await catalogue.read("Q20")
    assert reading.tier == "redis", reading.reason


async def test_a_killed_redis_comes_back_by_itself(catalogue: Catalogue, state_dir: Path) -> None:
    await catalogue.get("Q20")
    process = redis_process(state_dir)
    process.kill()
    await asyncio.to_thread(process.wait)
    page = await catalogue.browse(Query(), 0, 10)
    assert (page.total, set(page.tiers)) == (30, {"store"})
    saved = await catalogue.save(replace(page.movies[0], runtime=118))
    await until(catalogue, "closed")
    assert catalogue.stats().cache_problem is None
    assert await catalogue.get(saved.id) == saved
    assert (await catalogue.read(saved.id)).tier == "redis"


async def test_a_redis_that_never_was_there_is_no_reason_to_fail(state_dir: Path, postgres_url: str) -> None:
    settings = Settings(postgres_url=postgres_url, redis_url="redis://127.0.0.1:1/0", state_dir=state_dir)
    async with open_catalogue(settings) as catalogue:
        added = await catalogue.add(movie(1))
        assert await catalogue.get("Q1") == added
        problem = catalogue.stats().cache_problem
        assert problem is not None
        assert "127.0.0.1:1" in problem


@pytest.mark.parametrize("store", ["postgresql", "mongodb"])
async def test_deep_windows_stay_exact_without_a_walk(
    store: StoreName, state_dir: Path, postgres_url: str, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "LEAST", 1)
    settings = Settings(store=store, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=state_dir)
    query = Query(sort="runtime", descending=True)
    async with open_catalogue(settings) as reader, open_catalogue(settings) as writer:
        await reader.load(ListSource(movies(300)))

        async def right(offset: int) -> str:
            page = await reader.browse(query, offset, 50)
            expected = await writer._binding.store.window(query, offset, 50)
            assert (tuple(movie.id for movie in page.movies), page.total) == (expected.ids, expected.total)
            return page.window_tier

        while await right(0) != "near":
            await asyncio.sleep(0.01)
        with monkeypatch.context() as patched, paused(redis_process(state_dir)):
            patched.setattr(reader._binding.store, "window", no_walk)
            await writer.save(replace(await writer.get("Q7"), runtime=997))
            await writer.add(movie(500, runtime=998))
            gone = await writer.get("Q9")
            await writer.remove(gone.id, version=gone.version)
            assert await right(0) == "store"
            await until(reader, "open")
            for number in range(20, 25):
                await writer.save(replace(await writer.get(f"Q{number}"), runtime=number))
                assert await right(240) == "store"
        await until(reader, "closed")
        await until(writer, "closed")
        assert await right(240) == "near", "the order outlived the outage"
        await writer.save(replace(await writer.get("Q30"), runtime=1))
        assert await right(260) == "near"


async def no_walk(query: Query, offset: int, limit: int) -> Window:
    raise AssertionError(f"the store walked to row {offset} of {query}")
