"""S1, S2, S3: a movie that Redis has, alone and among many at once, and one that is kept in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

from core import Movie
from core.cache.entry import HEADER_BYTES
from core.strategies.codec import decode_movie
from core.strategies.keys import movie_key
from tests.bench.desk import TOGETHER, Desk
from tests.bench.peers import Peers, Read, peers
from tests.bench.rounds import Variant, in_rounds
from tests.bench.row import Row, Run, bound, measured, unmeasured

BASE: Final = "redis.asyncio"
LEAST: Final = "least"


async def in_redis(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """S1 and S2, beside every peer that is installed."""
    async with AsyncExitStack() as stack:
        found = await peers(stack, desk.movies)
        for id in desk.ids:
            await desk.catalogue.get(id)
        reads: dict[str, Read] = {"": desk.catalogue.get, **found.reads}
        if run.wants("S1"):
            taken = await in_rounds({name: _alone(desk, read) for name, read in reads.items()}, desk.rounds)
            for row in _beside("S1", "one hit in Redis, decoded", taken, found, 0.5):
                yield row
        if run.wants("S2"):
            variants = {name: _together(desk, read) for name, read in reads.items()}
            taken = await in_rounds({**variants, LEAST: _least(desk)}, desk.rounds)
            least = taken.pop(LEAST)
            for row in _beside("S2", f"{TOGETHER} hits in Redis at once, each", taken, found, 1 / 15, cashews=1 / 25):
                yield row
            what = "the least: one MGET of a bare lane, a future each, decoded; nothing proved or counted"
            yield bound("S2", what, least, peer=BASE, theirs=taken[BASE], ratio_at_most=1 / 15)


def _least(desk: Desk) -> Variant:
    """What Python, the event loop and Redis take of it."""
    cache, turns = desk.catalogue._binding.cache, max(1, desk.times // 30)
    names = cache.namespace.entry_keys(movie_key("").kind, desk.ids)
    lanes = cache._link.lanes
    assert lanes is not None

    async def run() -> float:
        began = time.perf_counter()
        for _ in range(turns):
            for value in await asyncio.gather(*map(lanes.get, names)):
                decode_movie((value or b"")[HEADER_BYTES:])
        return (time.perf_counter() - began) / turns / len(names)

    return run


def _beside(
    number: str, what: str, taken: dict[str, list[float]], found: Peers, goal: float, cashews: float | None = None
) -> list[Row]:
    goals = {BASE: goal, "cashews": cashews}
    rows = [
        measured(number, what, taken[""], peer=name, theirs=theirs, ratio_at_most=goals.get(name))
        for name, theirs in taken.items()
        if name
    ]
    return [*rows, *(Row(number=number, what=what, peer=name, verdict=why) for name, why in found.absent.items())]


def _alone(desk: Desk, read: Read) -> Variant:
    ids = desk.ids

    async def run() -> float:
        began = time.perf_counter()
        for number in range(desk.times):
            await read(ids[number % len(ids)])
        return (time.perf_counter() - began) / desk.times

    return run


def _together(desk: Desk, read: Read) -> Variant:
    ids, turns = desk.ids, max(1, desk.times // 30)

    async def run() -> float:
        began = time.perf_counter()
        for _ in range(turns):
            await asyncio.gather(*map(read, ids))
        return (time.perf_counter() - began) / turns / len(ids)

    return run


async def near(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """S3, with the near tier switched on before."""
    catalogue, ids, times = desk.catalogue, desk.ids, 20 * desk.times
    what = "hit in the near tier, counted and traced"
    if problem := catalogue.stats().near.problem:
        yield unmeasured("S3", what, problem)
        return
    kept = {id: await catalogue.get(id) for id in ids}

    async def near_hit() -> float:
        # An entry is left for an early refresh now and then: all are there again when the clock starts.
        for id in ids:
            await catalogue.get(id)
        began = time.perf_counter()
        for number in range(times):
            await catalogue.get(ids[number & 63])
        return (time.perf_counter() - began) / times

    async def dictionary() -> float:
        async def get(id: str) -> Movie:
            return kept[id]

        began = time.perf_counter()
        for number in range(times):
            await get(ids[number & 63])
        return (time.perf_counter() - began) / times

    before = catalogue.stats().strategies[catalogue.strategy].near_hits
    taken = await in_rounds({"near": near_hit, "await of a dict": dictionary}, desk.rounds)
    hits = catalogue.stats().strategies[catalogue.strategy].near_hits - before
    share = hits / ((desk.rounds + 1) * (times + len(ids)))
    yield measured(
        "S3",
        f"{what} ({share:.2%} of the reads)",
        taken["near"],
        peer="await of a dict",
        theirs=taken["await of a dict"],
        at_most=1.5e-6,
    )
