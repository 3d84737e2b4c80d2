"""Redis refused, frozen, restarted, full, wrong: every call fails fast and in words, and the cache comes back alone."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from core.cache.keys import Key
from core.cache.lane import Lane
from core.cache.lanes import Lanes
from core.cache.pooled import Pooled
from core.cache.redis import RedisCache
from core.cache.scripts import ALL
from core.errors import CacheUnavailable
from tests.core.cache.conftest import SPACE
from tests.core.cache.servers import OwnRedis
from tests.core.waiting import until

KEY = Key("movie", "Q1")
BUDGET = 0.1
SLACK = 0.4
"""What a busy machine may add to the time of a call."""

VERBS: list[Callable[[RedisCache], Awaitable[object]]] = [
    lambda cache: cache.get(KEY),
    lambda cache: cache.get_many([KEY, KEY]),
    lambda cache: cache.acquire(KEY, "t", 1),
    lambda cache: cache.acquire_many([KEY], "t", 1),
    lambda cache: cache.fill(KEY, "t", 1, b"x"),
    lambda cache: cache.begin([KEY], "t", 1),
    lambda cache: cache.finish("t", [(KEY, 1, b"x"), (KEY, 1, None)]),
    lambda cache: cache.abort([KEY], "t"),
    lambda cache: cache.invalidate(KEY, 1),
    lambda cache: cache.flush(),
    lambda cache: cache.server(),
]


def new_cache(url: str, budget: float = BUDGET) -> RedisCache:
    return RedisCache(url, SPACE, soft_ttl=60, hard_ttl=600, budget=budget)


@pytest.fixture(params=["lanes", "pooled"])
def url(own_redis: OwnRedis, request: pytest.FixtureRequest) -> str:
    """Either way to the server: by our own lanes, and by redis-py."""
    return own_redis.url + ("?client_name=pooled" if request.param == "pooled" else "")


@pytest.fixture
async def own_cache(url: str) -> AsyncIterator[RedisCache]:
    """A cache whose calls are soon late."""
    async with opened(url, BUDGET) as cache:
        yield cache


@pytest.fixture
async def patient_cache(url: str) -> AsyncIterator[RedisCache]:
    """A cache for what is not about time: no call of it is late on a busy machine."""
    async with opened(url, 5) as cache:
        yield cache


@asynccontextmanager
async def opened(url: str, budget: float) -> AsyncIterator[RedisCache]:
    cache = new_cache(url, budget)
    await cache.open()
    assert cache.breaker.problem is None
    yield cache
    await cache.close()


async def closed(cache: RedisCache) -> None:
    """Wait until the breaker is closed. The next probe of a server that can answer is never further than a second."""
    assert cache.breaker.wait <= 1
    await until(lambda: cache.breaker.state == "closed")


async def fastest(cache: RedisCache) -> float:
    """Seconds that the fastest of some refused calls took: any may have had to wait for the machine."""
    took = []
    for _ in range(20):
        start = time.perf_counter()
        with pytest.raises(CacheUnavailable):
            await cache.get(KEY)
        took.append(time.perf_counter() - start)
    return min(took)


async def test_open_succeeds_without_a_server_and_every_verb_says_why(tmp_path: object) -> None:
    cache = new_cache(f"unix://{tmp_path}/none.sock")
    await cache.open()
    assert cache.breaker.state != "closed"
    for verb in VERBS:
        with pytest.raises(CacheUnavailable, match="nobody listens at unix://") as caught:
            await verb(cache)
        assert caught.value.server == "Redis"
    await cache.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_without_a_server_opens_the_breaker_at_once(host: str) -> None:
    cache = new_cache(f"redis://user:hidden@{host}:1/0")
    await cache.open()
    with pytest.raises(CacheUnavailable, match=rf"nobody listens at redis://user:\*\*\*@{host}:1/0"):
        await cache.get(KEY)
    await cache.close()


async def test_a_socket_path_that_is_too_long_is_named_as_such() -> None:
    cache = new_cache(f"unix:///tmp/{'x' * 120}.sock")
    await cache.open()
    with pytest.raises(CacheUnavailable, match="path too long"):
        await cache.get(KEY)
    await cache.close()


async def test_a_refused_call_costs_no_time(tmp_path: object) -> None:
    cache = new_cache(f"unix://{tmp_path}/none.sock")
    await cache.open()
    assert await fastest(cache) < 0.001
    await cache.close()


async def test_a_server_that_appears_later_is_found(own_redis: OwnRedis) -> None:
    await own_redis.stop()
    cache = new_cache(own_redis.url, budget=5)
    await cache.open()
    assert cache.breaker.state != "closed"
    await own_redis.start()
    await closed(cache)
    assert await cache.get(KEY) is None
    await cache.close()


async def found_gone(cache: RedisCache) -> None:
    """The first call opens the breaker, or the second where redis-py did not see yet that its connection had ended."""
    for _ in range(2):
        with pytest.raises(CacheUnavailable):
            await cache.get(KEY)
        if cache.breaker.state != "closed" or cache._link.lanes is not None:
            break
    assert cache.breaker.state != "closed"


async def test_a_gone_socket_opens_the_breaker_at_once(own_redis: OwnRedis, patient_cache: RedisCache) -> None:
    await own_redis.stop()
    await found_gone(patient_cache)


async def test_a_restarted_server_serves_again_within_a_second(own_redis: OwnRedis, patient_cache: RedisCache) -> None:
    await patient_cache.acquire(KEY, "t", 5)
    for _ in range(3):
        await own_redis.stop()
        await found_gone(patient_cache)
        await own_redis.start()
        await closed(patient_cache)
        assert (await patient_cache.acquire(KEY, "t", 5)).verdict == "token"


async def test_a_frozen_server_costs_one_budget_a_call_then_nothing(own_redis: OwnRedis, own_cache: RedisCache) -> None:
    own_redis.pause()
    took = []
    for _ in range(5):
        assert own_cache.breaker.state == "closed"
        start = time.monotonic()
        with pytest.raises(CacheUnavailable, match=r"no answer .* within 100 ms"):
            await own_cache.get(KEY)
        took.append(time.monotonic() - start)
    assert BUDGET * 0.9 <= min(took) < BUDGET + SLACK
    assert own_cache.breaker.opened == 1
    assert await fastest(own_cache) < 0.001
    own_redis.resume()
    await closed(own_cache)
    assert await own_cache.get(KEY) is None


async def test_a_crowd_before_a_frozen_server_fails_within_one_budget(
    own_redis: OwnRedis, own_cache: RedisCache
) -> None:
    own_redis.pause()
    start = time.monotonic()
    results = await asyncio.gather(*(own_cache.get(KEY) for _ in range(200)), return_exceptions=True)
    # One after the other they would take 200 budgets; making 200 errors takes its time, too.
    assert time.monotonic() - start < 100 * BUDGET
    assert all(isinstance(result, CacheUnavailable) for result in results)
    assert own_cache.breaker.opened == 1


async def test_a_crowd_of_our_own_is_not_blamed_on_redis(own_redis: OwnRedis) -> None:
    """Lanes have room for everybody; a pool has not."""
    cache = new_cache(f"{own_redis.url}?client_name=pooled")
    await cache.open()
    wire = cache._link._wire
    assert isinstance(wire, Pooled)
    while not wire._slots.locked():
        await wire._slots.acquire()
    results = await asyncio.gather(*(cache.get(KEY) for _ in range(30)), return_exceptions=True)
    assert all("too many calls at once" in str(result) for result in results)
    assert cache.breaker.opened == 0
    await cache.close()


async def test_late_calls_beside_answered_ones_do_not_open_the_breaker(own_cache: RedisCache) -> None:
    link = own_cache._link
    slow = [asyncio.create_task(link.exchange([("BLPOP", "nothing", 60)])) for _ in range(8)]
    while not all(task.done() for task in slow):
        assert await own_cache.get(KEY) is None
    results = await asyncio.gather(*slow, return_exceptions=True)
    assert all("no answer" in str(result) for result in results)
    assert own_cache.breaker.opened == 0


async def test_late_replies_reach_nobody(own_redis: OwnRedis, patient_cache: RedisCache) -> None:
    cache = patient_cache
    keys = [Key("movie", str(number)) for number in range(30)]
    await cache.begin(keys, "w", 60)
    await cache.finish("w", [(key, 1, key.id.encode()) for key in keys])

    async def each_has_its_own() -> None:
        for key in keys:
            entry = await cache.get(key)
            assert entry is not None
            assert entry.payload == key.id.encode()

    await each_has_its_own()
    for _ in range(3):
        own_redis.pause()
        with hurried(cache):
            late = await asyncio.gather(*(cache.get(key) for key in keys), return_exceptions=True)
        assert all(isinstance(one, CacheUnavailable) for one in late)
        own_redis.resume()
        await closed(cache)
        await each_has_its_own()


@contextmanager
def hurried(cache: RedisCache) -> Iterator[None]:
    """Reads inside, on a connection that there is, have the short budget."""
    wire = cache._link._wire
    hurrying = wire._reads.lane if isinstance(wire, Lanes) else wire
    assert isinstance(hurrying, Lane | Pooled)
    if isinstance(hurrying, Lane) and hurrying._watchdog is not None:
        # It would look again when the long budget is over.
        hurrying._watchdog.cancel()
        hurrying._watchdog = None
    before, hurrying._budget = hurrying._budget, BUDGET
    yield
    hurrying._budget = before


async def test_a_stalled_event_loop_is_not_blamed_on_redis(own_cache: RedisCache) -> None:
    calls = [asyncio.create_task(own_cache.get(KEY)) for _ in range(10)]
    await asyncio.sleep(0)
    time.sleep(3 * BUDGET)  # noqa: ASYNC251  # the stall is what the test is about
    assert await asyncio.gather(*calls) == [None] * 10


async def test_a_server_restarted_between_two_calls_is_not_believed_before_it_was_greeted(
    own_redis: OwnRedis, patient_cache: RedisCache
) -> None:
    await patient_cache.acquire(KEY, "t", 60)
    await patient_cache.fill(KEY, "t", 1, b"old")
    before = (patient_cache.greetings, patient_cache.life)
    await own_redis.stop()
    await own_redis.start()
    for _ in range(3):
        with pytest.raises(CacheUnavailable, match=r"was restarted or replaced|lost"):
            await patient_cache.get(KEY)
    await closed(patient_cache)
    assert patient_cache.greetings == before[0] + 1
    assert patient_cache.life != before[1]
    assert await patient_cache.get(KEY) is None


async def test_another_server_at_the_same_address_is_noticed_by_the_next_connection(own_redis: OwnRedis) -> None:
    """The old server lives on: connections to it are dropped, as what they say is no longer the truth."""
    cache = new_cache(own_redis.url, budget=5)
    await cache.open()
    await cache.acquire(KEY, "t", 60)
    await cache.fill(KEY, "t", 1, b"of the old server")
    async with OwnRedis() as other:
        own_redis.socket.unlink()
        own_redis.socket.symlink_to(other.socket)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(refused(cache)) for _ in range(10)]
        assert any(call.result() for call in calls), "some call needed another connection"
        await closed(cache)
        assert await cache.get(KEY) is None
        await cache.close()


async def refused(cache: RedisCache) -> bool:
    """Whether a read was refused."""
    try:
        await cache.get(KEY)
    except CacheUnavailable:
        return True
    return False


async def test_closing_ends_a_probe_and_calls_under_way(own_redis: OwnRedis) -> None:
    cache = new_cache(own_redis.url, budget=30)
    await cache.open()
    own_redis.pause()
    calls = [asyncio.create_task(cache.get(KEY)), asyncio.create_task(cache.abort([KEY], "t"))]
    await asyncio.sleep(0)  # both pass the breaker
    cache.breaker.trip("lost.")
    cache._link._recover_when_open()
    await until(lambda: cache.breaker.state == "half-open")
    await cache.close()
    await cache.close()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, CacheUnavailable | asyncio.CancelledError) for result in results)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(CacheUnavailable):
        await cache.get(KEY)


async def test_scripts_lost_by_the_server_are_loaded_again(patient_cache: RedisCache) -> None:
    keys = [Key("movie", str(number)) for number in range(5)]
    await patient_cache._link.exchange([("SCRIPT", "FLUSH")])
    assert [one.verdict for one in await patient_cache.acquire_many(keys, "t", 5)] == ["token"] * 5
    await patient_cache._link.exchange([("SCRIPT", "FLUSH")])
    await patient_cache.begin(keys, "w", 5)
    await patient_cache._link.exchange([("SCRIPT", "FLUSH")])
    items = [(key, 1, b"x" if number % 2 else None) for number, key in enumerate(keys)]
    assert await patient_cache.finish("w", items) == ["dropped", "set", "dropped", "set", "dropped"]


async def test_r13_a_full_server_still_invalidates() -> None:
    async with OwnRedis("--maxmemory", "6mb", "--maxmemory-policy", "noeviction") as server:
        cache = new_cache(server.url, budget=5)
        await cache.open()
        kept, lost, written = (Key("movie", name) for name in ("kept", "lost", "written"))
        for key in (kept, lost, written):
            await cache.acquire(key, "t", 60)
            await cache.fill(key, "t", 1, b"old")
        await cache.acquire(KEY, "t", 60)
        number = 0
        while (await cache._link.exchange([("SET", f"ballast{number}", b"x" * 20_000)]))[0] == b"OK":
            number += 1
        # What it gives back by and by, such as its clients' buffers, must not make room again.
        await cache._link.exchange([("CONFIG", "SET", "maxmemory", "5mb")])
        with pytest.raises(CacheUnavailable, match="maxmemory"):
            await cache.fill(KEY, "t", 1, b"new")
        with pytest.raises(CacheUnavailable, match="maxmemory"):
            await cache.acquire(Key("movie", "other"), "t", 60)
        assert await cache.invalidate(lost, 2) == "dropped"
        await cache.begin([written], "w", 60)
        assert await cache.get_many([kept, lost, written]) == [await cache.get(kept), None, None]
        assert await cache.finish("w", [(written, 2, b"x" * 50_000)]) == ["dropped"]
        await cache.begin([kept], "w", 60)
        await cache.abort([kept], "w")
        assert await cache.get_many([kept, lost, written]) == [None] * 3
        # A full server is a healthy one: its refusals never open the breaker.
        assert cache.breaker.opened == 0
        assert (await cache.server()).max_memory == 5 * 1024 * 1024
        await cache.close()


async def test_a_wrong_password_is_named_and_never_shown() -> None:
    async with OwnRedis("--requirepass", "right-secret") as server:
        for url in (server.url, f"unix://:wrong-secret@{server.socket}"):
            cache = new_cache(url, budget=5)
            await cache.open()
            with pytest.raises(CacheUnavailable) as caught:
                await cache.get(KEY)
            assert "refused the login" in str(caught.value)
            assert "secret" not in f"{caught.value}{caught.value!r}{cache.address}{cache.breaker.problem}"
            await cache.close()
        cache = new_cache(f"unix://:right-secret@{server.socket}", budget=5)
        await cache.open()
        assert await cache.get(KEY) is None
        await cache.close()


async def test_a_read_only_replica_is_not_used(own_redis: OwnRedis, patient_cache: RedisCache) -> None:
    await patient_cache._link.exchange([("REPLICAOF", "127.0.0.1", "1")])
    cache = new_cache(own_redis.url, budget=5)
    await cache.open()
    with pytest.raises(CacheUnavailable, match="read-only replica"):
        await cache.get(KEY)
    with pytest.raises(CacheUnavailable, match="read-only replica"):
        await patient_cache.begin([KEY], "w", 5)
    assert patient_cache.breaker.state != "closed"
    await cache.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("unix:///x?bogus=1", "cannot be had with bogus. Leave that out of redis_url"),
        *(
            (url, "is no address of a Redis server. Correct redis_url")
            for url in (
                *("redis://host:port/0", "redis://[::1/0", "ftp://host", "unix:///x?db=one"),
                "redis+cluster://:half?a=password@host",
            )
        ),
    ],
)
async def test_an_address_that_means_nothing_is_a_problem_not_a_crash(url: str, said: str) -> None:
    cache = new_cache(url)
    await cache.open()
    with pytest.raises(CacheUnavailable, match=said) as caught:
        await cache.get(KEY)
    assert not {"half", "password"} & {*re.findall("[a-z]+", str(caught.value))}
    await cache.close()


async def test_what_is_wrong_is_kept_with_its_remedy(tmp_path: object) -> None:
    async with OwnRedis() as server:
        for url, reason, remedy in (
            (f"{server.url}?db=99", "has no database of that number", "Correct it in redis_url."),
            (f"unix://{tmp_path}/none.sock", "nobody listens", "Start the server or correct redis_url."),
            ("redis://no-such-host.invalid", "cannot be reached", "Check host and port in redis_url."),
        ):
            cache = new_cache(url, budget=30)  # a question for a host's name that was lost is asked again after 5 s
            await cache.open()
            assert cache.breaker.problem is not None
            assert reason in cache.breaker.problem
            assert cache.breaker.problem.endswith(remedy)
            await cache.close()


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"$-9\r\nno\r\n"])
async def test_a_server_of_another_kind_is_not_used(tmp_path: object, greeting: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)
        writer.close()
        await writer.wait_closed()

    path = f"{tmp_path}/other.sock"
    async with await asyncio.start_unix_server(serve, path):
        cache = new_cache(f"unix://{path}")
        await cache.open()
        with pytest.raises(CacheUnavailable):
            await cache.get(KEY)
        await cache.close()


async def test_an_old_server_is_refused_by_name(tmp_path: object) -> None:
    info = b"redis_version:6.2.7\r\nrole:master\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No word of RESP3 does it know.
        await reader.readuntil(b"INFO\r\n")
        writer.write(b"-ERR unknown command 'HELLO'\r\n$%d\r\n%b\r\n" % (len(info), info))
        await reader.readuntil(b"TIME\r\n")
        writer.write(
            b"+PONG\r\n$%d\r\n%b\r\n*2\r\n$1\r\n1\r\n$1\r\n1\r\n:0\r\n" % (len(info), info)
            + b"-ERR no\r\n" * (len(ALL) + 1)
        )
        await reader.read()
        writer.close()

    path = f"{tmp_path}/old.sock"
    async with await asyncio.start_unix_server(serve, path):
        cache = new_cache(f"unix://{path}", budget=5)
        await cache.open()
        with pytest.raises(CacheUnavailable, match=r"version 6\.2\.7"):
            await cache.get(KEY)
        await cache.close()
