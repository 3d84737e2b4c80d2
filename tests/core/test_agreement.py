"""Which Redis is the cache, where copies of the program have one each: one at a time is believed, and nothing older."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from core import Catalogue, Settings, open_catalogue, replace
from core.agreement import CLAIMING, LEASE, TURN, Agreement, Name, name_in
from core.cache.keys import Namespace
from core.cache.redis import RedisCache
from core.stores.base import Standing, Store
from core.stores.postgres import PostgresStore
from tests.core.cache.servers import OwnRedis
from tests.core.movies import movie
from tests.core.waiting import until


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next moment at which anything is to happen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own
            self.now = max(self.now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class World:
    """Copies that come and go, on Redises that fail over, before a store that is slow now and then."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.named: str | None = None
        self.lives = ["r0"]
        self.believing: dict[object, Callable[[], str | None]] = {}
        self.flushed = 0
        self.looks = 0

    async def delay(self) -> None:
        """What a call takes: mostly little, sometimes more than a lease."""
        await asyncio.sleep(self.dice.choice((0.0, 0.002, 0.05, 0.4, self.dice.uniform(0, 2 * LEASE))))

    async def standing(self) -> Standing:
        await self.delay()
        seen = Standing(0, cache=self.named)
        await self.delay()
        return seen

    async def name_cache(self, before: str | None, after: str) -> bool:
        await self.delay()
        took = self.named == before
        if took:
            self.named = after
        await self.delay()
        return took

    def believed(self) -> set[str]:
        """The lives that somebody believes just now."""
        return {under.split(" ")[0] for believed in self.believing.values() if (under := believed()) is not None}

    def check(self) -> None:
        """No two copies believe two Redises."""
        lives = self.believed()
        assert len(lives) <= 1, lives
        self.looks += len(lives)

    async def copy(self) -> None:
        """One copy of the program, from its start to its end."""
        cache = RedisCache("redis://h", Namespace("test", "p"), soft_ttl=1, hard_ttl=1)
        cache._link.life = self.dice.choice(self.lives[-2:])
        agreement = Agreement(cast(Store, self), cache, asyncio.get_running_loop().time)
        vouched = False
        self.believing[agreement] = lambda: agreement.under(lease=True) if vouched else None
        try:
            for _ in range(self.dice.randrange(5, 60)):
                began = asyncio.get_running_loop().time()
                if not agreement.looked(began, (await self.standing()).cache):
                    vouched = False
                if self.dice.random() < 0.2:
                    # Found anew: mostly where the cache is, sometimes the one of before, which lives on.
                    life = self.dice.choice((self.lives[-1], self.lives[-1], self.lives[max(0, len(self.lives) - 2)]))
                    vouched &= life == cache.life
                    cache._link.life = life
                if not vouched:
                    step = await agreement.step()
                    if step == "flush":
                        before = self.believed()
                        await self.delay()
                        vouched = await agreement.confirm()
                        # From the flush on it was filled with what was true then: nobody may have believed another.
                        assert not vouched or before <= {cache.life}
                        self.flushed += vouched
                    elif step == "settle":
                        await self.delay()
                        vouched = agreement.under(lease=False) is not None
                self.check()
                await asyncio.sleep(0.3)
                self.check()
        finally:
            del self.believing[agreement]

    async def run(self) -> None:
        """A minute."""
        loop = asyncio.get_running_loop()
        copies = [asyncio.create_task(self.copy()) for _ in range(3)]
        while loop.time() < 60:
            await asyncio.sleep(self.dice.uniform(0, 0.2))
            self.check()
            if self.dice.random() < 0.02:
                self.lives.append(f"r{len(self.lives)}")
            for n, task in enumerate(copies):
                if task.done() or self.dice.random() < 0.005:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    if not task.cancelled():
                        task.result()
                    copies[n] = asyncio.create_task(self.copy())
        for task in copies:
            task.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


def test_no_two_copies_ever_believe_two_redises() -> None:
    """Whatever is slow, whoever dies, and however often Redis fails over."""
    believed = flushed = 0
    for seed in range(30):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            world = World(seed)
            runner.run(world.run())
            believed += world.looks
            flushed += world.flushed
    assert believed > 5_000
    assert flushed > 100


class Copy:
    """The agreement of one copy, on a Redis and a clock of its own."""

    def __init__(self, store: PostgresStore, cache: RedisCache) -> None:
        self.store = store
        self.cache = cache
        self.now = 0.0
        self.agreement = Agreement(store, cache, lambda: self.now)

    async def look(self, later: float = 0.0) -> bool:
        """Some seconds later, look at the store."""
        self.now += later
        return self.agreement.looked(self.now, (await self.store.standing()).cache)

    async def have_it(self) -> str:
        """Make this one's Redis the cache."""
        await self.look()
        step = await self.agreement.step()
        if step == "no":
            assert (await self.agreement.step()) == "no", "others may still believe the one before"
            await self.look(LEASE)
            step = await self.agreement.step()
        assert step == "flush"
        assert await self.agreement.confirm()
        under = self.agreement.under(lease=True)
        assert under is not None
        return under


