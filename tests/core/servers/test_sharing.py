"""Every copy of the program uses the same servers, and the last one out stops them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.servers.embedded import EmbeddedServers
from core.servers.process import alive, named, title
from tests.core.servers.another_copy import another_copy, ready

Processes = Callable[[], dict[str, psutil.Process]]


@pytest.fixture
def state_dir(lived_in: Path) -> Path:
    """The folder that the tests share; no server of it runs between two tests."""
    return lived_in


async def test_two_copies_share_and_the_last_out_stops(
    servers: EmbeddedServers, state_dir: Path, processes: Processes
) -> None:
    with another_copy(state_dir, "redis") as first, another_copy(state_dir, "redis", "postgresql") as second:
        theirs = ready(second, 2)
        assert ready(first, 1) == [theirs[0]] == [await servers.redis()]
        running = processes()
        assert running.keys() == {"redis", "postgresql"}
    assert first.returncode == second.returncode == 0
    assert processes() == running, "we are still in"
    await servers.close()
    assert processes() == {}, "PostgreSQL too, which we never asked for"
    assert not [process for process in running.values() if alive(process)]


async def test_copies_that_start_at_the_same_time_start_one_server(state_dir: Path, processes: Processes) -> None:
    with another_copy(state_dir, "redis") as first, another_copy(state_dir, "redis") as second:
        assert ready(first, 1) == ready(second, 1)
        served = [process for process in named("redis-server") if str(state_dir) in title(process)]
        assert served == list(processes().values())
    assert processes() == {}
