"""What is said of an address that does not do, wherever it is said; a password never is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from core.cache.keys import Key, Namespace
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.servers.binaries import ServerName
from core.servers.doctor import examine
from core.settings import Settings
from core.stores.base import Store
from core.stores.mongo import MongoStore
from core.stores.postgres import PostgresStore

_SETTINGS: Final[dict[ServerName, str]] = {
    "redis": "redis_url",
    "postgresql": "postgres_url",
    "mongodb": "mongo_url",
}


async def complaints(server: ServerName, url: str, folder: Path, secrets: Iterable[str]) -> tuple[str, str]:
    """What whoever uses this server says, and what the doctor says. `folder`: for the state of other servers."""
    match server:
        case "redis":
            said = await problem_of(url)
        case "postgresql":
            said = await _problem_of(PostgresStore(url, timeout=5.0))
        case "mongodb":
            said = await _problem_of(MongoStore(url, timeout=5.0))
    settings = Settings(**{_SETTINGS[server]: url}, state_dir=folder)  # type: ignore[arg-type]  # by its name
    [health] = [each for each in await examine(settings) if each.server == server]
    both = said, f"{health.problem} {health.remedy}"
    assert not any(secret in each for secret in secrets for each in both)
    return both


def assert_told(said: Sequence[str], words: Iterable[str]) -> None:
    """Whoever speaks says all of it."""
    for each in said:
        assert all(word in each for word in words), (words, each)


async def problem_of(url: str, budget: float = 2.0) -> str:
    """Why a cache at this address cannot be used."""
    cache = RedisCache(url, Namespace("test", "postgresql"), soft_ttl=60, hard_ttl=600, budget=budget)
    await cache.open()
    with pytest.raises(CacheUnavailable):
        await cache.get(Key("movie", "Q1"))
    problem = cache.breaker.problem
    await cache.close()
    assert problem is not None
    assert "secret" not in f"{problem}{cache.address}"
    return problem


async def _problem_of(store: Store) -> str:
    with pytest.raises(StoreUnavailable) as problem:
        await store.open()
    await store.close()
    return str(problem.value)
