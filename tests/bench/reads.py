"""S1 to S6: what a read costs, how soon it hears of a write, and what many at once do to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tests.bench import hits, misses, pushes, stampede
from tests.bench.desk import desk
from tests.bench.row import Row, Run


async def rows(run: Run) -> AsyncIterator[Row]:
    """All of them on one desk."""
    async with desk(run) as found:
        async for row in hits.in_redis(run, found):
            yield row
        if run.wants("S5"):
            async for row in misses.safe_miss(run, found):
                yield row
        if run.wants("S3", "S4"):
            await found.catalogue.near(True)
            if run.wants("S3"):
                async for row in hits.near(run, found):
                    yield row
            if run.wants("S4"):
                async for row in pushes.eviction(run, found):
                    yield row
            await found.catalogue.near(False)
        if run.wants("S6"):
            async for row in stampede.crowds(run, found):
                yield row
