"""The race catalogue on a real Redis: each schedule that makes a plain cache lie, laid out step by step."""

from __future__ import annotations

import asyncio
import random
import secrets

from redis.asyncio import Redis

from core.cache.keys import Key, Namespace
from core.cache.redis import RedisCache
from tests.core.cache.conftest import SPACE

KEY = Key("movie", "Q1")
OTHER = Key("movie", "Q2")


async def shown(cache: RedisCache, key: Key = KEY) -> bytes | None:
    entry = await cache.get(key)
    return None if entry is None else entry.payload


async def put(cache: RedisCache, version: int, payload: bytes, key: Key = KEY) -> None:
    await cache.acquire(key, "put", 60, refresh=True)
    assert await cache.fill(key, "put", version, payload) == "set"


async def test_r1_stale_set(cache: RedisCache) -> None:
    assert (await cache.acquire(KEY, "reader", 60)).verdict == "token"
    await cache.begin([KEY], "writer", 60)
    assert await cache.finish("writer", [(KEY, 2, None)]) == ["dropped"]
    assert await cache.fill(KEY, "reader", 1, b"old") == "lease_lost"
    assert await shown(cache) is None


async def test_r1_stale_set_against_a_relayed_invalidation(cache: RedisCache) -> None:
    await cache.acquire(KEY, "reader", 60)
    assert await cache.invalidate(KEY, 2) == "absent"
    assert await cache.fill(KEY, "reader", 1, b"old") == "lease_lost"


async def test_r2_snapshot_race(cache: RedisCache) -> None:
    await put(cache, 1, b"old")
    await cache.begin([KEY], "writer", 60)
    # Not committed yet: a reader that begins now would load the old row.
    assert (await cache.acquire(KEY, "reader", 60)).verdict == "writing"
    assert await cache.finish("writer", [(KEY, 2, b"new")]) == ["set"]
    assert await cache.fill(KEY, "reader", 1, b"old") == "lease_lost"
    assert await shown(cache) == b"new"


async def test_r3_reordered_puts(cache: RedisCache) -> None:
    await cache.begin([KEY], "two", 60)
    await cache.begin([KEY], "three", 60)
    assert await cache.finish("three", [(KEY, 3, b"three")]) == ["contended"]
    assert await cache.finish("two", [(KEY, 2, b"two")]) == ["contended"]
    assert await shown(cache) is None
    await put(cache, 3, b"three")
    await cache.begin([KEY], "two", 60, hide=False)
    assert await cache.finish("two", [(KEY, 2, b"two")]) == ["newer"]
    assert await shown(cache) == b"three"


async def test_r4_eviction_amnesia(cache: RedisCache, client: Redis) -> None:
    await put(cache, 3, b"three")
    await client.delete(SPACE.entry_key(KEY), SPACE.gate_key(KEY))
    assert await cache.finish("two", [(KEY, 2, b"two")]) == ["token_lost"]
    assert await cache.fill(KEY, "reader", 1, b"one") == "lease_lost"
    assert await shown(cache) is None


async def test_r5_a_writer_that_vanished_blocks_nobody_for_ever(cache: RedisCache) -> None:
    await put(cache, 1, b"old")
    await cache.begin([KEY], "vanished", 0, hide=False)
    assert await cache.finish("vanished", [(KEY, 2, b"two")]) == ["token_lost"]
    assert await shown(cache) is None
    assert (await cache.acquire(KEY, "reader", 60)).verdict == "token"
    # That load began after the last finish: the floor lets it in from version 2 on.
    assert await cache.fill(KEY, "reader", 1, b"old") == "below_floor"


async def test_several_keys_travel_together(cache: RedisCache) -> None:
    await cache.begin([KEY, OTHER], "w", 60)
    assert await cache.finish("w", [(KEY, 1, b"a"), (OTHER, 1, None)]) == ["set", "dropped"]
    assert [one and one.payload for one in await cache.get_many([OTHER, KEY])] == [None, b"a"]
    assert await cache.get_many([]) == []
    assert await cache.acquire_many([], "t", 1) == []
    await cache.begin([], "w", 1)


async def test_flush_removes_one_namespace_and_voids_its_tokens(cache: RedisCache, client: Redis) -> None:
    other = cache.with_namespace(Namespace("test", "mongodb"))
    keys = [Key("movie", str(number)) for number in range(1200)]
    for space in (cache, other):
        await space.begin(keys, "w", 60)
        await space.finish("w", [(key, 1, b"x") for key in keys])
        await space.acquire(KEY, "reader", 60)
    await cache.begin([OTHER], "writer", 60)
    assert await cache.flush() == 1200
    assert await cache.get_many(keys) == [None] * 1200
    assert None not in await other.get_many(keys)
    assert await cache.fill(KEY, "reader", 1, b"old") == "lease_lost"
    assert await cache.finish("writer", [(OTHER, 2, b"two")]) == ["token_lost"]
    assert await other.fill(KEY, "reader", 1, b"mine") == "set"
    assert await cache.flush() == 0


