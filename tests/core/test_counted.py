"""What monitoring asks for is counted where it happens: loads, leases, fills, finishes, invalidations, the breaker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core import Catalogue, Movie, MovieNotFound, Settings, open_catalogue, replace
from core.cache.breaker import Breaker
from core.cache.keys import Key
from core.cache.replies import Acquired
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.waiting import until


@pytest.mark.usefixtures("unhurried")
async def test_loads_leases_fills_and_who_invalidates(
    redis_url: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path)
    async with open_catalogue(settings) as here, open_catalogue(settings) as there:
        await here.load(ListSource(movies(20)))
        await until(lambda: epochs(here) + epochs(there) > 0)
        await asyncio.gather(*(believed(each) for each in (here, there)))
        before = here.stats()
        await asyncio.gather(*(here.get("Q1") for _ in range(5)), *(here.read("Q1") for _ in range(5)))
        after = here.stats()
        cached, was = after.strategies["cache-aside"], before.strategies["cache-aside"]
        assert cached.store_reads - was.store_reads == 1
        assert cached.coalesced - was.coalesced == 9
        assert cached.load_latency.count == cached.store_reads
        assert after.fills["set"] - before.fills.get("set", 0) == 1
        with pytest.raises(MovieNotFound):
            await here.get("Q404")
        with pytest.raises(MovieNotFound):
            await here.get("Q404")
        assert here.stats().strategies["cache-aside"].negatives == 1
        film = await here.get("Q2")
        await here.save(replace(film, runtime=117))
        assert here.stats().finishes == {"dropped": 1}
        await here.use_strategy("write-through")
        await here.save(replace(await here.get("Q2"), runtime=118))
        await until(lambda: here.stats().finishes.get("set") == 1)

        # Two copies want the same cold movie: one of them has to wait for the other's lease.
        let_go, looks = asyncio.Event(), 0
        load, acquire = here._binding.store.get, there._binding.cache.acquire

        async def slowly(id: str) -> Movie | None:
            await let_go.wait()
            return await load(id)

        async def looking(key: Key, token: str, lease: float, *, refresh: bool = False) -> Acquired:
            nonlocal looks
            looks += 1
            return await acquire(key, token, lease, refresh=refresh)

        monkeypatch.setattr(here._binding.store, "get", slowly)
        monkeypatch.setattr(there._binding.cache, "acquire", looking)
        first = asyncio.ensure_future(here.get("Q9"))
        await until(lambda: here.stats().in_flight == 1)
        second = asyncio.ensure_future(there.get("Q9"))
        await until(lambda: looks == 2)
        let_go.set()
        assert await first == await second
        assert there.stats().lease_wait.count == 1
        assert here.stats().lease_wait.count == here.stats().in_flight == 0


def epochs(catalogue: Catalogue) -> int:
    return catalogue.stats().invalidations.get("epoch", 0)


async def believed(catalogue: Catalogue) -> None:
    await until(lambda: catalogue.stats().doubt is None)


def test_the_breaker_tells_each_state_that_it_entered() -> None:
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0], random=lambda: 0.0)
    breaker.trip("gone")
    now[0] = 1.0
    assert breaker.probe()
    breaker.failed("still gone")
    now[0] = 3.0
    assert breaker.probe()
    breaker.close()
    assert breaker.entered == {"open": 2, "half-open": 2, "closed": 1}
    assert breaker.opened == 1
