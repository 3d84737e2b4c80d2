"""S5: a miss with the right to fill and the fill, beside a GET and a SET that prove nothing, and beside the least that
any right to fill needs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

from core.cache.keys import Key
from core.strategies.codec import encode_movie
from tests.bench.desk import Desk
from tests.bench.rounds import in_rounds
from tests.bench.row import Row, Run, bound, measured

_LEASE: Final = """#!lua
return redis.call('EXISTS', KEYS[1]) == 0 and redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', 2000)
"""
_FILL: Final = """#!lua
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
  return redis.call('SET', KEYS[1], ARGV[2], 'PX', 600000)
end
"""


async def safe_miss(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """Both on the same connections, without any loading between."""
    cache, link = desk.catalogue._binding.cache, desk.catalogue._binding.cache._link
    payload = encode_movie(desk.movies[0])
    keys = [Key("bench", str(number)) for number in range(desk.times)]
    names = [cache.namespace.entry_key(key) for key in keys]

    leases = [cache.namespace.all_keys(key)[2] for key in keys]
    lease, fill = await link.exchange([("SCRIPT", "LOAD", _LEASE), ("SCRIPT", "LOAD", _FILL)])

    async def emptied() -> None:
        gates = [cache.namespace.gate_key(key) for key in keys]
        await link.exchange([("DEL", *names), ("DEL", *gates), ("DEL", *leases)])

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

    async def least() -> float:
        await emptied()
        began = time.perf_counter()
        for name, token in zip(names, leases, strict=True):
            await link.exchange([("EVALSHA", lease, 2, name, token, "token")])
            await link.exchange([("EVALSHA", fill, 2, name, token, "token", payload)])
        return (time.perf_counter() - began) / len(keys)

    taken = await in_rounds({"safe": safe, "unsafe": unsafe, "least": least}, desk.rounds)
    await emptied()
    peer, theirs = "GET and SET", taken["unsafe"]
    yield measured("S5", "safe miss: token and fill", taken["safe"], peer=peer, theirs=theirs, ratio_at_most=1.35)
    what = "the least: two scripts that take a lease and compare it; no writer, version or age is known"
    yield bound("S5", what, taken["least"], peer=peer, theirs=theirs, ratio_at_most=1.35)