async def test_namespaces_do_not_see_each_other(cache: RedisCache) -> None:
    await put(cache, 1, b"old epoch")
    newer = cache.with_namespace(Namespace(SPACE.name, SPACE.store, SPACE.epoch + 1))
    assert await newer.get(KEY) is None
    assert newer.breaker is cache.breaker


async def test_server_tells_its_figures(cache: RedisCache) -> None:
    await put(cache, 1, b"x")
    info = await cache.server()
    assert info.version.startswith("8.")
    assert info.used_memory > 0
    assert info.keys >= 1
    assert info.clients >= 1


async def test_cancelled_calls_leave_no_wrong_answers(cache: RedisCache) -> None:
    """Hundreds of calls are cancelled in flight; no cancellation is lost, and every other answer is its own."""
    keys = [Key("movie", str(number)) for number in range(64)]
    await cache.begin(keys, "w", 60)
    await cache.finish("w", [(key, 1, key.id.encode()) for key in keys])
    draw = random.Random(7)
    cancelled = right = 0
    asked: set[asyncio.Task[object]] = set()

    def cancel(task: asyncio.Task[object]) -> None:
        if task.cancel():
            asked.add(task)

    async def one(key: Key) -> bytes | None:
        return await shown(cache, key)

    async def several(chosen: list[Key]) -> list[bytes]:
        return [entry.payload for entry in await cache.get_many(chosen) if entry is not None]

    async def written(key: Key) -> bytes | None:
        await cache.abort([key], secrets.token_hex(4))
        return await shown(cache, key)

    for _ in range(1_000):
        if min(cancelled, right) >= 200:
            break
        calls: list[tuple[object, asyncio.Task[object]]] = []
        for key in draw.sample(keys, 24):
            chosen = draw.sample(keys, 3)
            calls += [
                (key.id.encode(), asyncio.create_task(one(key))),
                ([other.id.encode() for other in chosen], asyncio.create_task(several(chosen))),
                (key.id.encode(), asyncio.create_task(written(key))),
            ]
        for _, task in draw.sample(calls, 24):
            asyncio.get_running_loop().call_later(draw.random() * 0.01, cancel, task)
        results = await asyncio.gather(*(task for _, task in calls), return_exceptions=True)
        for (expected, task), result in zip(calls, results, strict=True):
            if task in asked:
                assert task.cancelled()
                cancelled += 1
            else:
                assert result == expected
                right += 1
    # The faster the server, the fewer of them are still in flight.
    assert min(cancelled, right) >= 200


async def test_readers_and_writers_at_once_never_see_the_past(cache: RedisCache, client: Redis) -> None:
    """24 clients on 6 keys of a store of their own, with entries and gates lost at random."""
    store = {Key("movie", str(number)): 1 for number in range(6)}
    keys = list(store)
    acknowledged = dict(store)
    locks = {key: asyncio.Lock() for key in store}
    draw = random.Random(11)
    over = asyncio.Event()
    hits = 0
    verdicts: set[str] = set()

    async def pause() -> None:
        await asyncio.sleep(draw.random() * 0.002)

    async def read(key: Key) -> None:
        nonlocal hits
        least = acknowledged[key]
        entry = await cache.get(key)
        token = secrets.token_hex(8)
        if entry is None:
            acquired = await cache.acquire(key, token, 0.02)
            verdicts.add(acquired.verdict)
            entry = acquired.entry
            if entry is None:
                await pause()
                version = store[key]
                await pause()
                if acquired.verdict == "token":
                    verdicts.add(await cache.fill(key, token, version, b"%d" % version))
                return
        hits += 1
        assert entry.version >= least, "a read returned what was known to be outdated"

    async def write(key: Key) -> None:
        token = secrets.token_hex(8)
        if draw.random() < 0.95:
            await cache.begin([key], token, 5)
        async with locks[key]:
            await pause()
            store[key] += 1
            version = store[key]
        await pause()
        payload = b"%d" % version if draw.random() < 0.7 else None
        verdicts.add((await cache.finish(token, [(key, version, payload)]))[0])
        acknowledged[key] = max(acknowledged[key], version)

    async def client_of_the_cache() -> None:
        for _ in range(80):
            key = draw.choice(keys)
            await (write(key) if draw.random() < 0.1 else read(key))

    async def chaos() -> None:
        while not over.is_set():
            key = draw.choice(keys)
            await client.delete(SPACE.gate_key(key) if draw.random() < 0.15 else SPACE.entry_key(key))
            await pause()

    disorder = asyncio.create_task(chaos())
    await asyncio.gather(*(client_of_the_cache() for _ in range(24)))
    over.set()
    await disorder
    for key, version in store.items():
        entry = await cache.get(key)
        assert entry is None or (entry.version, entry.payload) == (version, b"%d" % version)
        token = secrets.token_hex(8)
        if entry is None:
            assert (await cache.acquire(key, token, 5)).verdict == "token", "a cache that refuses everything"
    assert hits > 50
    assert {"token", "set", "lease_lost", "writing", "contended"} <= verdicts
