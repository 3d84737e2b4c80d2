"""Views and totals of two running copies: the same on both, and there again after Redis was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core import Catalogue, Settings, open_catalogue
from core.boards.views import SPANS
from core.observe.stats import StrategyTotals
from tests.core.cache.servers import OwnRedis
from tests.core.movies import movies
from tests.core.sources import ListSource


async def test_two_copies_count_together(postgres_url: str, tmp_path: Path) -> None:
    async with OwnRedis() as redis, AsyncExitStack() as stack:
        settings = Settings(redis_url=redis.url, postgres_url=postgres_url, state_dir=tmp_path)
        first = await stack.enter_async_context(open_catalogue(settings))
        second = await stack.enter_async_context(open_catalogue(settings))
        await first.load(ListSource(movies(20)))
        horrors = {movie.id for movie in movies(20) if "Horror" in movie.genres}
        assert len(horrors & {"Q1", "Q2"}) < 2
        for _ in range(3):
            first.viewed("Q1")
            second.viewed("Q2")
        second.viewed("Q1")
        await second.get("Q1")
        await first.use_strategy("no-cache")
        await first.get("Q3")

        def counted(catalogue: Catalogue) -> bool:
            shared = catalogue.stats().shared
            own = [copy._observer.counted() for copy in (first, second)]
            summed = {
                name: {
                    field: sum(getattr(one[name], field) for one in own) for field in StrategyTotals.__struct_fields__
                }
                for name in catalogue.strategies
            }
            used = {name: StrategyTotals(**counts) for name, counts in summed.items() if any(counts.values())}
            return (shared.copies, dict(shared.strategies)) == (2, used)

        async def agreed(**views: int) -> None:
            for copy in (first, second):
                await until(lambda: counted(copy), copy)  # noqa: B023
                await until(lambda: not copy._binding.views._untold, copy)  # noqa: B023
            for copy in (first, second):
                for span in SPANS:
                    board = await copy.trending(span)
                    assert board.source == "redis"
                    assert {row.movie.id: row.value for row in board.rows} == pytest.approx(views, rel=0.1)
                    assert [row.movie.id for row in board.rows] == list(views)
                horror = await copy.trending("day", genre="Horror")
                assert [row.movie.id for row in horror.rows] == [id for id in views if id in horrors]

        await agreed(Q1=4, Q2=3)
        async with Redis.from_url(redis.url) as client:
            [totals] = [name async for name in client.scan_iter("rc:s:*totals*")]
            await client.hset(totals, b"c:\x1b[2J\xff:hits", b"5")
        await first.watch()
        await until(lambda: counted(first), first, second)  # what others put there is passed over
        await redis.stop()
        assert [row.movie.id for row in (await first.trending("hour")).rows] == ["Q1"]
        assert (await first.trending("hour")).source == "memory"
        await until(lambda: first.stats().shared.problem is not None, first)
        for id in ("Q2", "Q1", "Q1"):
            second.viewed(id)
        await redis.start()
        await agreed(Q1=6, Q2=4)


async def until(holds: Callable[[], object], *catalogues: Catalogue) -> None:
    """Have copies tell what they counted until something holds."""
    async with asyncio.timeout(60):
        while not holds():
            for catalogue in catalogues:
                await catalogue.watch()
            await asyncio.sleep(0.02)