@asynccontextmanager
async def copy_on(redis: OwnRedis, store: PostgresStore, place: str = "") -> AsyncIterator[Copy]:
    """A copy that has greeted this Redis."""
    cache = RedisCache(redis.url, Namespace("test", "p"), soft_ttl=60, hard_ttl=600, budget=5, place=place)
    await cache.open()
    yield Copy(store, cache)
    await cache.close()


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


async def test_who_finds_another_redis_named_believes_its_own_no_more(store: PostgresStore) -> None:
    async with (
        OwnRedis() as first,
        OwnRedis() as second,
        copy_on(first, store) as here,
        copy_on(second, store) as there,
        copy_on(second, store) as beside,
    ):
        under = await here.have_it()
        await here.look(LEASE / 2)
        assert here.agreement.under(lease=True) == under
        here.now += LEASE
        assert here.agreement.under(lease=True) is None, "the last look has run out"
        assert here.agreement.under(lease=False) == under
        assert await here.look()

        # The other claims: from its look on, nobody believes anything, until the claim is ready.
        await there.look()
        assert await there.agreement.step() == "no"
        assert not await here.look()
        assert here.agreement.under(lease=False) is None
        await beside.look()
        assert await beside.agreement.step() == "no"
        assert "making sure" in beside.agreement.problem
        await there.look(LEASE)
        assert await there.agreement.step() == "flush"
        assert await there.agreement.confirm()
        await beside.look()
        assert await beside.agreement.step() == "settle"
        assert beside.agreement.under(lease=True) == there.agreement.under(lease=True) is not None

        # It gives way for a while, looks whether the cache is elsewhere by now, and then claims it back.
        greetings = here.cache.greetings
        await here.look()
        assert await here.agreement.step() == "no"
        assert "give all copies the same redis_url" in here.agreement.problem
        assert here.cache.breaker.problem == here.agreement.problem
        await until(lambda: here.cache.greetings > greetings and here.cache.breaker.state == "closed")
        assert await here.agreement.step() == "no"
        await here.look(TURN)
        assert await here.have_it() != under
        assert not await there.look()
        assert not await beside.look()


async def test_a_claim_that_was_left_behind_is_taken_over(store: PostgresStore) -> None:
    async with OwnRedis() as first, OwnRedis() as second, copy_on(first, store) as here:
        await here.have_it()
        async with copy_on(second, store) as dying, copy_on(second, store) as there:
            await dying.look()
            assert await dying.agreement.step() == "no"
            await there.look()
            assert await there.agreement.step() == "no"
            await there.look(CLAIMING / 2)
            assert await there.agreement.step() == "no"
            await there.look(CLAIMING / 2)
            await there.have_it()
            assert not await dying.agreement.confirm()
            assert dying.agreement.under(lease=False) is None


async def test_a_server_in_the_place_of_a_dead_one_is_the_cache_at_once(store: PostgresStore) -> None:
    async with OwnRedis() as redis:
        async with copy_on(redis, store, place="here") as before:
            await before.have_it()
        await redis.stop()
        await redis.start()
        async with copy_on(redis, store, place="elsewhere") as other:
            await other.look()
            assert await other.agreement.step() == "no"
        named = name_in((await store.standing()).cache)
        assert named is not None
        assert not named.ready
        await store.name_cache(str(named), str(Name("gone", "x", True, "here")))
        async with copy_on(redis, store, place="here") as after:
            await after.look()
            assert await after.agreement.step() == "flush"
            assert await after.agreement.confirm()


def test_a_text_of_another_form_names_a_server_that_nobody_knows() -> None:
    assert name_in(None) is None
    for text in ("", "57a0", "57a0 1", "a b c d e"):
        name = name_in(text)
        assert name is not None
        assert name.ready
        assert name_in(str(name)) == name


async def test_two_copies_with_a_redis_each_never_show_the_past(postgres_url: str, tmp_path: Path) -> None:
    async with OwnRedis() as first, OwnRedis() as second, AsyncExitStack() as stack:

        async def opened(redis: OwnRedis) -> Catalogue:
            settings = Settings(redis_url=redis.url, postgres_url=postgres_url, state_dir=tmp_path, near_cache=True)
            return await stack.enter_async_context(open_catalogue(settings))

        async def both_believe() -> None:
            while True:
                assert here._binding.trust.doubt() is not None or there._binding.trust.doubt() is not None
                await asyncio.sleep(0)

        here = await opened(first)
        film = await here.add(movie(1))
        await until(lambda: here.stats().doubt is None)
        while (await here.read("Q1")).tier == "store":
            await asyncio.sleep(0.01)
        there = await opened(second)
        watching = asyncio.create_task(both_believe())
        for number in range(20):
            writer, reader = (here, there) if number % 2 else (there, here)
            film = await writer.save(replace(film, runtime=number + 1))
            assert await reader.get("Q1") == film
            assert await writer.get("Q1") == film
            assert await reader.get("Q1") == film
        # Not so while one of them is just taking the name back from the other.
        await until(lambda: "give all copies the same redis_url" in f"{here.stats().doubt} {there.stats().doubt}")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert watching.cancelled()
