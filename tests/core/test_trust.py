"""Who may believe the cache, and when: two copies of the program on one store, one of them cut off from Redis."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.agreement import LEASE
from core.cache.keys import Key, Namespace
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, OutcomeUnknown
from core.stores.base import Changed
from core.stores.postgres import PostgresStore
from core.trust import SUSPENSION, Doubt, Trust
from tests.core.cache.servers import OwnRedis
from tests.core.waiting import until

KEY = Key("movie", "Q1")


class Copy:
    """One copy of the program, as far as trust goes: its way to Redis is a symbolic link of its own."""

    def __init__(self, folder: Path, name: str, server: OwnRedis, postgres_url: str, *, strict: bool = True) -> None:
        self._way = folder / f"{name}.sock"
        self._server = server
        self._way.symlink_to(server.socket)
        self.cache = RedisCache(f"unix://{self._way}", Namespace("test", "p"), soft_ttl=60, hard_ttl=600, budget=5)
        self.store = PostgresStore(postgres_url)
        self.trust = Trust(self.store, self.cache, strict=strict)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def doubt(self) -> Doubt | None:
        """What readers are told at this moment, by the short way and by the long one alike."""
        trust = self.trust
        clock, now = trust._clock, trust._clock()
        trust._clock = lambda: now
        doubt = trust.doubt()
        assert trust.believed(now) == (doubt is None)
        trust._clock = clock
        return doubt

    async def start(self) -> None:
        await self.cache.open()
        await self.store.open()
        self._tasks = [asyncio.create_task(self.trust.run()), asyncio.create_task(self.store.follow(_applied))]
        await until(lambda: self.doubt is None)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.cache.close()
        await self.store.close()

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Redis answers everybody but this copy."""
        self._way.unlink()
        self.cache.breaker.trip("cut off by the test")
        self.cache._link._recover_when_open()
        try:
            yield
        finally:
            self._way.symlink_to(self._server.socket)

    async def put(self, version: int, payload: bytes) -> None:
        token = f"put{version}"
        await self.cache.acquire(KEY, token, 60, refresh=True)
        assert await self.cache.fill(KEY, token, version, payload) == "set"


async def fastest(copy: Copy) -> float:
    """Seconds that the fastest of some debts took: any may have had to wait for the machine."""
    took = []
    for version in range(2, 7):
        started = time.monotonic()
        await copy.trust.owe(KEY, version, "w")
        took.append(time.monotonic() - started)
    return min(took)


async def _applied(changes: object) -> None:
    """Nothing to carry in."""


Join = Callable[..., Awaitable[Copy]]


@pytest.fixture
async def join(own_redis: OwnRedis, postgres_url: str, state_dir: Path) -> AsyncIterator[Join]:
    """Starts copies on one Redis and one store."""
    copies: list[Copy] = []

    async def started(name: str, *, strict: bool = True) -> Copy:
        copies.append(Copy(state_dir, name, own_redis, postgres_url, strict=strict))
        await copies[-1].start()
        return copies[-1]

    yield started
    for copy in copies:
        await copy.stop()


@pytest.fixture
async def own_redis() -> AsyncIterator[OwnRedis]:
    """A server that the test may stop and give old data."""
    async with OwnRedis() as server:
        yield server


async def test_who_cannot_tell_redis_acknowledges_when_nobody_believes_it(join: Join) -> None:
    writer, reader = await join("writer"), await join("reader")
    await writer.put(1, b"old")
    with writer.cut_off():
        assert reader.doubt is None
        await writer.trust.owe(KEY, 2, "w")
        assert reader.doubt is not None
        # At first it may be only that its last look has run out.
        await until(lambda: reader.doubt and "another copy of the program cannot reach Redis" in reader.doubt.reason)
        doubt = reader.doubt
        assert doubt is not None
        assert not doubt.store_away
        assert writer.doubt is not None
        assert await fastest(writer) < LEASE / 2, "nobody believes it still: there is nothing to wait for"
    await until(lambda: writer.doubt is None and reader.doubt is None)
    assert await reader.cache.get(KEY) is None


async def test_a_suspension_that_ended_by_itself_is_renewed_before_anything_is_acknowledged(join: Join) -> None:
    writer, reader = await join("writer"), await join("reader")
    with writer.cut_off():
        await writer.trust.owe(KEY, 2, "w")
        writer._tasks[0].cancel()  # its looks at the store, which renew it, are held up
        await reader.store.resume(writer.trust._holder)
        writer.trust._clock = lambda: time.monotonic() + SUSPENSION / 2 + 1
        await writer.trust.owe(KEY, 3, "w")
        assert (await reader.store.standing()).suspended == 1
        assert reader.doubt is not None


