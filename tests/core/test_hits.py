"""Reads of one tick travel together, and each caller gets what a read alone would have given."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core import Catalogue, Movie, Settings, open_catalogue, replace
from core.audit import Auditor
from core.cache.entry import pack, unpack
from core.errors import MovieNotFound
from core.strategies.base import Answer
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.test_redis_away import redis_process, until
from tests.processes import hold

FILMS = 300


@pytest.fixture
async def catalogue(state_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Catalogue]:
    """A catalogue with an embedded Redis of its own, all of whose movies are in it."""
    # Its looks at what the load wrote, up to ten seconds later, would be counted as reads of the test's own.
    monkeypatch.setattr(Auditor, "wrote", lambda auditor, id: None)
    async with open_catalogue(Settings(postgres_url=postgres_url, state_dir=state_dir)) as opened:
        await opened.load(ListSource(movies(FILMS)))
        await opened._binding.store.settle()  # what the relay tells of the load would take them away again
        tiers: set[str] = set()
        while tiers != {"redis"}:  # what is read while Redis is late or in doubt fills nothing
            await until(opened, "closed")
            tiers = {reading.tier for reading in await asyncio.gather(*(opened.read(f"Q{n}") for n in range(FILMS)))}
        yield opened


async def test_a_tick_of_reads_is_counted_and_noted_as_so_many(catalogue: Catalogue) -> None:
    cache, strategy = catalogue._binding.cache, catalogue.strategy
    ids = [f"Q{n}" for n in range(FILMS)] + ["Q7", "Q7"]
    before, commands = catalogue.stats(), (await cache._link.exchange([("INFO", "commandstats")]))[0]
    found = await asyncio.gather(*map(catalogue.get, ids))
    assert [film.id for film in found] == ids
    after, later = catalogue.stats(), (await cache._link.exchange([("INFO", "commandstats")]))[0]
    assert calls(later, "mget") - calls(commands, "mget") == 2, "256 keys are the most of one"
    assert calls(later, "get") == calls(commands, "get")
    assert after.strategies[strategy].hits - before.strategies[strategy].hits == len(ids)
    assert after.strategies[strategy].saved - before.strategies[strategy].saved == len(ids)
    assert after.strategies[strategy].hit_latency.count - before.strategies[strategy].hit_latency.count == len(ids)
    assert after.trace[-1].number - before.trace[-1].number == len(ids)
    assert {(line.operation, line.tier, line.verdict) for line in after.trace[-len(ids) :]} == {("get", "redis", "hit")}
    assert {line.key for line in after.trace[-len(ids) :]} == set(ids)


def calls(commandstats: bytes, name: str) -> int:
    for line in commandstats.decode().splitlines():
        if line.startswith(f"cmdstat_{name}:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


async def test_whoever_asks_beside_hits_gets_what_they_would_alone(catalogue: Catalogue) -> None:
    """A miss, an absence, bytes of nobody, another codec, a stale entry and a cancelled caller, in one batch."""
    cache = catalogue._binding.cache
    names = cache.namespace.entry_keys("movie", ["Q1", "Q2", "Q3", "Q4"])
    present = (await cache._link.get_many(names[:1]))[0]
    assert present is not None
    entry = unpack(present)
    await cache._link.exchange(
        [
            ("DEL", names[0]),
            ("SET", names[1], b"of another program"),
            ("SET", names[2], pack(msgspec.structs.replace(entry, codec="9"))),
            (
                "SET",
                names[3],
                pack(msgspec.structs.replace(unpack((await cache._link.get_many(names[3:]))[0] or b""), fresh_until=1)),
            ),
        ]
    )
    before = catalogue.stats().strategies[catalogue.strategy]
    asked = [f"Q{n}" for n in range(8)] + ["Q1", "nobody", "Q5"]
    reads = [asyncio.ensure_future(catalogue.get(id)) for id in asked]
    reads[5].cancel()
    read = await asyncio.gather(*reads, return_exceptions=True)
    assert isinstance(read[5], asyncio.CancelledError)
    assert isinstance(read[9], MovieNotFound)
    assert [film.id for film in read if not isinstance(film, BaseException)] == [
        id for n, id in enumerate(asked) if n not in (5, 9)
    ]
    await catalogue._binding.background.drain()  # what was stale is refreshed
    after = catalogue.stats().strategies[catalogue.strategy]
    assert after.misses - before.misses == 5, "one for each who asked: Q1 twice, Q2, Q3 and nobody"
    assert after.store_reads - before.store_reads == 5, "one for each movie, and the refresh of Q4"
    assert after.stale - before.stale == 1
    again = await asyncio.gather(*(catalogue.read(id) for id in ("Q1", "Q2", "Q3", "Q4")))
    assert [(reading.tier, reading.freshness) for reading in again] == [("redis", "fresh")] * 4
    with pytest.raises(MovieNotFound):
        await catalogue.get("nobody")


async def test_a_caller_who_leaves_takes_nothing_from_the_others(catalogue: Catalogue) -> None:
    reads = [catalogue.get(f"Q{n}") for n in range(8)]
    asyncio.ensure_future(reads[3]).cancel()
    read = await asyncio.gather(*reads, return_exceptions=True)
    assert isinstance(read.pop(3), asyncio.CancelledError)
    assert [film.id for film in read if isinstance(film, Movie)] == ["Q0", "Q1", "Q2", "Q4", "Q5", "Q6", "Q7"]


async def test_what_leaves_after_the_cache_may_be_believed_goes_all_of_the_way(catalogue: Catalogue) -> None:
    """The event loop stood still between the question and its leaving."""
    trust, path = catalogue._binding.trust, catalogue._strategy
    before = catalogue.stats().strategies[catalogue.strategy]
    trust.believed_until = time.monotonic() + 0.02
    reads = [catalogue.get(id) for id in ("Q1", "Q2", "Q1")]
    while time.monotonic() < trust.believed_until:
        pass
    whole: list[str] = []
    reads_of = path._reads  # type: ignore[attr-defined]  # of a strategy that caches
    read_one = reads_of.read

    async def read_and_noted(id: str) -> Answer:
        whole.append(id)
        answer: Answer = await read_one(id)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reads_of, "read", read_and_noted)
        assert [film.id for film in await asyncio.gather(*reads)] == ["Q1", "Q2", "Q1"]
    assert sorted(whole) == ["Q1", "Q1", "Q2"]
    after = catalogue.stats().strategies[catalogue.strategy]
    assert after.hits + after.bypasses - before.hits - before.bypasses == 3


async def test_reads_under_way_survive_the_end_of_redis(catalogue: Catalogue, state_dir: Path) -> None:
    draw = random.Random(11)
    process = redis_process(state_dir)
    ids = [f"Q{n}" for n in range(FILMS)]
    hold(process.pid)
    under_way = [catalogue.get(id) for id in draw.sample(ids, 100)]
    await asyncio.sleep(0)  # they have left
    process.kill()
    read = await asyncio.gather(*under_way)
    assert len({film.id for film in read}) == 100
    assert catalogue.stats().strategies[catalogue.strategy].bypasses >= 100
    film = await catalogue.get("Q9")
    saved = await catalogue.save(replace(film, runtime=99))
    await until(catalogue, "closed")
    assert await catalogue.get("Q9") == saved
