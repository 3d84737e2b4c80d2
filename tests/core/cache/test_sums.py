"""Sums of several copies: each count once, whatever is lost on the way, forgotten by Redis or put back from a dump."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from core.cache.redis import RedisCache
from core.cache.sums import Decaying, Own, Sums
from core.errors import CacheUnavailable
from tests.core.cache.conftest import SPACE
from tests.core.cache.servers import OwnRedis

DAY = 86_400.0


class Copy:
    """A copy that counts two things, the second by member; `weaken` breaks its way to Redis."""

    def __init__(self, cache: RedisCache) -> None:
        self.all: Counter[str] = Counter()
        self.untold: Counter[str] = Counter()
        self.sums = Sums(cache, "test", self._since, self._whole, [Decaying("members", DAY, 10)])

    def count(self, *members: str) -> None:
        self.all.update(members)
        self.untold.update(members)

    def _since(self) -> Own:
        told, self.untold = self.untold, Counter()
        return self._own(told)

    def _whole(self) -> Own:
        self.untold = Counter()
        return self._own(self.all)

    def _own(self, counts: Counter[str]) -> Own:
        return Own({"n": counts.total()}, ({member: float(times) for member, times in counts.items()},))


async def agree(*copies: Copy) -> None:
    """Each reports, and finds what all counted; within what decays in a test."""
    for copy in copies * 2:
        await copy.sums.report()
        assert copy.sums.problem is None
    expected = sum((copy.all for copy in copies), Counter[str]())
    for copy in copies:
        await copy.sums.report()
        together = copy.sums.together
        assert together is not None
        assert (together.fields, together.copies) == ({"n": expected.total()} if expected else {}, len(copies))
        found = await copy.sums.heaviest("members", 50)
        assert found is not None
        assert dict(found) == pytest.approx(dict(expected), rel=0.01)
        assert [count for _, count in found] == sorted((count for _, count in found), reverse=True)


async def test_every_count_is_told_once_whatever_happens(
    cache: RedisCache, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = Random(4)
    first, second = Copy(cache), Copy(cache)
    beside: Callable[..., Any] = cache.beside

    async def flaky(*calls: Any, **more: Any) -> Any:
        """Loses half of the calls, or of their answers."""
        if choose.random() < 0.25:
            raise CacheUnavailable("Redis", "lost on the way there")
        reply = await beside(*calls, **more)
        if choose.random() < 0.25:
            raise CacheUnavailable("Redis", "lost on the way back")
        return reply

    key = first.sums._keys[0]
    for turn in range(60):
        copy = choose.choice((first, second))
        copy.count(*choose.choices("abcde", k=choose.randrange(4)))
        with monkeypatch.context() as patched:
            patched.setattr(cache, "beside", flaky)
            await copy.sums.report()
        if turn % 20 == 7:
            dump = await client.dump(key) or b""
        match turn % 20:
            case 10:
                await client.delete(*choose.sample(first.sums._keys, 1))
            case 15:
                await client.flushdb()
            case 18:
                # A dump from before: what was told since is not in it.
                await client.restore(key, 0, dump, replace=True)
        if turn % 5 == 0:
            await agree(first, second)
    await agree(first, second)

    await second.sums.report(running=False)
    await first.sums.report()
    assert first.sums.together is not None
    assert first.sums.together.copies == 1
    assert first.sums.together.fields == {"n": (first.all + second.all).total()}
    ends = await client.execute_command("HPTTL", key, "FIELDS", 1, f"p:{first.sums._copy}")  # type: ignore[no-untyped-call]
    assert 0 < ends[0] <= 5000, "a copy that is killed is not counted for long"


async def test_a_user_who_may_not_end_fields_still_has_copies_end(own_redis: OwnRedis) -> None:
    cache = RedisCache(own_redis.url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    copy = Copy(cache)
    await agree(copy)
    key = copy.sums._keys[0]
    async with Redis.from_url(own_redis.url) as admin:
        await admin.execute_command("ACL SETUSER default -hpexpire")  # type: ignore[no-untyped-call]
        await admin.hset(key, mapping={"p:gone": 1, "p:other": 10**15})
        await copy.sums.report()
        assert copy.sums.together is not None
        assert copy.sums.together.copies == 2
        assert await admin.hget(key, "p:gone") is None
    await cache.close()


async def test_what_is_old_weighs_less_and_the_least_are_forgotten(cache: RedisCache, client: Redis) -> None:
    copy = Copy(cache)

    async def later(half_lives: int) -> None:
        """As though it had been so long since all that was counted: the landmark lies as much further back."""
        await client.hincrby(copy.sums._keys[0], "l1", round(-half_lives * DAY * 1000))

    await copy.sums.report()
    copy.count(*["early"] * 64)
    await copy.sums.report()
    await later(7)
    assert dict(await copy.sums.heaviest("members", 1) or ()) == pytest.approx({"early": 0.5}, rel=0.01)
    copy.count("late")
    await copy.sums.report()
    found = await copy.sums.heaviest("members", 2)
    assert [member for member, _ in found or ()] == ["late", "early"]

    # Seventy half-lives later the landmark moves, and what weighs nothing is gone.
    await later(70)
    copy.count("later")
    await copy.sums.report()
    found = await copy.sums.heaviest("members", 9)
    assert [member for member, _ in found or ()] == ["later"]

    copy.count(*(f"m{number}" for number in range(30)), *["heavy"] * 1000)
    await copy.sums.report()
    kept = await client.zrange(copy.sums._keys[1], 0, -1)
    assert len(kept) == 11
    assert b"heavy" in kept
    assert kept[0] == b"", "the mark stays"
