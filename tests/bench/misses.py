"""S5: a miss with the right to fill and the fill, beside a GET and a SET that prove nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from core.cache.keys import Key
from core.strategies.codec import encode_movie
from tests.bench.desk import Desk
from tests.bench.rounds import in_rounds
from tests.bench.row import Row, Run, measured


async def safe_miss(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """Both on the same connections, without any loading between."""
    cache, link = desk.catalogue._binding.cache, desk.catalogue._binding.cache._link
    payload = encode_movie(desk.movies[0])
    keys = [Key("bench", str(number)) for number in range(desk.times)]
    names = [cache.namespace.entry_key(key) for key in keys]

    async def emptied() -> None:
        gates = [cache.namespace.gate_key(key) for key in keys]
        await link.exchange([("DEL", *names), ("DEL", *gates)])

    async def safe() -> float:
        await emptied()
        began = time.perf_counter()
        for key in keys:
            await cache.acquire(key, "token", 2.0)
            await cache.fill(key, "token", 1, payload)
        return (time.perf_counter() - began) / len(keys)

    async def unsafe() -> float:
        await emptied()
        began = time.perf_counter()
        for name in names:
            await link.get(name)
            await link.exchange([("SET", name, payload, "PX", 600_000)])
        return (time.perf_counter() - began) / len(keys)

    taken = await in_rounds({"safe": safe, "unsafe": unsafe}, desk.rounds)
    await emptied()
    yield measured(
        "S5", "safe miss: token and fill", taken["safe"], peer="GET and SET", theirs=taken["unsafe"], ratio_at_most=1.35
    )
