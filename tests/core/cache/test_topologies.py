"""Redis behind Sentinels and in a cluster: found, followed through a failover, and named rightly where it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from core.cache.address import Address, Cluster, Route, Sentinels, route_of
from core.cache.keys import Key
from core.cache.primary import SLOT
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable
from tests.core.cache.conftest import SPACE

# The protocol is the same wherever Redis is: its races once more, on the topologies below.
from tests.core.cache.test_races import (  # noqa: F401  # collected here again
    test_flush_removes_one_namespace_and_voids_its_tokens,
    test_r1_stale_set,
    test_r2_snapshot_race,
    test_r3_reordered_puts,
    test_r4_eviction_amnesia,
    test_readers_and_writers_at_once_never_see_the_past,
    test_server_tells_its_figures,
    test_several_keys_travel_together,
)
from tests.core.cache.topologies import SERVICE, TOPOLOGIES, Clustered, Topology, Watched
from tests.core.complaints import problem_of
from tests.processes import free_port, holds, running

KEY = Key("movie", "Q1")


@pytest.fixture(scope="module", params=sorted(TOPOLOGIES))
def topology(request: pytest.FixtureRequest) -> Iterator[Topology]:
    """Servers that all tests of this module use, one after the other."""
    topology = TOPOLOGIES[request.param]()
    with running(topology):
        yield topology


@pytest.fixture
async def client(topology: Topology) -> AsyncIterator[Redis]:
    """A plain client of the primary, whose data are gone."""
    async with topology.primary.client(30.0) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def cache(topology: Topology, client: Redis) -> AsyncIterator[RedisCache]:
    """An open cache on it."""
    cache = RedisCache(topology.url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    yield cache
    await cache.close()


async def test_a_near_tier_can_be_had(cache: RedisCache, client: Redis) -> None:
    await cache.use_near(True)
    assert cache.tracking.problem is None
    shelf = cache.shelf("movie")
    await cache.acquire(KEY, "t", 60)
    await cache.fill(KEY, "t", 1, b"one")
    await cache.get(KEY, shelf)
    assert KEY.id in shelf
    other = cache.with_namespace(SPACE)
    await other.begin([KEY], "w", 60)
    assert KEY.id not in shelf


async def test_what_is_addressed_as_something_else_is_told_what_it_is(topology: Topology) -> None:
    at = f"127.0.0.1:{topology.primary.port}"
    if isinstance(topology, Watched):
        said = await problem_of(f"redis+cluster://:secret@{at}")
        assert said == f"{at} is a single server, no node of a cluster. Write redis://{at} in redis_url."
        sentinel = f"127.0.0.1:{topology.sentinel.port}"
        for url in (f"redis://{sentinel}", f"redis://{sentinel}/3"):
            said = await problem_of(url)
            assert said == (
                f"{url} is a Sentinel, which keeps no data. Write redis+sentinel://{sentinel}/{SERVICE} in redis_url."
            )
        said = await problem_of(f"redis+sentinel://{sentinel}/other")
        assert said == (
            f"the Sentinel at {sentinel} watches no service 'other'. Correct it in redis_url; it watches: {SERVICE}."
        )
        replica = f"redis://127.0.0.1:{topology.replica.port}"
        assert await problem_of(replica) == f"{replica} is a read-only replica. Point redis_url at the primary."
        assert (await problem_of(f"redis+sentinel://{at}/movies")).startswith(f"{at} is a Redis server, not a Sentinel")
    else:
        for url in (f"redis://{at}", f"redis://{at}/3"):
            said = await problem_of(url)
            assert said == f"{url} is a node of a cluster. Write redis+cluster://{at} in redis_url."
        assert (await problem_of(f"redis+sentinel://{at}/movies")).startswith(f"{at} is a Redis server, not a Sentinel")


async def test_nobody_there_is_told_by_name() -> None:
    port = free_port()
    at = f"127.0.0.1:{port}"
    assert f"nobody listens at the Sentinel at {at}." in await problem_of(f"redis+sentinel://:secret@{at}/movies")
    assert f"nobody listens at the cluster's node {at}." in await problem_of(f"redis+cluster://:secret@{at}")


async def test_a_server_and_its_sentinel_have_logins_of_their_own() -> None:
    async with Watched("in-secret", sentinel_password="watch-secret") as watched:
        server, sentinel = (f"127.0.0.1:{node.port}" for node in (watched.primary, watched.sentinel))
        url = f"redis+sentinel://:in-secret@{sentinel}/{SERVICE}"
        for wrong in (url, f"{url}?sentinel_password=other-secret"):
            assert await problem_of(wrong) == (
                f"the Sentinel at {sentinel} refused the login."
                " Check sentinel_username and sentinel_password in redis_url."
            )
        for login in ("", ":other-secret@"):
            wrong = f"redis+sentinel://{login}{sentinel}/{SERVICE}?sentinel_password=watch-secret"
            said = await problem_of(wrong)
            assert said.startswith(f"{server} (by redis+sentinel://")
            assert said.endswith("refused the login. Check user and password in redis_url.")
        cache = RedisCache(f"{url}?sentinel_password=watch-secret", SPACE, soft_ttl=60, hard_ttl=600)
        await cache.open()
        assert await cache.get(KEY) is None
        await cache.close()


async def followed(cache: RedisCache, former: str) -> None:
    """Wait until it uses another life of a server than this one."""

    async def elsewhere() -> bool:
        with suppress(CacheUnavailable):
            await cache.server()
        return cache.breaker.state == "closed" and cache.life != former

    await holds(elsewhere)


@pytest.mark.parametrize("kind", sorted(TOPOLOGIES))
async def test_each_promotion_is_followed_and_makes_another_server(kind: str) -> None:
    """Also of a process that was demoted in between: it holds what its predecessor had been told."""
    async with TOPOLOGIES[kind]() as topology:
        cache = RedisCache(topology.url, SPACE, soft_ttl=60, hard_ttl=600, budget=2)
        await cache.open()
        await cache.acquire(KEY, "t", 60)
        await cache.fill(KEY, "t", 1, b"one")
        lives = [cache.life]
        for _ in range(2):
            await topology.promoted()
            await followed(cache, lives[-1])
            assert cache.address.startswith(f"127.0.0.1:{topology.primary.port} (by {topology.url}")
            lives.append(cache.life)
            await topology.rejoin()
        first, second, third = (life.partition(".")[0] for life in lives)
        assert first == third != second
        assert len(set(lives)) == 3

        await topology.primary.kill()
        with pytest.raises(CacheUnavailable):
            await cache.get(KEY)
        assert cache.breaker.state != "closed"
        await topology.promoted()
        await followed(cache, lives[-1])
        await cache.acquire(KEY, "t", 60, refresh=True)
        assert await cache.fill(KEY, "t", 2, b"two") == "set"
        await cache.close()


async def test_a_cluster_that_lacks_slots_names_them_and_is_used_again_when_they_are_given() -> None:
    async with Clustered(options=("--cluster-require-full-coverage", "yes")) as cluster:
        cache = RedisCache(cluster.url, SPACE, soft_ttl=60, hard_ttl=600, budget=2)
        await cache.open()
        assert await cache.get(KEY) is None

        await names_missing_slots(cluster, cache)
        await cache.close()


async def used(cache: RedisCache) -> None:
    """Wait until it is used."""

    async def closed() -> bool:
        return cache.breaker.state == "closed"

    await holds(closed)


async def names_missing_slots(cluster: Clustered, cache: RedisCache) -> None:
    """Slots are taken away, told by name, and given back: those of another node, and the cache's own."""

    async def told() -> bool:
        # Again for who still heard from the owner meanwhile that it has them.
        for each in cluster.nodes:
            await each.ask("CLUSTER", "DELSLOTSRANGE", first, last)
        with suppress(CacheUnavailable):
            await cache.server()
            await cache.get(KEY)
        return missing in (cache.breaker.problem or "")

    for node, first, last in ((cluster.third, 5461, 5470), (cluster.primary, SLOT, SLOT)):
        at = f"127.0.0.1:{cluster.primary.port}"
        missing = f"the cluster of {at} serves nothing while no node has the slots {first}-{last}."
        if first == SLOT:
            missing = f" has no node for the cache's slot ({SLOT}); it lacks the slots {SLOT}."
        await node.ask("CLUSTER", "DELSLOTSRANGE", first, last)
        await holds(told)
        assert "redis-cli --cluster fix 127.0.0.1:" in (cache.breaker.problem or "")
        await node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        await used(cache)


