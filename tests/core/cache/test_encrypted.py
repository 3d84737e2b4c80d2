"""Redis that speaks by TLS alone and wants a password and a certificate: one server, behind a Sentinel, and a cluster.
The protocol once more, failovers, and what is said of certificates, passwords and slots that do not fit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from core.cache.address import Address
from core.cache.redis import RedisCache
from core.inspection import inspection
from tests.certificates import Authority, showing
from tests.core.cache import test_topologies
from tests.core.cache.conftest import SPACE
from tests.core.cache.node import Encryption
from tests.core.cache.test_races import (  # noqa: F401  # collected here again
    test_r1_stale_set,
    test_r2_snapshot_race,
    test_r3_reordered_puts,
    test_r4_eviction_amnesia,
    test_several_keys_travel_together,
)
from tests.core.cache.test_topologies import KEY, followed, names_missing_slots, used
from tests.core.cache.test_topologies import test_a_near_tier_can_be_had as test_a_near_tier_can_be_had
from tests.core.cache.topologies import Alone, Clustered, Topology, Watched
from tests.core.complaints import assert_told, complaints, problem_of
from tests.processes import holds, running

PASSWORD: Final = "s3cret"
SENTINELS_PASSWORD: Final = "w4tch"
SECRETS: Final = (PASSWORD, SENTINELS_PASSWORD, "wr0ng")
KINDS: Final = ("alone", "cluster", "sentinel")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def topologies(authority: Authority) -> Iterator[Mapping[str, Topology]]:
    """Servers that all tests of this module use, one after the other."""
    encryption = Encryption(authority, authority.signed("server", "localhost", "127.0.0.1"))
    servers = {
        "alone": Alone(PASSWORD, encryption),
        "cluster": Clustered(PASSWORD, encryption, options=("--cluster-require-full-coverage", "yes")),
        "sentinel": Watched(PASSWORD, encryption, sentinel_password=SENTINELS_PASSWORD),
    }
    with running(*servers.values()):
        yield servers


@pytest.fixture(params=KINDS)
def topology(request: pytest.FixtureRequest, topologies: Mapping[str, Topology]) -> Topology:
    """One kind of them."""
    return topologies[request.param]


client, cache = test_topologies.client, test_topologies.cache


async def test_its_keys_are_inspected(cache: RedisCache) -> None:
    await cache.acquire(KEY, "t", 60)
    await cache.fill(KEY, "t", 1, b"one")
    seen = await inspection(cache.look, SPACE.entry_key(KEY), SPACE, cache.now_ms())
    assert (seen.anatomy.type, seen.version) == ("string", 1)


@pytest.mark.parametrize("topology", ["cluster", "sentinel"], indirect=True)
async def test_a_promotion_is_followed(topology: Topology, cache: RedisCache) -> None:
    await cache.use_near(True)
    former = cache.life
    await topology.promoted()
    await followed(cache, former)
    assert cache.address.startswith(f"127.0.0.1:{topology.primary.port} (by redis")
    await cache.acquire(KEY, "t", 60)
    assert await cache.fill(KEY, "t", 1, b"one") == "set"

    async def kept() -> bool:
        await cache.get(KEY, shelf)
        return KEY.id in shelf

    shelf = cache.shelf("movie")
    await holds(kept)
    await topology.rejoin()


@pytest.mark.parametrize("topology", ["cluster"], indirect=True)
async def test_a_cluster_that_lacks_slots_names_them(topology: Clustered, cache: RedisCache) -> None:
    await names_missing_slots(topology, cache)


async def test_what_is_wrong_is_told_apart(topology: Topology, authority: Authority, tmp_path: Path) -> None:
    """Also where a place that is named first is dead: who is there and refuses says more."""
    good, ca = topology.url, str(authority.authority)
    stranger = Authority(tmp_path, "stranger").authority
    who = {"alone": "localhost:", "cluster": "the cluster's node 127.0.0.1:", "sentinel": "the Sentinel at 127.0.0.1:"}
    there = who[topology.name]
    cases = [
        (good.replace(PASSWORD, "wr0ng"), "refused the login", "Check user and password"),
        (good.replace(ca, str(stranger)), there, "was signed by nobody that is known here", "ssl_ca_certs="),
        (good.partition("&ssl_certfile")[0], there, "it asks for a certificate of ours", "ssl_certfile="),
        (good.replace("rediss", "redis").partition("?")[0], there, "before it said anything", "write rediss"),
        (good.replace("rediss", "redis"), "cannot be had with ssl_ca_certs, ssl_certfile, ssl_keyfile", "rediss"),
    ]
    if isinstance(topology, Watched):
        sentinel = f"the Sentinel at 127.0.0.1:{topology.sentinel.port}"
        cases += [
            (good.replace(SENTINELS_PASSWORD, "wr0ng"), f"{sentinel} refused the login", "Check sentinel_username"),
            (good.replace("/movies", "/other"), f"{sentinel} watches no service 'other'", "it watches: movies"),
        ]
    told = await asyncio.gather(*(complaints("redis", url, tmp_path, SECRETS) for url, *_ in cases))
    for (_, *words), said in zip(cases, told, strict=True):
        assert_told(said, words)


@pytest.mark.parametrize("topology", ["cluster", "sentinel"], indirect=True)
async def test_an_expired_certificate_of_who_is_asked_is_told(topology: Topology, authority: Authority) -> None:
    async with showing(authority.signed("past", days=0)) as port:
        before, _, after = topology.url.partition("127.0.0.1:1,127.0.0.1:")
        url = f"{before}127.0.0.1:1,localhost:{port}{after.lstrip('0123456789')}"
        assert f"localhost:{port} cannot be reached by TLS: its certificate has expired. Renew" in await problem_of(url)


async def test_a_server_whose_certificate_has_expired_is_used_when_it_is_renewed(
    topology: Topology, authority: Authority
) -> None:
    """The same with one for another name; who was led to the server by others is told to have that name announced."""
    remedies = {"alone": "Name the host", "cluster": "cluster-announce-hostname", "sentinel": "replica-announce-ip"}
    announced = remedies[topology.name]
    for certificate, *words in (
        (authority.signed("past", "localhost", "127.0.0.1", days=0), "its certificate has expired", "Renew it on"),
        (authority.signed("other", "elsewhere"), "its certificate is for another name", announced),
    ):
        await topology.primary.show(certificate)
        assert_told([await problem_of(topology.url)], [f":{topology.primary.port}", *words])
    cache = RedisCache(topology.url, SPACE, soft_ttl=60, hard_ttl=600)
    await cache.open()
    assert cache.breaker.state != "closed"
    await topology.primary.show(authority.signed("renewed", "localhost", "127.0.0.1"))
    await used(cache)
    await cache.close()


@pytest.mark.parametrize("topology", ["cluster"], indirect=True)
async def test_nodes_are_found_by_the_names_they_announce(topology: Clustered, authority: Authority) -> None:
    """One whose certificate has its name alone; the others have none to be called by, which is said by a `?`."""
    await topology.primary.show(authority.signed("named", "localhost"))
    for node in topology.nodes:
        await node.ask("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
    cache = RedisCache(topology.url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    assert f"127.0.0.1:{topology.primary.port} (by " in (cache.breaker.problem or "")
    assert "its certificate is for another name" in (cache.breaker.problem or "")
    await topology.primary.ask("CONFIG", "SET", "cluster-announce-hostname", "localhost")
    await used(cache)
    assert cache.address.startswith(f"localhost:{topology.primary.port} (by ")
    await cache.close()
    await topology.primary.show(authority.signed("again", "localhost", "127.0.0.1"))
    for node in topology.nodes:
        await node.ask("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")


def test_authorities_are_read_once_until_their_file_changes(authority: Authority, tmp_path: Path) -> None:
    """A greeting of a cluster connects to every node, and to read the system's takes longer than all else."""
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.authority.read_bytes())
    address = Address(tls={"ssl_ca_certs": str(file)})
    context = address.context()
    assert address.at("elsewhere", 1).context() is context
    file.write_bytes(Authority(tmp_path, "renewed").authority.read_bytes())
    assert address.context() is not context
