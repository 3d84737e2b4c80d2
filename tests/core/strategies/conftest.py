"""Two copies of the program whose orders and tallies are looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core import Catalogue, Settings, open_catalogue
from core.strategies import orders, tallies
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.strategies.changes import COUNT


@pytest.fixture(params=["postgresql", "mongodb"])
async def copies(
    request: pytest.FixtureRequest, redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Catalogue, Catalogue]]:  # fmt: skip
    """Two copies of the program on one store with movies in it, in which everything is worth being kept."""
    for module in (orders, tallies):
        monkeypatch.setattr(module, "LEAST", 1)
    settings = Settings(
        store=request.param, redis_url=redis_url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=tmp_path
    )
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_catalogue(settings))
        second = await stack.enter_async_context(open_catalogue(settings))
        await first.load(ListSource(list(movies(COUNT))))
        yield first, second