_TWO = (("s1", 26379), ("::1", 7))


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (
            "redis+sentinel://u:p%20w@s1,[::1]:7/my%2Fone/2?sentinel_password=x",
            Sentinels(
                tuple(Address(host=host, port=port, password="x") for host, port in _TWO),
                "my/one",
                Address(host="host", user="u", password="p w", database=2),
            ),
        ),
        (
            "rediss+sentinel://s1/m?ssl_ca_certs=/ca.pem",
            Sentinels(
                (Address(host="s1", port=26379, tls={"ssl_ca_certs": "/ca.pem"}),),
                "m",
                Address(host="host", tls={"ssl_ca_certs": "/ca.pem"}),
            ),
        ),
        (
            "redis+cluster://:p@a:1,b/0",
            Cluster((Address(host="a", port=1, password="p"), Address(host="b", port=6379, password="p"))),
        ),
        (
            "rediss+cluster://a,b?ssl_ca_certs=/some/ca.pem",
            Cluster(tuple(Address(host=host, tls={"ssl_ca_certs": "/some/ca.pem"}) for host in "ab")),
        ),
        ("redis+cluster://a?password=p", Cluster((Address(host="a", password="p"),))),
        ("redis+cluster://a/1", None),
        ("redis+cluster://a?db=1", None),
        ("redis+sentinel://a", None),
        ("redis+sentinel://a/m/x", None),
        ("redis+sentinel://a/m?ssl_ca_certs=/ca.pem", None),
        ("redis+sentinel://a:port/m", None),
        ("redis+other://a", None),
        ("unix+sentinel://a/m", None),
    ],
)
def test_what_an_address_says(url: str, route: Route | None) -> None:
    assert route_of(url) == route
