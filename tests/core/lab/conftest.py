"""Catalogues whose servers a test may break."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from core import Catalogue, Settings, open_catalogue
from core.open import SHIPPED_NOTE
from core.servers.embedded import EmbeddedServers
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


async def stocked(state_dir: Path, name: str) -> Path:
    """The folder, with thirty movies in its store instead of the shipped ones."""
    servers = EmbeddedServers(state_dir)
    store = MongoStore(await servers.mongodb()) if name == "mongodb" else PostgresStore(await servers.postgresql())
    await store.open()
    if await store.note(SHIPPED_NOTE) is None:
        await store.load(list(movies(30)))
        await store.set_note(SHIPPED_NOTE, "thirty others")
    await store.close()
    await servers.close()
    return state_dir


@pytest.fixture(params=["postgresql", "mongodb"])
async def embedded(lived_in: Path, request: pytest.FixtureRequest) -> AsyncIterator[Catalogue]:
    """Thirty movies in either embedded store, behind an embedded Redis."""
    folder = await stocked(lived_in, request.param)
    async with open_catalogue(Settings(store=request.param, state_dir=folder)) as opened:
        await quiet(opened)
        yield opened
