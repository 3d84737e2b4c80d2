"""Caches on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from core.cache.keys import Namespace
from core.cache.redis import RedisCache
from tests.core.cache.servers import OwnRedis

SPACE = Namespace("test", "postgresql")


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisCache]:
    """An open cache on an empty database."""
    # The budget is generous: the machine that runs the tests may be busy, and no test here is about time.
    cache = RedisCache(redis_url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    yield cache
    await cache.close()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client of the same database."""
    client = Redis.from_url(redis_url, socket_timeout=None)  # with one, redis-py loses cancellations on Python 3.11
    yield client
    await client.aclose()


@pytest.fixture
async def own_redis() -> AsyncIterator[OwnRedis]:
    """A server that the test may stop and pause."""
    async with OwnRedis() as server:
        yield server
