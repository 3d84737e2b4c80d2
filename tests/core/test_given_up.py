"""A window that nobody waits for any more is given up in the store too, and harms nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from core import Query, Settings, open_catalogue
from tests.core.movies import movie


async def test_who_leaves_a_slow_window_leaves_no_query_behind(
    redis_url: str, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path)
    async with (
        open_catalogue(settings) as catalogue,
        await psycopg.AsyncConnection.connect(postgres_url) as other,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as looking,
    ):
        added = await catalogue.add(movie(1, id="m1", title="Alien"))

        async def waiting() -> int:
            found = await looking.execute(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%%offset%%'"
            )
            row = await found.fetchone()
            assert row is not None
            return int(row[0])

        await other.execute("lock table reelcache.movies in access exclusive mode")
        for strategy in catalogue.strategies:
            await catalogue.use_strategy(strategy)
            # As under a dragged scrollbar: one place after the other, none waited for.
            for place in range(3):
                leaving = asyncio.create_task(catalogue.browse(Query(sort="year"), 50 * (place + 1), 50))
                while not await waiting():
                    await asyncio.sleep(0.01)
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)
                assert leaving.cancelled()
                while await waiting():
                    await asyncio.sleep(0.01)
        await other.rollback()
        for strategy in catalogue.strategies:
            await catalogue.use_strategy(strategy)
            page = await catalogue.browse(Query(sort="year"), 0, 50)
            assert page.movies == (added,)
