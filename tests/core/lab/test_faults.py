"""Every fault is real while it is on, and gone when it is off; nobody else's server is touched."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import get_args

import psutil
import pytest
from redis.asyncio import Redis

from core import Catalogue, FaultRefused, Page, Query, Reading, Settings, StoreUnavailable, open_catalogue, replace
from core.lab.faults import FAULTS, SLOWER, FaultName
from core.servers.embedded import embedded_servers, stop_embedded
from core.servers.process import suspended
from core.servers.state import StateFolder
from tests.core.lab.conftest import believed
from tests.core.movies import movie
from tests.core.waiting import until


def process(state_dir: Path, name: str) -> psutil.Process:
    """The process of an embedded server."""
    found = {known: server.find() for known, server in embedded_servers(StateFolder(state_dir)).items()}
    running = found[name]  # type: ignore[index]  # the tests name servers that there are
    assert running is not None
    return running


async def cached(catalogue: Catalogue) -> Page:
    """The first rows, once the cache has them: a look at the store that came late lets nobody fill for a moment."""
    async with asyncio.timeout(60):
        while set((page := await catalogue.browse(Query(), 0, 10)).tiers) != {"redis"}:
            await asyncio.sleep(0.01)
    return page


async def held(catalogue: Catalogue, id: str) -> Reading:
    """The movie as the cache has it, once it does: see above."""
    async with asyncio.timeout(60):
        while (reading := await catalogue.read(id)).tier != "redis":
            await asyncio.sleep(0.01)
    return reading


def test_every_fault_has_its_words() -> None:
    assert {fault.name for fault in FAULTS} == set(get_args(FaultName))
    for fault in FAULTS:
        assert fault.description.endswith(".")
        assert len(fault.description) <= 70


async def test_a_paused_redis_stands_still_until_it_is_lifted(catalogue: Catalogue, state_dir: Path) -> None:
    film = await catalogue.get("Q20")
    server = process(state_dir, "redis")
    assert not suspended(server)
    await catalogue.faults.on("pause-redis")
    assert suspended(server)
    assert catalogue.stats().faults == ("Redis paused",)
    saved = await catalogue.save(replace(film, runtime=118))
    assert await catalogue.get("Q20") == saved
    await until(lambda: catalogue.stats().breaker != "closed")
    await catalogue.faults.off("pause-redis")
    assert not suspended(server)
    assert catalogue.stats().faults == ()
    await until(believed(catalogue))
    assert await catalogue.get("Q20") == saved


async def test_the_watch_does_not_wake_what_is_paused_on_purpose(catalogue: Catalogue, state_dir: Path) -> None:
    server = process(state_dir, "redis")
    await catalogue.faults.on("pause-redis")
    with pytest.raises(Exception, match="a fault switch holds it still"):
        await catalogue.faults._servers.redis()
    assert suspended(server)


async def test_a_killed_redis_is_revived(catalogue: Catalogue, state_dir: Path) -> None:
    server = process(state_dir, "redis")
    await catalogue.faults.on("fill-redis")
    await catalogue.faults.on("kill-redis")
    await until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    assert catalogue.stats().faults == ("Redis killed",), "what filled it died with it"
    await until(lambda: not catalogue.stats().faults)
    await until(believed(catalogue))
    assert process(state_dir, "redis") != server
    assert (await catalogue.browse(Query())).total == 30


async def test_a_killed_redis_is_back_at_once_when_the_fault_is_lifted(catalogue: Catalogue) -> None:
    await catalogue.faults.on("kill-redis")
    await catalogue.faults.off("kill-redis")
    await until(lambda: catalogue.stats().faults == ())
    await until(believed(catalogue))


async def test_what_does_not_run_cannot_be_killed(catalogue: Catalogue, state_dir: Path) -> None:
    await stop_embedded(state_dir)
    for name in ("kill-redis", "pause-redis"):
        with pytest.raises(FaultRefused, match="it does not run"):
            await catalogue.faults.on(name)
        assert catalogue.stats().faults == ()


async def test_killing_ends_a_pause(catalogue: Catalogue) -> None:
    await catalogue.faults.on("pause-redis")
    await catalogue.faults.on("kill-redis")
    assert catalogue.stats().faults == ("Redis killed",)


async def test_a_full_redis_refuses_fills_and_then_takes_them_again(catalogue: Catalogue) -> None:
    client = Redis.from_url(catalogue.redis_url, decode_responses=True)
    async with client:
        before = await client.config_get("maxmemory*")
        await catalogue.faults.on("fill-redis")
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
        for _ in range(2):
            reading = await catalogue.read("Q20")
            assert (reading.tier, reading.freshness) == ("store", "uncached")
        film = await catalogue.get("Q21")
        saved = await catalogue.save(replace(film, runtime=118))
        assert await catalogue.get("Q21") == saved
        await catalogue.faults.off("fill-redis")
        assert await client.config_get("maxmemory*") == before
    await held(catalogue, "Q20")


async def test_a_flushed_redis_has_forgotten_everything(catalogue: Catalogue) -> None:
    await held(catalogue, "Q20")
    await catalogue.faults.on("flush-redis")
    assert catalogue.stats().faults == ()
    assert (await catalogue.read("Q20")).tier == "store"


async def test_a_slow_store_takes_longer_and_the_cache_does_not(catalogue: Catalogue) -> None:
    await held(catalogue, "Q20")
    await catalogue.faults.on("slow-store")
    assert catalogue.stats().faults == ("store slower by 250 ms",)
    assert (await catalogue.read("Q21")).seconds >= SLOWER
    # The fastest of some: any may have had to wait for the machine.
    assert min([(await held(catalogue, "Q20")).seconds for _ in range(5)]) < SLOWER
    await catalogue.faults.off("slow-store")
    assert min([(await catalogue.read(f"Q{number}")).seconds for number in range(22, 27)]) < SLOWER


async def test_servers_given_by_url_are_left_alone(
    state_dir: Path, postgres_url: str, mongo_url: str, redis_url: str
) -> None:
    settings = Settings(postgres_url=postgres_url, mongo_url=mongo_url, redis_url=redis_url, state_dir=state_dir)
    async with open_catalogue(settings) as catalogue:
        await catalogue.add(movie(1))
        of_redis: tuple[FaultName, ...] = ("pause-redis", "kill-redis", "fill-redis", "flush-redis")
        of_the_store: tuple[FaultName, ...] = ("pause-store", "edit-behind-the-back")
        for name in of_redis:
            with pytest.raises(FaultRefused, match="This Redis was given by URL"):
                await catalogue.faults.on(name)
        for store, title in (("postgresql", "PostgreSQL"), ("mongodb", "MongoDB")):
            await catalogue.use_store(store)
            for name in of_the_store:
                with pytest.raises(FaultRefused, match=f"This {title} was given by URL"):
                    await catalogue.faults.on(name)
        assert catalogue.stats().faults == ()
    assert not (state_dir / "servers" / "redis.json").exists()


async def test_a_paused_store_leaves_the_last_known_state(embedded: Catalogue, lived_in: Path) -> None:
    page = await cached(embedded)
    server = process(lived_in, embedded.store)
    await embedded.faults.on("pause-store")
    try:
        assert suspended(server)
        assert all(suspended(child) for child in server.children(recursive=True))
        await until(lambda: "is away" in (embedded.stats().doubt or ""))
        known = await embedded.browse(Query(), 0, 10)
        assert (known.freshness, known.movies) == ("stale", page.movies)
        reading = await embedded.read(page.movies[0].id)
        assert reading.reason.startswith("the last known state")
        with pytest.raises(StoreUnavailable):
            await embedded.save(replace(page.movies[0], runtime=118))
    finally:
        await embedded.faults.off("pause-store")
    assert not suspended(server)
    assert not any(suspended(child) for child in server.children(recursive=True))
    await until(believed(embedded))
    assert (await embedded.browse(Query(), 0, 10)).freshness != "stale"


async def test_an_edit_behind_the_back_is_carried_into_the_cache(embedded: Catalogue) -> None:
    film = (await embedded.browse(Query(sort="runtime"), 0, 10)).movies[0]
    await held(embedded, film.id)
    await until(believed(embedded))
    said = await embedded.faults.on("edit-behind-the-back", movie=film.id)
    assert film.runtime is not None
    assert film.title in said
    assert f"{film.runtime} min → {film.runtime + 1} min" in said
    assert embedded.stats().faults == ()

    async def runtime() -> int | None:
        return (await embedded.get(film.id)).runtime

    async with asyncio.timeout(60):
        while await runtime() == film.runtime:
            await asyncio.sleep(0.01)
    assert await runtime() == film.runtime + 1


async def test_a_movie_of_unknown_runtime_gets_one(embedded: Catalogue) -> None:
    film = await embedded.get("Q3")
    film = await embedded.save(replace(film, runtime=None))
    assert "unknown → 91 min" in await embedded.faults.on("edit-behind-the-back", movie=film.id)
    assert "min" in await embedded.faults.on("edit-behind-the-back"), "any movie, where none is named"
    with pytest.raises(FaultRefused, match="no such movie"):
        await embedded.faults.on("edit-behind-the-back", movie="nobody")


@pytest.mark.usefixtures("postgresql")
async def test_everything_is_lifted_when_the_catalogue_closes(lived_in: Path) -> None:
    async with open_catalogue(Settings(state_dir=lived_in)) as other:
        async with open_catalogue(Settings(state_dir=lived_in)) as catalogue:
            everything: tuple[FaultName, ...] = ("fill-redis", "slow-store", "pause-store", "pause-redis")
            for name in everything:
                await catalogue.faults.on(name)
            assert len(catalogue.stats().faults) == 4
            with pytest.raises(FaultRefused, match="another copy of the program holds it still"):
                await other.faults.on("pause-redis")
            started = time.monotonic()
        assert time.monotonic() - started < 8
        assert not any(suspended(process(lived_in, name)) for name in ("redis", "postgresql"))
        await until(believed(other))
        async with Redis.from_url(other.redis_url, decode_responses=True) as client:
            assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "allkeys-lru"
