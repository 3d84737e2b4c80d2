"""Catalogues whose servers a test may break."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core import Catalogue, Settings, open_catalogue
from core.event_loop import new_event_loop
from core.open import SHIPPED_NOTE
from core.servers.embedded import EmbeddedServers
from core.stores.base import StoreName
from core.stores.mongo import MongoStore
from core.stores.postgres import PostgresStore
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.waiting import until


def believed(catalogue: Catalogue) -> Callable[[], bool]:
    """Whether Redis is in use and believed."""
    return lambda: catalogue.stats().breaker == "closed" and catalogue.stats().doubt is None


async def quiet(catalogue: Catalogue) -> None:
    """Wait until the cache was told of every change so far, and is believed."""
    await catalogue._binding.store.settle()
    await until(believed(catalogue))


@pytest.fixture
async def catalogue(state_dir: Path, postgres_url: str) -> AsyncIterator[Catalogue]:
    """Thirty movies in a store given by URL, behind an embedded Redis of the test's own."""
    async with open_catalogue(Settings(postgres_url=postgres_url, state_dir=state_dir)) as opened:
        await opened.load(ListSource(movies(30)))
        await quiet(opened)
        yield opened


@pytest.fixture(scope="session")
def lived_in() -> Iterator[Path]:
    """A state folder that tests share, so that only the first makes the stores."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stocked(lived_in: Path) -> Iterator[Callable[[StoreName], StoreName]]:
    """Starts a store of the shared folder, with thirty movies in it instead of the shipped ones. It runs to the end, as
    by another copy of the program: a start takes longer than most of these tests."""
    servers = EmbeddedServers(lived_in)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:

        def started(name: StoreName) -> StoreName:
            runner.run(stock(servers, name))
            return name

        yield started
        runner.run(servers.close())


async def stock(servers: EmbeddedServers, name: StoreName) -> None:
    """Put thirty movies into this store, where it was not done yet."""
    store = MongoStore(await servers.mongodb()) if name == "mongodb" else PostgresStore(await servers.postgresql())
    await store.open()
    if await store.note(SHIPPED_NOTE) is None:
        await store.load(list(movies(30)))
        await store.set_note(SHIPPED_NOTE, "thirty others")
    await store.close()


@pytest.fixture
def postgresql(stocked: Callable[[StoreName], StoreName]) -> StoreName:
    """The embedded PostgreSQL of the shared folder runs."""
    return stocked("postgresql")


@pytest.fixture(params=["postgresql", "mongodb"])
def either(request: pytest.FixtureRequest, stocked: Callable[[StoreName], StoreName]) -> StoreName:
    """One embedded store of the shared folder runs, then the other."""
    return stocked(request.param)


@pytest.fixture
async def embedded(lived_in: Path, either: StoreName) -> AsyncIterator[Catalogue]:
    """Thirty movies in either embedded store, behind an embedded Redis."""
    async with open_catalogue(Settings(store=either, state_dir=lived_in)) as opened:
        await quiet(opened)
        yield opened
