"""What the API says of itself: figures, health in every state, and a contract that schemathesis finds no lie in."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from core import Settings
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.stores.severable import Severable
from tests.tui.api.serving import Answer, Api, believed, serving, when_believed
from tui.api.schemas import EXAMPLE

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLES = 4
"""Requests of each kind for each operation: more find nothing more, and take their time."""


async def health(api: Api, status: str) -> Answer:
    """What /health says once the state is this."""
    async with asyncio.timeout(30):
        while (answer := await api.get("/health")).said["status"] != status:
            await asyncio.sleep(0.02)
    return answer


async def the_last_known_state_is_served(api: Api, way: Severable) -> bool:
    """Take the store away, and see what is said and served then. False where Redis was lost meanwhile, as it may be on
    a busy machine: with the store away nobody can vouch for what is found there afterwards."""
    # Read and kept: what was read past the cache would not be known when the store is away.
    known = await when_believed(api, "/movies/Q1")
    page = await when_believed(api, "/movies")
    well = await health(api, "ok")
    assert well.status == 200
    assert well.said["store"] == {"name": "mongodb", "problem": None}
    await believed(api)
    met = api.catalogue._cache.greetings
    async with way.cut():
        down = await health(api, "down")
        assert down.status == 503
        assert down.said["store"]["problem"]
        for path, before in (("/movies/Q1", known), ("/movies", page)):
            async with asyncio.timeout(5):
                # Refused is only what was asked when Redis did not answer either.
                while (stale := await api.get(path)).status == 503:
                    if api.catalogue._cache.greetings != met:
                        return False
                    await asyncio.sleep(0.02)
            assert (stale.status, stale.cache, stale.said) == (200, "stale", before.said), "the last known state"
        unsaved = await api.ask("POST", "/movies/new", body={"title": "x"})
        assert (unsaved.status, unsaved.headers["retry-after"]) == (503, "1")
        assert unsaved.said["detail"]
    return True


async def test_health_with_the_store_away_and_back(redis_url: str, mongo_url: str, tmp_path: Path) -> None:
    async with Severable(mongo_url) as way:
        settings = Settings(store="mongodb", mongo_url=way.url, redis_url=redis_url, state_dir=tmp_path)
        async with serving(settings) as api:
            await api.catalogue.load(ListSource(movies(3)))
            for _ in range(5):
                if await the_last_known_state_is_served(api, way):
                    break
                await health(api, "ok")
            else:
                pytest.fail("Redis was lost each time that the store went")
            assert (await health(api, "ok")).status == 200
            assert (await api.ask("POST", "/movies/new", body={"title": "x"})).status == 201, "nothing had been stored"


async def test_redis_away_stops_nobody(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(postgres_url=postgres_url, redis_url="redis://127.0.0.1:1", state_dir=tmp_path)
    async with serving(settings) as api:
        degraded = await health(api, "degraded")
        assert degraded.status == 200
        assert degraded.said["cache"]["problem"]
        created = await api.ask("POST", "/movies/new", body={"title": "x"})
        read = await api.get("/movies/new")
        assert (created.status, read.said, read.cache) == (201, created.said, "bypass")
        assert (await api.get("/movies")).cache == "bypass"


async def test_no_answer_is_otherwise_than_described(redis_url: str, postgres_url: str, tmp_path: Path) -> None:
    """schemathesis asks for what the description offers, and for what it forbids, with all its checks."""
    settings = Settings(postgres_url=postgres_url, redis_url=redis_url, state_dir=tmp_path)
    async with serving(settings) as api:
        await api.catalogue.load(ListSource(movies(30)))
        await api.catalogue.add(EXAMPLE)
        await believed(api)
        tester = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{api.url}/openapi.json", "--checks", "all", "--max-examples", str(EXAMPLES)),
            *("--generation-deterministic", "--no-color"),
            cwd=ROOT,
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            told = (await tester.communicate())[0].decode()
        finally:
            if tester.returncode is None:
                tester.kill()
                await tester.wait()
        assert tester.returncode == 0, told
        stats = await api.get("/stats")
        assert stats.said["strategies"]["cache-aside"]["errors"] == 0
        assert "trace" not in stats.said
        metrics = await api.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "cache_writes_total" in metrics.said