async def test_what_can_be_told_after_all_is_acknowledged_at_once(join: Join) -> None:
    writer, reader = await join("writer"), await join("reader")
    await writer.put(1, b"old")
    assert await fastest(writer) < LEASE
    assert await reader.cache.get(KEY) is None


async def test_bounded_mode_neither_waits_nor_suspends(join: Join) -> None:
    writer, reader = await join("writer", strict=False), await join("reader", strict=False)
    await writer.put(1, b"old")
    with writer.cut_off():
        assert await fastest(writer) < LEASE / 2
        assert writer.doubt is not None
        assert (await reader.store.standing()).suspended == 0
        assert reader.doubt is None
    await until(lambda: writer.doubt is None)
    assert await reader.cache.get(KEY) is None


async def test_a_write_that_neither_redis_nor_the_store_can_be_told_of_is_not_acknowledged(join: Join) -> None:
    writer = await join("writer")
    with writer.cut_off():
        await writer.store.close()
        with pytest.raises(OutcomeUnknown, match="the change was stored"):
            await writer.trust.owe(KEY, 2, "w")
        await until(lambda: writer.doubt is not None)
        await writer.store.open()
    await until(lambda: writer.doubt is None)


async def test_without_the_store_the_last_known_state_is_all_there_is(join: Join) -> None:
    copy = await join("copy")
    await copy.store.close()
    # At first it may be only that the last look has run out.
    await until(lambda: copy.doubt and copy.doubt.store_away)
    await copy.store.open()
    await until(lambda: copy.doubt is None)


@asynccontextmanager
async def redis_from(dump: Path, socket: Path) -> AsyncIterator[OwnRedis]:
    """A server on a dump, found at another one's socket."""
    server = OwnRedis("--dbfilename", "dump.rdb")
    shutil.copy(dump, server.socket.parent / "dump.rdb")
    async with server:
        _point(socket, server)
        yield server


def _point(socket: Path, server: OwnRedis) -> None:
    socket.unlink(missing_ok=True)
    socket.symlink_to(server.socket)


async def test_an_old_dump_is_flushed_before_anybody_believes_it(join: Join, own_redis: OwnRedis) -> None:
    copy = await join("copy")
    await copy.put(1, b"old")
    client = Redis.from_url(own_redis.url)
    await client.save()
    await client.aclose()
    assert await copy.cache.invalidate(KEY, 2) == "dropped"
    await own_redis.stop()
    async with redis_from(own_redis.socket.parent / "dump.rdb", own_redis.socket):
        seen: list[object] = []

        async def watch() -> None:
            while True:
                if copy.doubt is None:
                    with suppress(CacheUnavailable):
                        seen.append(await copy.cache.get(KEY))
                await asyncio.sleep(0)

        before = copy.cache.greetings
        watching = asyncio.create_task(watch())
        await until(lambda: copy.cache.greetings > before and copy.doubt is None and bool(seen))
        watching.cancel()
        results = await asyncio.gather(watching, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert set(seen) == {None}


async def test_after_an_outage_nobody_believes_before_the_changes_meanwhile_were_carried_in(
    join: Join, own_redis: OwnRedis
) -> None:
    copy = await join("copy")
    for task in copy._tasks[1:]:
        task.cancel()  # nobody follows
    await asyncio.gather(*copy._tasks[1:], return_exceptions=True)
    with copy.cut_off():
        await copy.store._connections.written(_edit_behind_the_back)
    await copy.cache.answering()
    carried: list[Changed] = []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def apply(changes: object) -> None:
        entered.set()
        await leave.wait()
        carried.extend(changes)  # type: ignore[arg-type]  # what follow hands out

    copy._tasks.append(asyncio.create_task(copy.store.follow(apply)))
    await entered.wait()
    assert copy.doubt is not None
    leave.set()
    await until(lambda: copy.doubt is None)
    assert [change.id for change in carried] == ["Q9"]


async def _edit_behind_the_back(connection: object) -> None:
    await connection.execute("insert into reelcache.movies (id, title) values ('Q9', 'Behind the back')")  # type: ignore[attr-defined]  # psycopg's
