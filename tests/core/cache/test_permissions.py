"""A user of Redis that may not do what the cache needs: named at the start, or when it comes to it; with the line that
helps, which the test then runs as it stands."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
from redis.asyncio import Redis

from core import Settings, open_catalogue, replace
from core.cache.keys import Key
from core.cache.permissions import NEEDED, OPTIONAL
from core.cache.redis import Outdated, RedisCache
from core.errors import CacheUnavailable
from tests.core.cache.conftest import SPACE
from tests.core.cache.servers import OwnRedis
from tests.core.movies import movie
from tests.core.waiting import until

KEY = Key("movie", "Q1")


@pytest.fixture
async def admin(own_redis: OwnRedis) -> AsyncIterator[Redis]:
    """Whoever administers the server."""
    async with Redis(unix_socket_path=str(own_redis.socket), decode_responses=True) as client:
        yield client


async def say(admin: Redis, line: str) -> None:
    """Run a line as it stands, as somebody would who copied it."""
    await admin.execute_command(*line.split())  # type: ignore[no-untyped-call]  # redis-py


def line_of(problem: str | None) -> str:
    """The line in a complaint."""
    assert problem is not None
    assert "pw" not in problem
    found = re.search(r"Allow it: (ACL SETUSER .*)$", problem)
    assert found is not None, problem
    return found[1]


def cache_of(own_redis: OwnRedis, more: str = "") -> RedisCache:
    return RedisCache(f"unix://mover:pw@{own_redis.socket}{more}", SPACE, soft_ttl=60, hard_ttl=600, budget=5)


async def everything(cache: RedisCache) -> None:
    """Each call that the program makes, once."""
    await cache.use_near(True)
    assert cache.tracking.problem is None
    assert (await cache.acquire(KEY, "t", 60)).verdict == "token"
    assert await cache.fill(KEY, "t", 1, b"one") == "set"
    await cache.get_many([KEY, KEY], cache.shelf("movie"))
    place = await cache.journal_end()
    await cache.begin([KEY], "w", 60)
    await cache.finish("w", [(KEY, 2, b"two")])
    await cache.invalidate_many([(KEY, 3, False)], outdated=Outdated(Key("collection", "movies"), ["Q1"]))
    assert (await cache.changed_since(place)) is not None
    await cache.floors([KEY])
    await cache.abort([KEY], "w")
    await cache.cut_journal()
    await cache.server()
    await cache.flush()
    await cache.use_near(False)


def test_every_command_of_the_scripts_is_asked_for() -> None:
    scripts = (each.read_text("ascii") for each in files("core.cache.lua").iterdir() if each.name.endswith(".lua"))
    called = {name for text in scripts for name in re.findall(r"redis\.p?call\('([A-Z]+)'", text)}
    assert called <= {command.partition(" ")[0] for command in NEEDED} | {name.upper() for name in OPTIONAL}


@pytest.mark.parametrize("way", ["", "?client_name=pooled"])
async def test_a_user_who_may_nothing_is_given_one_line_that_suffices(
    own_redis: OwnRedis, admin: Redis, way: str
) -> None:
    await say(admin, "ACL SETUSER mover on >pw")
    cache = cache_of(own_redis, way)
    await cache.open()
    line = line_of(cache.breaker.problem)
    assert line.startswith("ACL SETUSER mover ~rc:* +get +mget ")
    await say(admin, line)
    await until(lambda: cache.breaker.state == "closed")
    if not way:
        await everything(cache)
    assert cache.breaker.state == "closed"
    await cache.close()


async def test_what_is_missing_is_named_at_the_start_all_at_once(own_redis: OwnRedis, admin: Redis) -> None:
    await say(admin, "ACL SETUSER mover on >pw ~rc:* +@all -hset -xadd -scan")
    cache = cache_of(own_redis)
    await cache.open()
    at = f"the user mover at {cache.address}"
    assert cache.breaker.problem == (
        f"{at} may not run HSET, XADD, SCAN. Allow it: ACL SETUSER mover ~rc:* +hset +xadd +scan"
    )
    await say(admin, line_of(cache.breaker.problem))
    await until(lambda: cache.breaker.state == "closed")
    await say(admin, "ACL SETUSER mover -client|tracking")
    await cache.use_near(True)
    assert cache.tracking.problem == f"{at} may not run CLIENT TRACKING."
    await cache.use_near(False)
    await say(admin, "ACL SETUSER mover resetkeys ~other:*")
    with pytest.raises(CacheUnavailable, match=r"may not use its keys \(rc:\*\)\. Allow it: ACL SETUSER mover ~rc:\*$"):
        await cache.acquire(KEY, "t", 60)
    assert cache.breaker.state != "closed"
    await until(lambda: "may not use its keys" in (cache.breaker.problem or ""))
    await say(admin, line_of(cache.breaker.problem))
    await until(lambda: cache.breaker.state == "closed")
    await cache.close()


async def test_a_permission_lost_while_it_runs_is_named_and_the_store_serves(
    own_redis: OwnRedis, admin: Redis, postgres_url: str
) -> None:
    """A script is refused in other words than a command: both are understood."""
    await say(admin, "ACL SETUSER mover on >pw ~rc:* +@all")
    settings = Settings(redis_url=f"unix://mover:pw@{own_redis.socket}", postgres_url=postgres_url)
    async with open_catalogue(settings) as catalogue:
        added = await catalogue.add(movie(1))
        assert catalogue.stats().cache_problem is None
        await say(admin, "ACL SETUSER mover -hset")
        saved = await catalogue.save(replace(added, year=1999))
        problem = catalogue.stats().cache_problem
        assert problem is not None
        assert "may not run HSET. Allow it: ACL SETUSER mover ~rc:* +hset" in problem
        assert (await catalogue.read(saved.id)).movie == saved
        await say(admin, line_of(problem))
        await until(lambda: catalogue.stats().cache_problem is None)
        assert (await catalogue.get(saved.id)).year == 1999
