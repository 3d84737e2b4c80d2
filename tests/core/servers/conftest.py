"""Servers of a test's own, for tests that kill them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.servers.embedded import EmbeddedServers, embedded_servers, stop_embedded
from core.servers.state import StateFolder


@pytest.fixture(scope="session")
def lived_in() -> Iterator[Path]:
    """A state folder that tests share which kill servers, so that only the first waits for new data to be made."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def servers(state_dir: Path) -> AsyncIterator[EmbeddedServers]:
    """The servers of a state folder of the test's own; none has started. Stopped at the end whatever happened."""
    servers = EmbeddedServers(state_dir)
    yield servers
    await servers.close()
    await stop_embedded(state_dir)


@pytest.fixture
def processes(state_dir: Path) -> Callable[[], dict[str, psutil.Process]]:
    """Asks which servers of the test's own state folder run, by name."""

    def running() -> dict[str, psutil.Process]:
        found = {name: server.find() for name, server in embedded_servers(StateFolder(state_dir)).items()}
        return {name: process for name, process in found.items() if process is not None}

    return running
