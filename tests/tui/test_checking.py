"""`reelcache check` as a person and as a program see it, on real servers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import Catalogue, Query, Settings, open_catalogue, replace
from core.audit import Check
from core.cache.redis import RedisCache
from core.strategies.codec import CODEC, encode_movie
from core.strategies.keys import movie_key
from tests.core.movies import movies
from tests.core.sources import ListSource
from tui.checking import as_object, as_table

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def catalogue(state_dir: Path, postgres_url: str, redis_url: str) -> AsyncIterator[Catalogue]:
    """Thirty movies, ten of them in the cache."""
    settings = Settings(postgres_url=postgres_url, redis_url=redis_url, state_dir=state_dir)
    async with open_catalogue(settings) as opened:
        await opened.load(ListSource(movies(30)))
        await opened._binding.store.settle()
        async with asyncio.timeout(60):
            # A reading in doubt keeps nothing, nor does one whose answer Redis is too slow to take.
            while {*(await opened.browse(Query(), 0, 10)).tiers} != {"redis"}:
                await asyncio.sleep(0.01)
        yield opened


@pytest.fixture
def environment(state_dir: Path, postgres_url: str, redis_url: str) -> dict[str, str]:
    """Where the command finds the same servers."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "MONGO_"))}
    return known | {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "REELCACHE_STATE_DIR": str(state_dir)}


async def command(environment: dict[str, str], *words: str) -> tuple[int | None, str, str]:
    """Run `reelcache check` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "check", *words),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate()
    return process.returncode, output.decode(), complaint.decode()


async def put_wrong(catalogue: Catalogue, redis_url: str) -> str:
    """Change one entry by hand in Redis, keeping its version; returns the movie's id."""
    film = (await catalogue.browse(Query(), 0, 10)).movies[3]
    # With a patience that no reader has: the machine that runs the tests may be busy.
    cache = RedisCache(redis_url, catalogue._binding.cache.namespace, soft_ttl=60, hard_ttl=600, budget=5, codec=CODEC)
    await cache.open()
    await cache.acquire(movie_key(film.id), "by hand", 60, refresh=True)
    lie = encode_movie(replace(film, runtime=1))
    assert await cache.fill(movie_key(film.id), "by hand", film.version, lie) == "set"
    await cache.close()
    return film.id


async def test_a_cache_that_agrees(catalogue: Catalogue, environment: dict[str, str]) -> None:
    code, output, complaint = await command(environment)
    assert (code, complaint) == (0, "")
    assert "10 movies in the cache compared with postgresql." in output
    assert "agrees with the store" in output


async def test_a_wrong_entry_is_named(catalogue: Catalogue, environment: dict[str, str], redis_url: str) -> None:
    wrong = await put_wrong(catalogue, redis_url)
    code, output, complaint = await command(environment, "--json")
    assert (code, complaint) == (1, "")
    found: dict[str, Any] = json.loads(output)
    assert found == {"entries": 10, "wrong_after": {"0.1": 1, "1": 1, "10": 1}, "wrong": [wrong]}


async def test_without_redis_the_reason_is_said(environment: dict[str, str]) -> None:
    code, output, complaint = await command(environment | {"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert (code, output) == (1, "")
    assert "Redis" in complaint
    assert "127.0.0.1:1" in complaint
    assert "Traceback" not in complaint


def test_the_table_names_no_more_ids_than_one_can_read() -> None:
    ids = tuple(f"Q{number}" for number in range(25))
    lines = as_table(Check(40, {0.1: ids, 1.0: ids, 10.0: ids}), "postgresql")
    assert lines[-1] == "  and 5 more: see --json"
    assert len(lines) == 3 + 20 + 1
    assert json.loads(as_object(Check(40, {10.0: ids})))["wrong"] == list(ids)


def test_an_empty_cache_says_so_and_steering_characters_are_shown() -> None:
    assert "holds none" in "\n".join(as_table(Check(0, {0.1: (), 10.0: ()}), "mongodb"))
    assert "\x1b" not in "\n".join(as_table(Check(1, {10.0: ("Q\x1b[2J",)}), "mongodb"))
