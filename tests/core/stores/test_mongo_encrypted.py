"""MongoDB by TLS and SCRAM, and by a name that DNS turns into hosts: the same suite; what is wrong is told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import dns.asyncresolver
import dns.message
import dns.rrset
import pytest
from pymongo import MongoClient

from core.stores.mongo import MongoStore
from tests.certificates import Authority, showing
from tests.core.complaints import assert_told, complaints
from tests.core.movies import movie
from tests.core.stores.compliance import StoreCompliance
from tests.core.stores.mongod import Mongod
from tests.core.stores.open_stores import NewStore, OpenStores
from tests.processes import running

PASSWORD = "s3cret/word"
SECRETS = (PASSWORD, "s3cret%2Fword", "wr0ng")
NAMED = "db.movies.test"
"""A host that only the name server of the test below knows."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def mongod(authority: Authority) -> Iterator[Mongod]:
    """The server of this module."""
    mongod = Mongod(password=PASSWORD, authority=authority, hosts=("localhost", NAMED))
    with running(mongod):
        yield mongod


@pytest.fixture
def url(mongod: Mongod) -> str:
    """An empty database on it."""
    url = mongod.url(user="root", password=PASSWORD)
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})
    return url


class TestEncrypted(OpenStores):
    """What the way to the server can matter to; the answers to questions are the same on each."""

    test_every_field_survives_an_update = StoreCompliance.test_every_field_survives_an_update
    test_one_winner_among_edits_of_one_base = StoreCompliance.test_one_winner_among_edits_of_one_base
    test_an_acknowledged_write_is_seen_by_everyone = StoreCompliance.test_an_acknowledged_write_is_seen_by_everyone
    test_load_tells_what_became_of_each_movie = StoreCompliance.test_load_tells_what_became_of_each_movie
    test_what_changed_since_a_place_is_told = StoreCompliance.test_what_changed_since_a_place_is_told
    test_reads_cancelled_in_flight_break_nothing = StoreCompliance.test_reads_cancelled_in_flight_break_nothing
    test_many_readers_at_once = StoreCompliance.test_many_readers_at_once

    @pytest.fixture
    def new_store(self, url: str) -> NewStore:
        return lambda: MongoStore(url, timeout=20.0)


async def test_what_is_wrong_is_told_apart(mongod: Mongod, authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").authority
    past, other = authority.signed("past", days=0), authority.signed("other", "elsewhere")
    good = mongod.url(user="root", password=PASSWORD)
    ca = f"tls=true&tlsCAFile={authority.authority}&directConnection=true"
    async with showing(past) as expired, showing(other) as misnamed:
        cases = (
            (f"mongodb://localhost:{expired}/m?{ca}", "its certificate has expired", "Renew it on the server"),
            (f"mongodb://localhost:{misnamed}/m?{ca}", "its certificate is for another name", "Name the host in"),
            (good.replace(str(authority.authority), str(stranger)), "signed by nobody that is known", "tlsCAFile="),
            (good.replace(str(authority.authority), "/none.pem"), "/none.pem", "Correct"),
            (good.replace("tls=true&", "").partition("&tlsCAFile")[0], "closes the connection", "tls=true"),
            (mongod.url(user="root", password="wr0ng-one"), "refuse", "Correct"),
        )
        told = await asyncio.gather(*(complaints("mongodb", url, tmp_path, SECRETS) for url, *_ in cases))
        for (_, *words), said in zip(cases, told, strict=True):
            assert_told(said, words)


class NameServer(asyncio.DatagramProtocol):
    """Answers questions for the records that it was given; there is no other name."""

    def __init__(self, *records: tuple[str, str, str]) -> None:
        self._records = records

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = dns.message.from_wire(data)
        answer = dns.message.make_response(asked)
        [question] = asked.question
        for name, kind, text in self._records:
            record = dns.rrset.from_text(name, 60, "IN", kind, text)
            if (record.name, record.rdtype) == (question.name, question.rdtype):
                answer.answer.append(record)
        if not answer.answer:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def named(monkeypatch: pytest.MonkeyPatch, *records: tuple[str, str, str]) -> AsyncIterator[None]:
    """The driver asks a name server that knows these records alone."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: NameServer(*records), local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", resolver)
    yield
    transport.close()


async def test_a_name_is_turned_into_hosts_by_dns(
    url: str, mongod: Mongod, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`mongodb+srv`: hosts from SRV, options from TXT, TLS by itself; and what is said where DNS does not help."""
    loop = type(asyncio.get_running_loop())
    find = loop.getaddrinfo

    async def found(self: Any, host: str, *more: Any, **named: Any) -> Any:
        return await find(self, "localhost" if host == NAMED else host, *more, **named)

    monkeypatch.setattr(loop, "getaddrinfo", found)
    login, options = "mongodb+srv://root:s3cret%2Fword@", f"/movies?tlsCAFile={authority.authority}"
    async with named(
        monkeypatch,
        ("_mongodb._tcp.cluster.movies.test.", "SRV", f"0 0 {mongod.port} {NAMED}."),
        ("cluster.movies.test.", "TXT", '"authSource=admin"'),
        ("_mongodb._tcp.astray.movies.test.", "SRV", f"0 0 {mongod.port} db.elsewhere.test."),
    ):
        store = MongoStore(f"{login}cluster.movies.test{options}", timeout=20.0)
        await store.open()
        added = await store.insert(movie(1))
        assert await store.get(added.id) == added
        await store.close()
        unknown = await complaints("mongodb", f"{login}unknown.movies.test{options}", tmp_path, SECRETS)
        assert "host not found: mongodb+srv://root:***@unknown.movies.test" in unknown[0]
        assert "its host name is unknown Correct the host in MONGO_URL" in unknown[1]
        for said in await complaints("mongodb", f"{login}astray.movies.test{options}", tmp_path, SECRETS):
            assert "by DNS to a host outside" in said or "DNS leads to a host outside" in said
