"""The lane: reads of one tick leave as one MGET, replies find who asked, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.cache.address import Address, route_of
from core.cache.batches import MOST_TOGETHER
from core.cache.lane import Lane, connect
from core.cache.lanes import Lanes
from core.cache.pooled import Pooled
from core.cache.primary import finder
from core.cache.wire import NotRedis, Overdue, Refused, Wire
from tests.certificates import Authority
from tests.core.cache.servers import OwnRedis
from tests.core.complaints import assert_told, problem_of
from tests.processes import free_port

PATIENT = 5.0


async def lane_to(server: OwnRedis, budget: float = PATIENT) -> Lane:
    # However small the budget, the greeting is not what is to be late.
    return (await connect(Address(path=str(server.socket)), budget, patience=PATIENT))[0]


@pytest.fixture
async def lane(own_redis: OwnRedis) -> AsyncIterator[Lane]:
    lane = await lane_to(own_redis)
    yield lane
    lane.abort()


@pytest.fixture
async def other(own_redis: OwnRedis) -> AsyncIterator[Redis]:
    """A plain client of the same server."""
    client = Redis.from_url(own_redis.url, socket_timeout=None)
    yield client
    await client.aclose()


class Kept(dict[bytes, bytes]):
    """Keeps what reads bring."""

    def keep(self, name: bytes, value: bytes) -> None:
        self[name] = value


async def asked(client: Redis) -> dict[str, int]:
    """How often each command was carried out."""
    stats = await client.info("commandstats")
    return {name.removeprefix("cmdstat_"): figures["calls"] for name, figures in stats.items()}


async def test_reads_of_one_tick_are_one_mget_and_each_key_is_asked_once(lane: Lane, other: Redis) -> None:
    await other.mset({f"k{n}": f"v{n}" for n in range(50)})
    before = await asked(other)
    read = await asyncio.gather(
        *(lane.get(b"k%d" % (n % 60)) for n in range(120)), lane.get_many([b"k1", b"no", b"k2"])
    )
    assert read == [b"v%d" % (n % 60) if n % 60 < 50 else None for n in range(120)] + [[b"v1", None, b"v2"]]
    after = await asked(other)
    assert after["mget"] - before.get("mget", 0) == 2
    assert "get" not in after
    many = [b"n%d" % n for n in range(2 * MOST_TOGETHER + 1)]
    assert await asyncio.gather(*map(lane.get, many)) == [None] * len(many)
    assert (await asked(other))["mget"] - after["mget"] == 3


async def test_replies_find_who_asked_in_whatever_order_they_ask(lane: Lane, other: Redis) -> None:
    """Reads, writes, refusals and pushes at once, a third of them cancelled on the way: no reply strays."""
    await other.mset({f"k{n}": f"v{n}" for n in range(64)})
    await lane.call([("CLIENT", "TRACKING", "ON")])
    draw = random.Random(5)
    cancelled = right = 0
    for _ in range(100):
        waiting: list[tuple[object, asyncio.Future[object]]] = []
        for _ in range(30):
            n, m = draw.randrange(64), draw.randrange(64)
            kind = draw.randrange(4)
            future: asyncio.Future[object]
            expected: object
            if kind == 0:
                future, expected = asyncio.ensure_future(lane.get(b"k%d" % n)), b"v%d" % n
            elif kind == 1:
                future = asyncio.ensure_future(lane.get_many([b"k%d" % n, b"k%d" % m]))
                expected = [b"v%d" % n, b"v%d" % m]
            elif kind == 2:
                future = asyncio.ensure_future(lane.call([("SET", f"k{n}", f"v{n}"), ("GET", f"k{m}")]))
                expected = [b"OK", b"v%d" % m]
            else:
                future = asyncio.ensure_future(lane.call([("NOSUCH", n), ("ECHO", n)]))
                expected = "refused"
            waiting.append((expected, future))
            if draw.random() < 0.1:
                await asyncio.sleep(0)
        for _, future in draw.sample(waiting, 10):
            cancelled += future.cancel()
        results = await asyncio.gather(*(future for _, future in waiting), return_exceptions=True)
        for (expected, future), result in zip(waiting, results, strict=True):
            if not future.cancelled():
                if expected == "refused":
                    assert isinstance(result, list)
                    assert isinstance(result[0], Refused)
                    assert result[0].code == "ERR"
                else:
                    assert result == expected
                right += 1
    assert cancelled > 300
    assert right > 1000


async def test_a_read_refused_is_told_to_all_who_asked(lane: Lane, other: Redis) -> None:
    await other.acl_setuser("default", commands=["-mget"])
    results = await asyncio.gather(lane.get(b"a"), lane.get(b"b"), lane.get_many([b"c"]), return_exceptions=True)
    assert [isinstance(one, Refused) and one.code for one in results] == ["NOPERM"] * 3


async def test_what_is_read_is_kept_while_it_is_parsed_unless_it_was_barred(lane: Lane, other: Redis) -> None:
    await other.mset({"a": "1", "b": "2", "c": "3", "d": "4"})
    kept = Kept()
    reads = [lane.get(b"a"), lane.get(b"a", kept), lane.get(b"b", kept), lane.get(b"no", kept), lane.get(b"d")]
    several = lane.get_many([b"c", b"b"], kept)
    await asyncio.sleep(0)  # sent, and not answered
    lane.bar([b"b"])
    reads[1].cancel()
    assert await several == [b"3", b"2"]
    assert kept == {b"a": b"1", b"c": b"3"}


async def test_3000_lost_connections_leave_nobody_waiting(own_redis: OwnRedis, other: Redis) -> None:
    """Cut by the server, cut by us, and cut in the very tick in which the commands were given."""
    draw = random.Random(3)
    failed = served = 0
    await other.set("k", "v")
    for trial in range(3000):
        lane = await lane_to(own_redis)
        waiting: list[asyncio.Future[object]] = []
        for _ in range(draw.randrange(1, 8)):
            waiting.append(asyncio.ensure_future(lane.get(b"k")))
            waiting.append(asyncio.ensure_future(lane.call([("SET", "k", "v"), ("GET", "k")])))
            if draw.random() < 0.3:
                await asyncio.sleep(0)
        how = trial % 3
        if how == 0:
            lane.abort()
        elif how == 1:
            waiting.append(asyncio.ensure_future(lane.call([("CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal")])))
        elif lane._transport is not None:
            lane._transport.close()
        if draw.random() < 0.2:
            waiting[0].cancel()
        waiting.append(asyncio.ensure_future(lane.get(b"k")))
        done, late = await asyncio.wait(waiting, timeout=60)
        assert not late
        for one in done:
            if not one.cancelled() and one.exception() is None:
                served += 1
            else:
                failed += 1
        lane.abort()
        with pytest.raises(ConnectionError):
            await lane.get(b"k")
    assert failed > 3000
    assert served > 100


async def test_a_server_that_says_nothing_fails_all_at_once(own_redis: OwnRedis) -> None:
    lane = await lane_to(own_redis, budget=0.05)
    own_redis.pause()
    results = await asyncio.gather(
        lane.get(b"a"), lane.get_many([b"b"]), lane.call([("PING",)]), return_exceptions=True
    )
    assert [(type(one), getattr(one, "innocent", one)) for one in results] == [(Overdue, None)] * 3
    assert lane.closed


async def test_a_slow_answer_fails_alone_and_reaches_nobody_later(own_redis: OwnRedis, other: Redis) -> None:
    await other.set("k", "v")
    lane = await lane_to(own_redis, budget=0.2)
    slow = lane.call([("BLPOP", "nothing", "60")])
    await asyncio.sleep(0)
    lane._heard = asyncio.get_running_loop().time() + 60  # as though something came all the while
    with pytest.raises(Overdue) as overdue:
        await slow
    assert overdue.value.innocent == ""
    assert not lane.closed
    await other.rpush("nothing", "late")
    assert await lane.get(b"k") == b"v"
    lane.abort()


@pytest.mark.parametrize("words", [b"HTTP/1.1 400\r\n\r\n", b"*1\r\n*", b"+too\r\n+many\r\n+words\r\n", b":1\r\n"])
async def test_words_of_another_protocol_end_the_lane(tmp_path: Path, words: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"INFO\r\n")
        writer.write(b"%0\r\n$2\r\nok\r\n")
        await reader.readuntil(b"key\r\n")
        writer.write(words)
        await writer.drain()
        writer.close()

    path = f"{tmp_path}/other.sock"
    async with await asyncio.start_unix_server(serve, path):
        lane, _ = await connect(Address(path=path), PATIENT)
        with pytest.raises((NotRedis, ConnectionError)):
            await lane.get(b"key")
        assert lane.closed


async def test_bulky_replies_do_not_delay_small_reads(own_redis: OwnRedis, other: Redis) -> None:
    await other.set("bulk", b"x" * 4_000_000)
    await other.set("k", "v")
    lanes = Lanes(finder(Address(path=str(own_redis.socket))), PATIENT, lambda info: None)
    assert await lanes.get(b"k") == b"v"
    bulk = asyncio.ensure_future(lanes.call([("GET", "bulk")] * 20))
    for _ in range(3):
        assert await lanes.get(b"k") == b"v"
    assert not bulk.done()
    assert sum(map(len, await bulk)) == 80_000_000
    assert (await lanes.get_many([b"k"] * 600))[-1] == b"v"
    await lanes.drop()
    assert await lanes.get(b"k") == b"v", "connected anew"
    await lanes.drop()


async def test_lanes_dropped_while_they_connect_fail_who_waits(tmp_path: Path) -> None:
    greeted = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.release()
        await reader.read()
        writer.close()

    path = f"{tmp_path}/silent.sock"
    async with await asyncio.start_unix_server(silent, path):
        lanes = Lanes(finder(Address(path=path)), PATIENT, lambda info: None)
        waiting = [asyncio.ensure_future(lanes.get(b"k")), asyncio.ensure_future(lanes.call([("PING",)]))]
        leaving = asyncio.ensure_future(lanes.get(b"k"))
        async with asyncio.timeout(60):
            for _ in ("reads", "bulk"):
                await greeted.acquire()
        leaving.cancel()
        await asyncio.sleep(0)
        await lanes.drop()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(one, ConnectionError) for one in results)
        assert leaving.cancelled()


async def both_ways(url: str) -> list[bytes | None]:
    """A value set and read by the lanes and by redis-py: they must agree on what an address means."""
    address = route_of(url)
    assert address is not None
    wires: list[Wire] = [Lanes(finder(address), PATIENT, lambda info: None), Pooled(url, PATIENT, lambda info: None)]
    await wires[0].call([("SET", "k", url)])
    read = [await wire.get(b"k") for wire in wires]
    for wire in wires:
        await wire.drop()
    return read


async def test_tcp_login_and_database_mean_what_they_mean_to_redis_py() -> None:
    port = free_port()
    async with OwnRedis("--port", str(port), "--bind", "127.0.0.1", "--requirepass", "s@cret/1") as server:
        password = "s%40cret%2F1"
        urls = [
            f"redis://:{password}@127.0.0.1:{port}/3",
            f"redis://default:{password}@127.0.0.1:{port}",
            f"redis://127.0.0.1:{port}?db=2&password={password}",
            f"unix://:{password}@{server.socket}?db=5",
        ]
        for url in urls:
            assert await both_ways(url) == [url.encode()] * 2
        admin = Redis.from_url(urls[0])
        await admin.execute_command("ACL SETUSER someone on >hidden ~* +@all")  # type: ignore[no-untyped-call]
        assert await both_ways(f"redis://someone:hidden@127.0.0.1:{port}/1") is not None
        counted = await admin.info("keyspace")
        await admin.aclose()
        assert {name: figures["keys"] for name, figures in counted.items()} == dict.fromkeys(
            ("db0", "db1", "db2", "db3", "db5"), 1
        )
        with pytest.raises(Refused, match="WRONGPASS"):
            await Lanes(finder(Address(port=port, host="127.0.0.1", password="no")), PATIENT, lambda info: None).get(
                b"k"
            )


class Ends:
    """Ends of TLS before a server, since the embedded one has none of its own; each on a port of its own."""

    def __init__(self, authority: Authority, redis: OwnRedis) -> None:
        self._authority = authority
        self._redis = redis

    @asynccontextmanager
    async def end(self, certificate: Path, *, ask: bool = False) -> AsyncIterator[str]:
        """Where one listens that shows this certificate, and asks for one if so."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        if ask:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._authority.authority)
        async with await asyncio.start_server(self._serve, "localhost", 0, ssl=context) as server:
            yield f"rediss://localhost:{server.sockets[0].getsockname()[1]}/1"
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(self._redis.socket))
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_encrypted(own_redis: OwnRedis, tmp_path: Path) -> None:
    """What the lanes and redis-py agree on; and what is wrong is told with its remedy."""
    authority = Authority(tmp_path)
    ends, ours = Ends(authority, own_redis), authority.signed("good")
    ca, client = f"ssl_ca_certs={authority.authority}", f"ssl_certfile={ours}&ssl_keyfile={ours}"
    async with (
        ends.end(ours) as good,
        ends.end(ours, ask=True) as asking,
        ends.end(authority.signed("other", "elsewhere")) as other,
        ends.end(authority.signed("past", days=0)) as past,
    ):
        for url in (f"{good}?{ca}", f"{good}?ssl_cert_reqs=none", f"{asking}?{ca}&{client}"):
            assert await both_ways(url) == [url.encode()] * 2
        assert await both_ways(f"{other}?{ca}&ssl_check_hostname=false")
        for url, reason, remedy in (
            (good, "signed by nobody that is known here", "ssl_ca_certs=/path/ca.pem"),
            (f"{other}?{ca}", "its certificate is for another name", "ssl_check_hostname=false"),
            (f"{past}?{ca}", "its certificate has expired", "Renew it"),
            (f"{asking}?{ca}", "asks for a certificate of ours", "ssl_certfile=/path/client.pem"),
            (f"{good}?ssl_ca_certs={tmp_path}/none.pem", f"{tmp_path}/none.pem cannot be used", "Correct the file"),
            (f"{good}?{ca}&ssl_certfile={tmp_path}/ca.key", "ca.key cannot be used as certificate", "Correct the file"),
        ):
            assert_told([await problem_of(url, PATIENT)], [reason, remedy])
        port = good.partition("localhost:")[2].partition("/")[0]
        said = await problem_of(f"redis://localhost:{port}", PATIENT)
        assert_told([said], ["ended the connection before it said anything", "write rediss in its scheme"])
    plain = free_port()
    async with OwnRedis("--port", str(plain), "--bind", "127.0.0.1"):
        # It waits for the end of what it takes for words.
        assert_told([await problem_of(f"rediss://127.0.0.1:{plain}", 0.5)], ["no answer", "rediss:// is for TLS alone"])


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", Address(host="h")),
        ("redis://[::1]:7/2", Address(host="::1", port=7, database=2)),
        ("redis://u:p%20w@h:1/", Address(host="h", port=1, user="u", password="p w")),
        ("unix:///a/b.sock?db=4&socket_timeout=3", Address(path="/a/b.sock", database=4)),
        ("rediss://h?ssl_cert_reqs=none", Address(host="h", tls={"ssl_cert_reqs": "none"})),
        ("rediss://h", Address(host="h", tls={})),
        ("rediss://h?ssl_cert_reqs=optional", None),
        ("redis://h?ssl_cert_reqs=none", None),
        ("redis://h?health_check_interval=3", None),
        ("redis://h?db=-1", None),
        ("redis://h:port", None),
        ("unix://", None),
        ("ftp://h", None),
    ],
)
def test_what_an_address_says(url: str, address: Address | None) -> None:
    assert route_of(url) == address
