"""The load's own figures, by a short run of its command: nothing fails, and users and API count the same."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.core.movies import movies
from tests.load.__main__ import ROOT, Row, line
from tests.load.told import percentile
from tests.tui.shell import environment, load

__all__ = ["environment"]
STRATEGIES = ("cache-aside", "no-cache")


async def test_users_and_api_count_the_same(environment: dict[str, str], tmp_path: Path) -> None:
    stock = tmp_path / "movies.json"
    stock.write_bytes(b"\n".join(msgspec.json.encode(each) for each in movies(300)))
    await load(environment, stock)
    strategies = [word for strategy in STRATEGIES for word in ("--strategy", strategy)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.load", "--json", "--store", "postgresql", *strategies),
        *("--users", "4", "--seconds", "2", "--edits", "5"),
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        told, warned = await process.communicate()
    assert (process.returncode, warned.decode()) == (0, "")
    cached, uncached = rows = [msgspec.json.decode(each, type=Row) for each in told.splitlines()]
    assert tuple(row.strategy for row in rows) == STRATEGIES
    for row in rows:
        assert row.told.requests > 0
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
