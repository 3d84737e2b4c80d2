"""The near tier: what is kept here is what Redis has, in every race, or it is not served."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from core.cache import tracking
from core.cache.entry import unpack
from core.cache.keys import Key
from core.cache.near import Near, Slot
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable
from tests.core.cache.conftest import SPACE
from tests.core.cache.servers import OwnRedis
from tests.core.waiting import until

KEY = Key("movie", "Q1")


async def near_cache(url: str) -> RedisCache:
    cache = RedisCache(url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    await cache.use_near(True)
    assert cache.tracking.problem is None
    return cache


@pytest.fixture
async def caches(own_redis: OwnRedis) -> AsyncIterator[list[RedisCache]]:
    """Three copies of the program, each with a near tier."""
    async with AsyncExitStack() as stack:
        caches = [await near_cache(own_redis.url) for _ in range(3)]
        for cache in caches:
            stack.push_async_callback(cache.close)
        yield caches


@pytest.fixture
async def other(own_redis: OwnRedis) -> AsyncIterator[Redis]:
    client = Redis.from_url(own_redis.url, socket_timeout=None)
    yield client
    await client.aclose()


async def put(cache: RedisCache, version: int, key: Key = KEY) -> None:
    await cache.acquire(key, "put", 60, refresh=True)
    assert await cache.fill(key, "put", version, b"%d" % version) == "set"


def kept(cache: RedisCache, key: Key = KEY) -> int | None:
    """The version that a reader would be given from the near tier at this moment."""
    slot = cache.shelf(key.kind).get(key.id)
    if slot is None or slot.data is None or time.monotonic() >= cache.near.until:
        return None
    return unpack(slot.data).version


async def read(cache: RedisCache, key: Key = KEY) -> int | None:
    """A read as the strategies do it."""
    if (near := kept(cache, key)) is not None:
        return near
    entry = await cache.get(key, cache.shelf(key.kind))
    return None if entry is None else entry.version


async def test_a_change_by_anybody_takes_the_entry_away(caches: list[RedisCache], other: Redis) -> None:
    cache = caches[0]
    for change in (
        lambda: other.set(SPACE.entry_key(KEY), b"x"),
        lambda: other.delete(SPACE.entry_key(KEY)),
        lambda: other.flushall(),
        lambda: other.pexpire(SPACE.entry_key(KEY), 1),
        lambda: caches[1].invalidate(KEY, 9),
        lambda: cache.invalidate(KEY, 9),
    ):
        await other.flushall()
        await put(caches[2], 1)
        await until(lambda: cache.near.until > time.monotonic() and "Q1" not in cache.shelf("movie"))
        assert await read(cache) == 1
        assert kept(cache) == 1
        await change()
        await until(lambda: "Q1" not in cache.shelf("movie"))


async def test_when_a_strict_write_was_announced_no_near_tier_holds_the_state_before(caches: list[RedisCache]) -> None:
    """The moment that `begin` returns is the moment from which the store may show the next state."""
    draw = random.Random(2)
    served = 0
    for version in range(1, 300):
        await put(caches[0], version)
        await asyncio.gather(*(read(draw.choice(caches)) for _ in range(6)))
        served += sum(kept(cache) is not None for cache in caches)
        under_way = [asyncio.ensure_future(read(cache)) for cache in caches]
        writer = draw.choice(caches)
        await writer.begin([KEY], "w", 60)
        assert [kept(cache) for cache in caches] == [None] * 3
        assert [await read(cache) for cache in caches] == [None] * 3
        await asyncio.gather(*under_way)
        assert [kept(cache) for cache in caches] == [None] * 3
        await writer.finish("w", [(KEY, version, None)])
        await caches[0].invalidate(KEY, 0, force=True)
    assert served > 300


async def test_a_lost_announcement_is_made_good_at_the_end_of_the_write(caches: list[RedisCache], other: Redis) -> None:
    """The gate was evicted, so another copy filled the state before, and a third keeps it near."""
    for version in range(2, 80):
        await caches[0].begin([KEY], "w", 60)
        await other.delete(SPACE.gate_key(KEY))
        await put(caches[1], 1)
        assert await read(caches[2]) == 1
        await caches[0].finish("w", [(KEY, version, None)])
        assert [kept(cache) for cache in caches] == [None] * 3
        await other.delete(SPACE.gate_key(KEY))


async def test_4000_fills_and_writes_at_once_leave_nothing_stale(caches: list[RedisCache], other: Redis) -> None:
    draw = random.Random(4)
    keys = [Key("movie", f"k{number}") for number in range(8)]

    async def one(trial: int) -> None:
        key, cache = draw.choice(keys), draw.choice(caches)
        kind = draw.randrange(4)
        if kind == 0:
            await other.set(SPACE.entry_key(key), b"1V%016x%012x%08xm" % (trial, 0, 0))
        elif kind == 1:
            await other.delete(SPACE.entry_key(key))
        elif kind == 2:
            await cache.get_many(draw.sample(keys, 3), cache.shelf("movie"))
        else:
            await cache.get(key, cache.shelf("movie"))

    compared = 0
    for trial in range(0, 4000, 80):
        await asyncio.gather(*map(one, range(trial, trial + 80)))
        await caches[0].heard()
        await caches[1].heard()
        for key in keys:
            present = await other.get(SPACE.entry_key(key))
            for cache in caches:
                slot = cache.shelf("movie").get(key.id)
                # A copy that has not heard of it, as the machine stood still, shows nobody what it keeps.
                if slot is not None and time.monotonic() < cache.near.until:
                    assert slot.data == present, "the near tier shows what Redis has no more"
                    compared += 1
    assert compared > 0
    assert sum(len(cache.near) for cache in caches) > 0


async def test_a_lost_connection_empties_the_tier_and_it_comes_back(
    caches: list[RedisCache], other: Redis, own_redis: OwnRedis
) -> None:
    cache = caches[0]
    await put(cache, 1)
    for _ in range(3):
        assert await read(cache) == 1
        await until(lambda: cache.near.until > time.monotonic())
        for client in await other.client_list():
            if "t" in client["flags"]:
                await other.client_kill_filter(_id=client["id"])
        await until(lambda: not len(cache.near))
        await until(lambda: cache.near.until > time.monotonic())
    await own_redis.stop()
    await until(lambda: not cache.near.keeping)
    with pytest.raises(CacheUnavailable):
        await read(cache)
    await own_redis.start()
    await until(lambda: cache.breaker.state == "closed" and cache.near.until > time.monotonic())


async def test_a_silent_server_and_a_silent_copy_delay_but_never_lie(
    caches: list[RedisCache], own_redis: OwnRedis
) -> None:
    cache, writer = caches[:2]
    await put(cache, 1)
    assert await read(cache) == 1
    own_redis.pause()
    await asyncio.sleep(tracking.LEASE)
    assert kept(cache) is None
    own_redis.resume()
    await until(lambda: cache.near.until > time.monotonic())
    # A copy that stands still: its beats end, and the writer waits for its lease to run out.
    assert cache.tracking._task is not None
    cache.tracking._task.cancel()
    cache.near.keeping = True
    believed = cache.near.until = time.monotonic() + tracking.LEASE * 0.6
    await writer.begin([KEY], "w", 60)
    assert time.monotonic() >= believed - tracking.LEASE * 0.6
    assert kept(cache) is None


async def test_off_and_on_again(own_redis: OwnRedis) -> None:
    cache = await near_cache(own_redis.url)
    await put(cache, 1)
    assert await read(cache) == 1
    assert kept(cache) == 1
    await cache.use_near(False)
    assert kept(cache) is None
    assert await read(cache) == 1
    assert not len(cache.near)
    await cache.use_near(True)
    await read(cache)
    assert kept(cache) == 1
    await cache.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_why_nothing_is_kept_is_told(own_redis: OwnRedis, other: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = RedisCache(f"{own_redis.url}?client_name=x", SPACE, soft_ttl=60, hard_ttl=600)
    await pooled.open()
    await pooled.use_near(True)
    assert "redis-py" in str(pooled.tracking.problem)
    await pooled.close()

    monkeypatch.setattr(tracking, "TEST", 0.05)
    deaf = RedisCache(own_redis.url, SPACE, soft_ttl=60, hard_ttl=600)
    await deaf.open()
    monkeypatch.setattr(deaf._link, "_pushed", None)
    lanes = deaf._link.lanes
    assert lanes is not None
    lanes._reads._pushed = None
    await deaf.use_near(True)
    assert "does not push" in str(deaf.tracking.problem)
    assert not deaf.near.keeping
    await deaf.close()

    await other.execute_command("ACL SETUSER default -client|tracking")  # type: ignore[no-untyped-call]
    barred = RedisCache(own_redis.url, SPACE, soft_ttl=60, hard_ttl=600)
    await barred.open()
    await barred.use_near(True)
    assert "may not run CLIENT TRACKING" in str(barred.tracking.problem)
    assert await barred.get(KEY) is None
    await barred.close()


async def test_nobody_waits_where_nobody_else_keeps_anything(own_redis: OwnRedis, other: Redis) -> None:
    alone = await near_cache(own_redis.url)
    await alone.begin([KEY], "w", 60)  # the list is made
    calls = await other.info("commandstats")
    await alone.begin([KEY], "w", 60)
    after = await other.info("commandstats")
    assert after.get("cmdstat_hmget", {}) == calls.get("cmdstat_hmget", {})
    await alone.close()


def test_it_holds_no_more_than_it_may() -> None:
    near = Near(entries=100, size=1_000_000)
    shelf = near.shelf(SPACE, "movie")
    near.keeping = True
    for number in range(1000):
        shelf.keep(SPACE.entry_key(Key("movie", str(number))), b"x" * 10)
        if "5" in shelf:
            near.used(shelf["5"].name)
    assert len(near) == len(shelf) == 100
    assert "5" in shelf
    assert "999" in shelf
    assert near.evicted == 900
    near.put(Slot(shelf, SPACE.entry_key(Key("movie", "large")), "large", b""), 10_000_000)
    assert near.size <= 1_000_000
    near.clear()
    assert (len(near), len(shelf), near.size) == (0, 0, 0)
    near.keeping = False
    shelf.keep(SPACE.entry_key(KEY), b"x")
    assert not len(near)
