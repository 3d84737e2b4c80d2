"""The short form of the chaos: real servers, four client processes, the most telling faults, no violation.

A violation here is a bug that has not been understood yet, never bad luck: the message has the operations that prove
it, and the command that runs the same schedule again.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.servers.binaries import ServerName
from tests.core.cache.topologies import TOPOLOGIES
from tests.faults.cell import Cell, Result, run_cell
from tests.faults.servers import Servers

CLIENTS_DIE = ("client-kill", "crash")
REDIS_FAILS = ("redis-pause", "redis-kill", "redis-old-dump", "redis-evict", "partition")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers that no other test uses."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    servers = Servers(folder)
    yield servers
    asyncio.run(servers.close())
    shutil.rmtree(folder)


def told(result: Result) -> str:
    """What is wrong, in full."""
    return "\n".join([f"{result.cell}", *map(str, result.broken[:10])])


@pytest.mark.parametrize(
    ("store", "strategy", "faults"),
    [
        ("postgresql", "cache-aside", (*CLIENTS_DIE, *REDIS_FAILS, "edit")),
        ("mongodb", "write-through", (*CLIENTS_DIE, *REDIS_FAILS, "strategy-switch", "edit")),
    ],
)
async def test_no_claim_is_broken(servers: Servers, store: ServerName, strategy: str, faults: tuple[str, ...]) -> None:
    cell = Cell(
        store=store,
        strategy=strategy,
        faults=faults,
        seconds=10.0,
        until=("client-kill",),
        seed=7,
        crash=0.01,
        wait_for_dead_writers=False,
    )
    result = await run_cell(cell, servers)
    assert not result.broken, told(result)
    assert result.verdict.operations > 100
    assert result.faults["client-kill"] > 0


@pytest.mark.parametrize("store", ["postgresql", "mongodb"])
async def test_no_claim_is_broken_where_all_are_at_one_movie(servers: Servers, store: ServerName) -> None:
    faults = ("client-kill", "edit")
    cell = Cell(
        store=store,
        strategy="write-through",
        faults=faults,
        seconds=5.0,
        until=("edit",),
        movies=1,
        wait_for_dead_writers=False,
    )
    result = await run_cell(cell, servers)
    assert not result.broken, told(result)
    assert result.verdict.operations > 100
    assert result.faults["edit"] > 0


@pytest.mark.parametrize("redis", sorted(TOPOLOGIES))
async def test_no_claim_is_broken_by_a_failover(servers: Servers, redis: str) -> None:
    """A primary dies, another one serves on beside its successor; afterwards reads come from Redis again (I10)."""
    cell = Cell(
        store="postgresql",
        strategy="write-through",
        faults=("redis-failover", "redis-split", "edit"),
        seconds=4.0,
        until=("redis-failover", "redis-split"),
        seed=7,
        clients=2,
        near=True,
        redis=redis,
        wait_for_dead_writers=False,
    )
    async with TOPOLOGIES[redis]() as servers.topology:
        result = await run_cell(cell, servers)
    servers.topology = None
    assert not result.broken, told(result)
    assert result.verdict.operations > 100


async def test_the_textbook_is_found_out(servers: Servers) -> None:
    cell = Cell(
        store="postgresql", strategy="cache-aside", implementation="naive", faults=("client-kill",), seconds=6.0, seed=7
    )
    result = await run_cell(cell, servers)
    assert result.verdict.counts().get("I4", 0) > 0


async def test_a_core_without_its_announcements_is_found_out(servers: Servers) -> None:
    cell = Cell(
        store="postgresql", strategy="write-through", implementation="no-finish", faults=(), seconds=5.0, seed=7
    )
    result = await run_cell(cell, servers)
    assert result.verdict.counts().get("I4", 0) > 0
