"""A Redis that speaks by TLS alone and wants a password, single and as a cluster: the races once more, and what is said
of certificates and passwords that do not fit. The embedded server was built without TLS, so this is Debian's."""

from __future__ import annotations

import asyncio
import re
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.cache.redis import RedisCache
from core.inspection import inspection
from core.servers.doctor import examine
from core.settings import Settings
from tests.certificates import Authority
from tests.core.cache.conftest import SPACE
from tests.core.cache.test_races import (  # noqa: F401  # collected here again
    test_r1_stale_set,
    test_r2_snapshot_race,
    test_r3_reordered_puts,
    test_r4_eviction_amnesia,
    test_several_keys_travel_together,
)
from tests.core.cache.test_topologies import KEY, problem_of
from tests.core.cache.test_topologies import test_a_near_tier_can_be_had as test_a_near_tier_can_be_had
from tests.core.cache.topologies import free_port, holds
from tests.debian import debian_program

PASSWORD = "s3cret"


class Encrypted:
    """One server that speaks by TLS alone; `options` make a cluster of it."""

    def __init__(self, authority: Authority, certificate: Path, *options: str) -> None:
        self.port = free_port()
        self._authority = authority
        self._certificate = certificate
        self._options = options

    def url(self, scheme: str, more: str = "", *, password: str = PASSWORD, authority: Path | None = None) -> str:
        at = f"{scheme}://:{password}@localhost:{self.port}{more}"
        return f"{at}?ssl_ca_certs={authority or self._authority.authority}"

    async def start(self) -> None:
        program = debian_program(
            "redis-server", "redis-tools", "redis-server", "libjemalloc2", "liblzf1", "libatomic1"
        )  # fmt: skip
        self.folder = tempfile.TemporaryDirectory(prefix="rct")
        words = ["--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder.name]
        words += ["--save", "", "--requirepass", PASSWORD, "--tls-auth-clients", "no"]
        words += ["--tls-cert-file", str(self._certificate), "--tls-key-file", str(self._certificate)]
        words += ["--tls-ca-cert-file", str(self._authority.authority), *self._options]
        self._process = await asyncio.create_subprocess_exec(
            str(program.path), *words, env=program.environment, stdout=DEVNULL, stderr=DEVNULL
        )
        await holds(self._answers)
        if "--cluster-enabled" in self._options:
            async with self.client() as client:
                await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]

                async def formed() -> bool:
                    said = await client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
                    return re.search(r"cluster_state\W+ok", str(said)) is not None

                await holds(formed)

    def client(self) -> Redis:
        """A plain client, which believes any certificate."""
        return Redis.from_url(f"{self.url('rediss')}&ssl_cert_reqs=none&ssl_check_hostname=false")

    async def _answers(self) -> bool:
        assert self._process.returncode is None, "redis-server did not start"
        try:
            async with self.client() as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False

    async def stop(self) -> None:
        self._process.kill()
        await self._process.wait()
        self.folder.cleanup()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["rediss", "rediss+cluster"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[tuple[str, Encrypted]]:
    """The scheme of its address, and the server."""
    options = ("--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-announce-ip", "127.0.0.1")
    clustered = (*options, "--cluster-port", str(free_port())) if request.param == "rediss+cluster" else ()
    server = Encrypted(authority, authority.signed("server", "localhost", "127.0.0.1"), *clustered)
    with asyncio.Runner() as runner:
        runner.run(server.start())
        yield str(request.param), server
        runner.run(server.stop())


@pytest.fixture
async def client(server: tuple[str, Encrypted]) -> AsyncIterator[Redis]:
    """A plain client of it, its data gone."""
    async with server[1].client() as client:
        await client.flushall()
        yield client


@pytest.fixture
async def cache(server: tuple[str, Encrypted], client: Redis) -> AsyncIterator[RedisCache]:
    """An open cache on it."""
    cache = RedisCache(server[1].url(server[0]), SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    assert cache.breaker.problem is None
    yield cache
    await cache.close()


async def test_its_keys_are_inspected(cache: RedisCache) -> None:
    await cache.acquire(KEY, "t", 60)
    await cache.fill(KEY, "t", 1, b"one")
    seen = await inspection(cache.look, SPACE.entry_key(KEY), SPACE, cache.now_ms())
    assert (seen.anatomy.type, seen.version) == ("string", 1)


async def test_what_is_wrong_is_told_apart(server: tuple[str, Encrypted], authority: Authority, tmp_path: Path) -> None:
    scheme, good = server
    stranger = Authority(tmp_path, "stranger").authority
    past = Encrypted(authority, authority.signed("past", days=0))
    other = Encrypted(authority, authority.signed("other", "elsewhere"))
    cases = [
        (good.url(scheme, password="wr0ng"), "refused the login", "Check user and password"),
        (good.url(scheme, authority=stranger), "was signed by nobody that is known here", "ssl_ca_certs="),
    ]
    if scheme == "rediss":
        cases += [
            (past.url(scheme), "its certificate has expired", "Renew it on the server"),
            (other.url(scheme), "its certificate is for another name", "Name the host"),
        ]
    try:
        await past.start()
        await other.start()
        for url, *words in cases:
            [health, *_] = await examine(Settings(redis_url=url, state_dir=tmp_path))
            for said in (await problem_of(url), f"{health.problem} {health.remedy}"):
                assert all(word in said for word in words), said
                assert "wr0ng" not in said
                assert PASSWORD not in said
    finally:
        await past.stop()
        await other.stop()
