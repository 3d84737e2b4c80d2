"""What is around a place, over real servers: geo sets against what is computed, through loads, losses and outages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

import data
from core import Catalogue, InvalidQuery, Place, Settings, StoreUnavailable, UnknownPlace, open_catalogue
from core.place import Nearby, Reach, Surroundings
from core.strategies.places import computed
from tests.core.sources import ListSource
from tests.core.stores.psql import unreachable_database
from tests.core.test_redis_away import redis_process, until

PARIS = (48.85341, 2.3488)


def theaters(count: int, seed: int = 1) -> list[Place]:
    random = Random(seed)
    return [
        Place(
            id=f"{seed}-{n}",
            kind="theater",
            name=f"Theater {n}",
            lat=random.uniform(35, 60),
            lon=random.uniform(-10, 30),
        )
        for n in range(count)
    ]


def same(found: Sequence[Nearby], expected: Sequence[Nearby]) -> None:
    """The same places, in the same order as far as it can be told apart, at the same distances."""
    assert {near.place for near in found} == {near.place for near in expected}
    for one, other in zip(found, expected, strict=True):
        assert one.distance_km == pytest.approx(other.distance_km, abs=0.001)


async def around(catalogue: Catalogue) -> Surroundings:
    return await catalogue.near_by(PARIS, radius_km=700.0, limit=1_000)


async def found_in_redis(catalogue: Catalogue) -> Surroundings:
    """The same once Redis is believed and has it: a machine that is slow for a second doubts it."""
    async with asyncio.timeout(60):
        while (answer := await around(catalogue)).tier != "redis":
            await asyncio.sleep(0.02)
    return answer


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_two_copies_find_what_is_computed_through_loads_and_a_killed_redis(
    store: str, state_dir: Path, postgres_url: str, mongo_url: str
) -> None:
    settings = Settings(store=store, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=state_dir)
    known = theaters(1_500)
    async with open_catalogue(settings) as catalogue, open_catalogue(settings) as other:

        async def right(*tiers: str, by: Catalogue) -> None:
            if "store" not in tiers:
                await found_in_redis(by)
            for reach, answer in (
                (Reach(700.0), await around(by)),
                (Reach(None, 900.0, 400.0), await by.near_by(PARIS, box=(900.0, 400.0), limit=1_000)),
            ):
                if "store" in tiers:
                    assert answer.tier in tiers, answer.reason
                same(answer.found, computed([*data.shipped_cities(), *known], PARIS, reach))

        report = await catalogue.load_places(ListSource(known))
        assert (report.read, report.stored, report.rejected) == (1_500, 1_500, 0)
        async with asyncio.timeout(60):
            while "written anew" not in (first := await around(catalogue)).reason:
                assert first.tier == "store"
                await asyncio.sleep(0.02)
        await right("redis", by=catalogue)
        await right("redis", by=other)
        # What the other one loads is there when it is acknowledged, and not before the sets are new.
        more = theaters(200, seed=2)
        known += more
        assert (await other.load_places(ListSource(more))).stored == 200
        await right("store", "redis", by=catalogue)
        await right("redis", by=other)
        again = await catalogue.load_places(ListSource(more))
        assert (again.stored, again.unchanged) == (0, 200)
        # One set is lost by itself, as by eviction: that is found, and mended.
        client = Redis.from_url(catalogue.redis_url)
        await client.delete(*[name async for name in client.scan_iter("*geo*theater*texts")])
        await right("store", "redis", by=catalogue)
        await right("redis", by=catalogue)
        await client.aclose()
        redis_process(state_dir).kill()
        await right("store", by=other)
        await until(catalogue, "closed")
        await until(other, "closed")
        await right("store", "redis", by=catalogue)
        await right("store", "redis", by=other)
        await catalogue.use_strategy("no-cache")
        await right("store", by=catalogue)
        assert any(line.operation == "places" for line in catalogue.stats().trace)


async def test_what_is_asked_wrongly_is_told(state_dir: Path, postgres_url: str) -> None:
    async with open_catalogue(Settings(postgres_url=postgres_url, state_dir=state_dir)) as catalogue:
        paris = await catalogue.place(" PARIS ")
        assert (paris.name, paris.country) == ("Paris", "FR")
        assert await catalogue.place("paris, fr") == paris
        assert (await catalogue.place("48.85, -2.35")).lon == -2.35
        assert (await catalogue.place("são pau")).name == "São Paulo"
        assert [place.name for place in await catalogue.places("lon")][:1] == ["London"]
        for text, near in (("Pariss", ("Paris",)), ("Lodnon", ("London",)), ("Xyzzy", ()), ("", ())):
            with pytest.raises(UnknownPlace) as unknown:
                await catalogue.place(text)
            assert unknown.value.near[:1] == near
        wrong: tuple[tuple[Any, dict[str, Any]], ...] = (
            (paris, {"radius_km": 30_000.0}),
            (paris, {"radius_km": float("nan")}),
            (paris, {"radius_km": 0.0}),
            (paris, {"box": (100.0, 50_000.0)}),
            (paris, {"radius_km": 10.0, "box": (10.0, 10.0)}),
            (paris, {"radius_km": 10.0, "limit": 0}),
            (paris, {"radius_km": 10.0, "kinds": ("venue",)}),
            ((91.0, 0.0), {"radius_km": 10.0}),
        )
        for centre, reach in wrong:
            with pytest.raises(InvalidQuery) as refused:
                await catalogue.near_by(centre, **reach)
            assert refused.value.remedy
        with pytest.raises(InvalidQuery, match="look exchanged"):
            await catalogue.place("139.7, 35.7")
        assert {near.place.kind for near in (await catalogue.near_by(paris, radius_km=400.0)).found} == {"city"}
        everywhere = await catalogue.near_by(paris, radius_km=20_000.0, limit=10)
        assert everywhere.more
        assert len(everywhere.found) == 10


@pytest.fixture
async def barred(redis_url: str) -> AsyncIterator[str]:
    """The address of the same Redis for a user who may do all but search in geo sets."""
    client, user = Redis.from_url(redis_url), f"barred{secrets.token_hex(4)}"
    await client.acl_setuser(
        user, enabled=True, nopass=True, categories=["+@all"], commands=["-geosearch"], keys=["*"], channels=["*"]
    )
    yield redis_url.replace("://", f"://{user}:any@", 1)
    await client.acl_deluser(user)
    await client.aclose()


@pytest.mark.usefixtures("unhurried")
async def test_without_the_permission_it_is_computed_and_the_rest_is_still_cached(
    barred: str, state_dir: Path, postgres_url: str
) -> None:
    settings = Settings(redis_url=barred, postgres_url=postgres_url, state_dir=state_dir)
    known = theaters(50)
    async with open_catalogue(settings) as catalogue:
        await catalogue.load_places(ListSource(known))
        for _ in range(3):
            answer = await around(catalogue)
            assert answer.tier == "store"
            same(answer.found, computed([*data.shipped_cities(), *known], PARIS, Reach(700.0)))
        assert "+geosearch" in answer.reason
        assert catalogue.stats().breaker == "closed"


async def test_with_the_store_away_the_last_known_places_are_found_and_marked(
    redis_url: str, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path)
    known = theaters(50)
    async with open_catalogue(settings) as catalogue:
        await catalogue.load_places(ListSource(known))
        await found_in_redis(catalogue)
        # A copy of another release has other cities.
        async with open_catalogue(settings) as other:
            other._binding.places._cities = lambda: [city for city in data.shipped_cities() if city.name != "Paris"]
            async with asyncio.timeout(60):
                while (found := await around(other)).tier != "redis":
                    assert "Paris" not in {near.place.name for near in found.found}
                    await asyncio.sleep(0.02)
            assert "Paris" not in {near.place.name for near in found.found}
        same((await around(catalogue)).found, computed([*data.shipped_cities(), *known], PARIS, Reach(700.0)))
        await found_in_redis(catalogue)
        with unreachable_database(postgres_url):
            async with asyncio.timeout(60):
                while (found := await around(catalogue)).freshness != "stale":
                    await asyncio.sleep(0.02)
            same(found.found, computed([*data.shipped_cities(), *known], PARIS, Reach(700.0)))
            client = Redis.from_url(redis_url)
            await client.flushdb()
            await client.aclose()
            cities = await around(catalogue)
            assert {near.place.kind for near in cities.found} == {"city"}
            assert "theaters are not known" in cities.reason
            assert [place.name for place in await catalogue.places("par")] == ["Paris"]
            with pytest.raises(StoreUnavailable):
                await catalogue.places("xyz")
            with pytest.raises(StoreUnavailable):
                await catalogue.near_by(PARIS, kinds=("theater",))
