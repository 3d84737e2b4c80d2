"""Geo sets on a real Redis against their twin in Python, and what a user without the permissions is told."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from redis.asyncio import Redis

from core.cache.geo import GeoSets, Point, Search
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable
from core.place import LEAST_KM, MOST_KM, MOST_LATITUDE, Reach, distance_km
from tests.core.cache.conftest import SPACE

NAMED_BY = Key("collection", "places")
CELL_KM = 0.001
"""A geohash of 52 bits is a cell of at most 0.6 by 0.3 m: nothing is found further away than that."""
_lat = some.floats(-MOST_LATITUDE, MOST_LATITUDE)
_lon = some.floats(-180, 180)
_points = some.lists(some.tuples(_lat, _lon), min_size=1, max_size=30)
_km = some.floats(LEAST_KM, MOST_KM) | some.floats(LEAST_KM, 300)
_reach = some.builds(Reach, _km) | some.builds(lambda width, height: Reach(None, width, height), _km, _km)


def near(centre: tuple[float, float], points: list[tuple[float, float]], spread: float) -> list[tuple[float, float]]:
    """The points drawn together around the centre, so that some are in a small reach."""
    lat, lon = centre
    return [
        (max(-MOST_LATITUDE, min(MOST_LATITUDE, lat + p * spread)), (lon + q * spread + 180) % 360 - 180)
        for p, q in points
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(centre=some.tuples(_lat, _lon), points=_points, spread=some.sampled_from((1.0, 0.1, 0.01)), reach=_reach)
@example(centre=(0.0, 180.0), points=[(0.0, -179.9), (0.0, 179.9)], spread=1.0, reach=Reach(100.0))
@example(centre=(0.0, 179.99999999999997), points=[(0.0, -118.0)], spread=1.0, reach=Reach(6_897.0))
@example(centre=(0.0, -118.0), points=[(0.0, 179.99999999999997)], spread=1.0, reach=Reach(6_897.0))
@example(centre=(0.0, 179.0), points=[(0.5, -179.5)], spread=1.0, reach=Reach(None, 500.0, 500.0))
@example(centre=(85.0, 0.0), points=[(85.0, 180.0), (85.0, 90.0)], spread=1.0, reach=Reach(2_000.0))
async def test_a_search_finds_what_the_formula_does(
    cache: RedisCache,
    centre: tuple[float, float],
    points: list[tuple[float, float]],
    spread: float,
    reach: Reach,
) -> None:
    sets, name = GeoSets(cache), secrets.token_hex(6)
    drawn = points if spread == 1.0 else near(centre, points, spread)
    await sets.write(name, [Point(str(n), lon, lat) for n, (lat, lon) in enumerate(drawn)], {}, 60)
    shape = (reach.radius_km,) if reach.radius_km is not None else (reach.width_km or 0, reach.height_km or 0)
    _, (hits,) = await sets.search(NAMED_BY, [Search(name, len(drawn), centre[1], centre[0], shape, 100)])
    assert hits is not None
    found = {int(hit.member): hit.distance_km for hit in hits}
    assert list(found.values()) == sorted(found.values())
    for number, point in enumerate(drawn):
        if number in found:
            assert found[number] == pytest.approx(distance_km(centre, point), abs=CELL_KM)
        if sure(centre, point, reach):
            assert (number in found) == (reach.holds(centre, point) is not None), point


def sure(centre: tuple[float, float], point: tuple[float, float], reach: Reach) -> bool:
    """Whether a point lies further than a cell from the edge of the reach."""
    sides = [side for side in (reach.radius_km, reach.width_km, reach.height_km) if side is not None]
    larger, smaller = ([side + by for side in sides] for by in (4 * CELL_KM, -4 * CELL_KM))
    if min(smaller) < LEAST_KM or max(larger) > MOST_KM:
        return False
    outer, inner = (Reach(each[0]) if len(each) == 1 else Reach(None, *each) for each in (larger, smaller))
    return (outer.holds(centre, point) is None) == (inner.holds(centre, point) is None)


async def test_a_set_that_is_not_whole_finds_nothing(cache: RedisCache, client: Redis) -> None:
    sets = GeoSets(cache)
    many = [Point(f"place {n}", n / 20 - 60, n / 40 - 30) for n in range(2_500)]
    await sets.write("a", many, {point.member: point.member.encode() for point in many}, 60)
    search = Search("a", 2_500, 0.0, 0.0, (2_000.0,), 3_000)
    entry, (hits,) = await sets.search(NAMED_BY, [search])
    assert entry is None
    assert hits
    assert await sets.texts("a", [hit.member for hit in hits]) == [hit.member.encode() for hit in hits]
    names = [name async for name in client.scan_iter("*geo*")]
    assert len(names) == 2
    assert all(b"{rc}" in name for name in names), "in the slot of all others"
    assert all([0 < await client.pttl(name) <= 60_000 for name in names])
    await client.zrem(next(name for name in names if name.endswith(b"points")), "place 7")
    assert (await sets.search(NAMED_BY, [search]))[1] == [None]
    assert await cache.flush() == 2
    assert (await sets.search(NAMED_BY, [search]))[1] == [None]
    assert await sets.texts("a", ["place 1"]) == [None]


@pytest.mark.parametrize("verb", ["geoadd", "geosearch"])
async def test_a_user_without_the_permission_is_told_the_line_that_gives_it(
    cache: RedisCache, client: Redis, redis_url: str, verb: str
) -> None:
    user = f"reader{secrets.token_hex(4)}"
    await client.acl_setuser(
        user, enabled=True, nopass=True, categories=["+@all"], commands=[f"-{verb}"], keys=["*"], channels=["*"]
    )
    scheme = urlsplit(redis_url)
    url = redis_url.replace(f"{scheme.scheme}://", f"{scheme.scheme}://{user}:any@", 1)
    barred = RedisCache(url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    try:
        await barred.open()
        sets = GeoSets(barred)
        doing: Awaitable[object]
        if verb == "geosearch":
            await sets.write("b", [Point("x", 1.0, 2.0)], {}, 60)
            doing = sets.search(NAMED_BY, [Search("b", 1, 0.0, 0.0, (300.0,), 10)])
        else:
            doing = sets.write("b", [Point("x", 1.0, 2.0)], {}, 60)
        with pytest.raises(CacheUnavailable) as refused:
            await doing
        assert refused.value.reason.endswith(f"may not run {verb.upper()}.")
        assert refused.value.remedy == f"Allow it: ACL SETUSER {user} ~rc:* +{verb}"
        assert barred.breaker.state == "closed", "the rest of the cache goes on"
        assert await barred.get(NAMED_BY) is None
    finally:
        await barred.close()
        await client.acl_deluser(user)
