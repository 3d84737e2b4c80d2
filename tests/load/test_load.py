"""The load's own figures, by a short run of its command: nothing fails, and users and API count the same."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from core import Settings, open_catalogue
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.load.__main__ import ROOT, Row, line
from tests.load.told import percentile
from tests.tui.shell import environment

__all__ = ["environment"]
STRATEGIES = ("cache-aside", "no-cache")


async def test_users_and_api_count_the_same(environment: dict[str, str], tmp_path: Path) -> None:
    settings = Settings(
        redis_url=environment["REDIS_URL"], postgres_url=environment["DATABASE_URL"], state_dir=tmp_path
    )
    async with open_catalogue(settings) as catalogue:
        await catalogue.load(ListSource(movies(300)))
    strategies = [word for strategy in STRATEGIES for word in ("--strategy", strategy)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.load", "--json", "--store", "postgresql", *strategies),
        *("--users", "4", "--seconds", "1", "--least", "200", "--edits", "5"),
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(400):
        told, warned = await process.communicate()
    assert (process.returncode, warned.decode()) == (0, "")
    cached, uncached = rows = [msgspec.json.decode(each, type=Row) for each in told.splitlines()]
    assert tuple(row.strategy for row in rows) == STRATEGIES
    for row in rows:
        assert row.told.requests >= 200
        assert row.told.failures == {}
        assert row.told.served == row.reads
        assert 0 < row.told.p50 <= row.told.p95 <= row.told.p99
        assert f"{row.told.requests:,}" in line(row)
    assert cached.hits > 0
    assert {"hit", "miss"} <= set(cached.told.cache)
    assert uncached.hits == 0
    assert set(uncached.told.cache) == {"bypass"}
    assert uncached.store_reads > 0


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(each) for each in range(100)], 0.99) == 99.0
    assert percentile([], 0.5) == 0.0
