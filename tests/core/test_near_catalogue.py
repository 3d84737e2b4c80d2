"""The near tier through the catalogue: counted, switchable, believed no longer than Redis, and never behind a save."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core import Query, Settings, open_catalogue, replace
from core.errors import MovieNotFound
from tests.core.movies import movie


@pytest.mark.parametrize("strategy", ["cache-aside", "write-through"])
@pytest.mark.usefixtures("unhurried")
async def test_two_copies_with_a_near_tier(redis_url: str, postgres_url: str, tmp_path: Path, strategy: str) -> None:
    settings = Settings(
        redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path, near_cache=True, strategy=strategy
    )
    async with AsyncExitStack() as stack:
        here, there = [await stack.enter_async_context(open_catalogue(settings)) for _ in range(2)]
        assert here.stats().near.on
        assert here.stats().near.problem is None
        await here.add(movie(1, id="m1", title="Alien"))
        # The put behind the answer, and the relay's look at the same change, may each take it away once.
        await here._binding.background.drain()
        async with asyncio.timeout(60):
            while not here.stats().relay.applied + there.stats().relay.applied:
                await asyncio.sleep(0.01)
        await here._cache.heard()
        await here.get("m1")
        await here.get("m1")
        before = here.stats().strategies[strategy]
        for _ in range(10):
            assert (await here.get("m1")).title == "Alien"
        stats = here.stats()
        after = stats.strategies[strategy]
        assert (after.hits - before.hits, after.near_hits - before.near_hits) == (10, 10)
        assert after.saved - before.saved == 10
        assert after.near_latency.count - before.near_latency.count == 10
        assert after.hit_latency == before.hit_latency
        assert [(line.tier, line.key, line.operation) for line in stats.trace[-10:]] == [("near", "m1", "get")] * 10
        assert stats.near.entries == 1
        assert stats.near.size > 0
        assert (await here.read("m1")).tier == "near"
        assert (await here.browse(Query())).tiers == ("near",)

        # Whoever saves, the next read anywhere shows it.
        for number in range(60):
            writer, reader = (here, there) if number % 2 else (there, here)
            base = await writer.get("m1")
            await reader.get("m1")
            saved = await writer.save(replace(base, runtime=number + 1))
            assert await reader.get("m1") == saved
            assert await writer.get("m1") == saved
            assert (await here.browse(Query())).movies == (saved,)
        await there.get("m1")
        await here.remove("m1", version=saved.version)
        with pytest.raises(MovieNotFound):
            await there.get("m1")

        await here.near(False)
        assert not here.stats().near.on
        assert here.stats().near.entries == 0
        added = await here.add(movie(2, id="m2", title="Aliens"))
        assert (await here.read("m2")).tier != "near"
        await here.near(True)
        async with asyncio.timeout(60):
            while (await here.read("m2")).tier != "near":
                await asyncio.sleep(0.01)
        await here.use_strategy("no-cache")
        assert (await here.read("m2")).tier == "store"
        assert await here.get("m2") == added
