"""The structure inspector: every type, what an entry and its gate mean, and that it never writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from core import Catalogue, InvalidQuery, Query, Settings, open_catalogue, replace
from core.cache.address import Address
from core.cache.inspector import MOST_BYTES, MOST_ELEMENTS, READS, anatomy, glob_of, listing
from core.cache.keys import Key, Namespace
from core.cache.lanes import Lanes
from core.cache.primary import finder
from core.cache.redis import RedisCache
from core.inspection import inspection
from tests.core.cache.conftest import SPACE
from tests.core.cache.servers import OwnRedis
from tests.core.movies import movie

KEY = Key("movie", "Q1")
GLOBS = (
    ("", "rc:*"),
    ("movie", "rc:*movie*"),
    ("movie:Q?", "rc:*movie:Q?"),
    ("rc:g:*", "rc:g:*"),
    ("rc:e:{rc}", "rc:e:{rc}*"),
)


@pytest.fixture
async def own_redis() -> AsyncIterator[OwnRedis]:
    async with OwnRedis() as server:
        yield server


@asynccontextmanager
async def watched(client: Redis) -> AsyncIterator[list[str]]:
    """The commands that the server carries out meanwhile, in lower case, those of scripts too."""
    seen: list[str] = []
    async with client.monitor() as monitor:

        async def listen() -> None:
            async for line in monitor.listen():
                seen.append(str(line["command"]).lower())  # noqa: PERF401  # the list is looked at meanwhile

        listening = asyncio.create_task(listen())
        yield seen
        await client.execute_command("ECHO", "the end")  # type: ignore[no-untyped-call]  # redis-py
        async with asyncio.timeout(60):
            while not any(command.startswith("echo") for command in seen):
                await asyncio.sleep(0.001)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    seen[:] = [command for command in seen if not command.startswith(("echo", "client setinfo"))]


async def every_structure(client: Any) -> None:
    """One key of each type, and of more than an excerpt holds."""
    await client.set("rc:x:{rc}:text", "plain [text]")
    await client.set("rc:x:{rc}:large", b"\xff" * (MOST_BYTES + 7))
    await client.hset("rc:x:{rc}:counters", mapping={"hits": 3, "misses": 1})
    await client.execute_command("HPEXPIRE", "rc:x:{rc}:counters", 90_000, "FIELDS", 1, "hits")
    await client.zadd("rc:x:{rc}:many", {f"Q{n}": n / 2 for n in range(MOST_ELEMENTS + 50)})
    await client.geoadd("rc:x:{rc}:places", (13.361389, 38.115556, "Palermo"))
    await client.xadd("rc:x:{rc}:stream", {"t": "token", "ids": "Q1\nQ2"})
    await client.rpush("rc:x:{rc}:list", "one", "two")
    await client.sadd("rc:x:{rc}:set", "member")
    await client.zadd(SPACE.entry_key(Key("boards", "top")), {"Q1": 8})
    await client.set("theirs", "not ours")


@pytest.mark.parametrize(("typed", "pattern"), GLOBS)
def test_what_is_typed_becomes_a_pattern_of_our_own_keys(typed: str, pattern: str) -> None:
    assert glob_of(typed) == pattern


async def test_every_type_is_shown_by_a_user_who_may_only_read(own_redis: OwnRedis) -> None:
    """With the read verbs that are listed and no other, one sees all; and the server sees no others."""
    async with Redis(unix_socket_path=str(own_redis.socket)) as client:
        await every_structure(client)
        allowed = [f"+{verb}" for verb in READS]
        await client.execute_command(  # type: ignore[no-untyped-call]  # redis-py
            *("ACL", "SETUSER", "looker", "on", ">pw", "%R~rc:*", "-@all", "+info", *allowed)
        )
        async with watched(client) as commands:
            lanes = Lanes(
                finder(Address(path=str(own_redis.socket), user="looker", password="pw")), 5.0, lambda info: None
            )
            page = await listing(lanes.call, "", "", 3)
            rest = await listing(lanes.call, "", page.cursor, 500)
            seen = {name: await anatomy(lanes.call, name) for name in {key.name for key in (*page.keys, *rest.keys)}}
            board = await inspection(lanes.call, SPACE.entry_key(Key("boards", "top")), SPACE, 0)
            gone = await anatomy(lanes.call, b"rc:gone")
            await lanes.drop()
    verbs = {command.split()[0].strip("'\"") for command in commands} - {"hello", "auth", "info"}
    assert verbs <= {verb.partition("|")[0] for verb in READS}
    assert not rest.cursor
    assert not any(each.refused for each in seen.values())
    assert all(each.memory for each in seen.values())
    short = {name.decode().rpartition(":")[2]: each for name, each in seen.items()}
    assert b"theirs" not in seen
    assert {name: (each.type, each.length, each.whole) for name, each in short.items()} == {
        "text": ("string", 12, True),
        "large": ("string", MOST_BYTES + 7, False),
        "counters": ("hash", 2, True),
        "many": ("zset", MOST_ELEMENTS + 50, False),
        "places": ("zset", 1, True),
        "stream": ("stream", 1, True),
        "list": ("list", 2, True),
        "set": ("set", 1, True),
        "top": ("zset", 1, True),
    }
    assert short["many"].elements[0].name == b"Q149"
    assert float(short["many"].elements[0].content) == 74.5
    lives = {each.name: each.ttl_ms for each in short["counters"].elements}
    assert 0 < (lives[b"hits"] or 0) <= 90_000
    assert lives[b"misses"] is None
    [palermo] = short["places"].elements
    assert palermo.place == pytest.approx((13.361389, 38.115556), abs=1e-4)
    assert short["stream"].elements[0].content == b"t=token ids=Q1\nQ2"
    assert gone.type == "none"
    assert (board.what, board.standing, board.value) == ("A zset of boards top", (), [["Q1", 8.0]])


async def test_what_the_user_may_not_ask_is_named_and_the_rest_is_shown(own_redis: OwnRedis) -> None:
    async with Redis(unix_socket_path=str(own_redis.socket)) as client:
        await client.set("rc:x:{rc}:text", "plain")
        await client.execute_command(  # type: ignore[no-untyped-call]  # redis-py
            "ACL", "SETUSER", "looker", "on", ">pw", "~rc:*", "+@all", "-memory", "-pttl"
        )
    cache = RedisCache(f"unix://looker:pw@{own_redis.socket}", SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    # The cache itself needs PTTL, and says so; the inspector does not hold the next against it.
    assert cache.breaker.problem is not None
    assert "may not run PTTL." in cache.breaker.problem
    await cache.close()
    lanes = Lanes(finder(Address(path=str(own_redis.socket), user="looker", password="pw")), 5.0, lambda info: None)
    seen = await anatomy(lanes.call, b"rc:x:{rc}:text")
    assert seen.data == b"plain"
    assert [refused.partition(":")[0] for refused in seen.refused] == ["PTTL", "MEMORY USAGE"]
    await lanes.drop()


async def test_the_gate_is_told_in_words(own_redis: OwnRedis) -> None:
    """Each state of the protocol: untouched, a reader at it, filled, a writer at it, committed, a writer vanished."""
    cache = RedisCache(own_redis.url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    await cache.open()
    name = SPACE.entry_key(KEY)

    async def standing(later: int = 0) -> str:
        return " ".join((await inspection(cache.look, name, SPACE, cache.now_ms() + later)).standing)

    assert "No such key" not in (await inspection(cache.look, name, SPACE, 0)).what
    assert "No entry: the next read asks the store. No gate:" in await standing()
    await cache.acquire(KEY, "lease1", 60)
    assert "A reader has the lease lease1 to fill it, for another " in await standing()
    lease = await inspection(cache.look, SPACE.all_keys(KEY)[2], SPACE, cache.now_ms())
    assert (lease.what, lease.value) == ("The lease of movie Q1", "lease1")
    assert "A reader has the lease lease1 " in " ".join(lease.standing)
    version = 1_760_000_000_000_000
    await cache.fill(KEY, "lease1", version, b"one", load_ms=12)
    said = await standing()
    assert f"The entry holds version {version} (of 2025-10-09 08:53:20 UTC), fresh for another " in said
    assert "loaded in 12 ms; payload of 3 bytes." in said
    assert "past its soft time to live" in await standing(later=100_000)
    await cache.begin([KEY], "write1", 60)
    assert "A writer announced a change (write1): until it ends, or for " in await standing()
    assert "A writer vanished (write1), its time was up " in await standing(later=61_000)
    await cache.finish("write1", [(KEY, version + 1, b"two")])
    said = await standing()
    assert f"The entry holds version {version + 1}" in said
    assert f"The gate's floor is version {version + 1}" in said
    gate = await inspection(cache.look, SPACE.gate_key(KEY), Namespace("test", "mongodb"), cache.now_ms())
    assert gate.what == "The gate of movie Q1, of another store (postgresql)"
    assert gate.version == version + 1
    await cache.begin([KEY], "write2", 60)
    assert "void" not in await standing()
    await cache.invalidate(KEY, 0, force=True)
    said = await standing()
    assert "A writer announced a change (write2): until it ends, or for " in said
    assert "Its token is void, for the cache was cleared or changed meanwhile" in said
    await cache.abort([KEY], "write2")
    gone = Key("movie", "Q2")
    await cache.acquire(gone, "x", 60)
    await cache.fill(gone, "x", 0, None)
    absence = await inspection(cache.look, SPACE.entry_key(gone), SPACE, cache.now_ms())
    assert absence.standing[0].startswith("The entry says that there is no such record, fresh for another ")
    assert absence.standing[-1].startswith("No gate: ")
    await cache.close()


@pytest.mark.usefixtures("unhurried")
async def test_a_live_catalogue_is_inspected_whole_and_nothing_is_written(redis_url: str, postgres_url: str) -> None:
    """Entries, answers, generation, journal and near tiers, decoded; while the server sees reads alone."""
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, near_cache=True)
    async with open_catalogue(settings) as catalogue, Redis.from_url(redis_url) as client:
        added = await catalogue.add(movie(1, title="[b]Alien[/b][/x]"))
        await catalogue.get("Q1")
        await catalogue.browse(Query(), 0, 10)
        await catalogue.save(replace(added, year=1979))
        await catalogue.get("Q1")
        await catalogue.browse(Query(), 0, 10)
        before = {name: await client.dump(name) for name in await client.keys("rc:[eg]:*")}
        names = await all_names(catalogue)
        seen = {name: await catalogue.inspect(name) for name in names}
        after = {name: await client.dump(name) for name in before}
        assert before == after
        entry, gate = catalogue.keys_of("Q1")
        assert seen[entry].what == "The entry of movie Q1"
        assert seen[entry].value["title"] == "[b]Alien[/b][/x]"
        assert seen[entry].value["year"] == 1979
        assert seen[gate].version == seen[entry].version == (await catalogue.get("Q1")).version
        kinds = {each.what.partition(":")[0].partition(", ")[0] for each in seen.values()}
        assert {"The journal", "The entry of the collection's generation"} <= kinds
        json.dumps([each.value for each in seen.values()])
        with pytest.raises(InvalidQuery, match="no key of Reelcache"):
            await catalogue.inspect("theirs")


async def all_names(catalogue: Catalogue) -> list[str]:
    found, cursor = [], ""
    while True:
        page = await catalogue.keys("", cursor=cursor, limit=50)
        found += [key.name.decode() for key in page.keys]
        if not (cursor := page.cursor):
            return found
