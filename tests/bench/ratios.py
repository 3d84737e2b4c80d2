"""Goals S1 to S6 as ratios in one run: `python -m tests.bench.ratios` prints value, spread, peer and verdict.

Variants run in shuffled order within each round; a ratio is the median of its rounds' ratios, with the quartiles behind
it. Client and servers share one core unless `--free` is given: waking the other core costs more than the work on a
virtual machine, and hides what a client costs. Nothing is asserted on a clock; the run fails only when it cannot run.
`--short` takes seconds. Peers that are not installed (`pip install -e .[bench]`) are left out and named.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from core import Catalogue, Query, Settings, open_catalogue
from core.cache.keys import Key
from core.model import Movie
from core.servers.embedded import EmbeddedServers
from core.strategies.codec import decode_movie, encode_movie
from tests.core.cache.servers import OwnRedis

Variant = Callable[[], Awaitable[float]]
"""Does its work once and returns seconds for each unit of it."""
_PORT: Final = 7393
_TOGETHER: Final = 64
_LOADER: Final = 0.05
_PROCESSES: Final = 4
_TASKS: Final = 50


async def main(short: bool) -> None:
    """Servers, one catalogue, the six measurements."""
    rounds, n = (3, 100) if short else (11, 1000)
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    servers = EmbeddedServers(folder, redis_maxmemory="256mb")
    try:
        postgres = await servers.postgresql()
        async with OwnRedis("--port", str(_PORT), "--bind", "127.0.0.1") as redis:
            settings = Settings(redis_url=redis.url, postgres_url=postgres, state_dir=folder)
            async with open_catalogue(settings) as catalogue:
                for number in range(_TOGETHER):
                    await catalogue.add(_movie(number))
                movies = (await catalogue.browse(Query(), 0, _TOGETHER)).movies
                async with contextlib.AsyncExitStack() as stack:
                    peers = await _peers(stack, redis.url, movies)
                    await _s1_s2(catalogue, [movie.id for movie in movies], peers, rounds, n)
                await _s5(catalogue, rounds, n)
                await _s3(catalogue, [movie.id for movie in movies], rounds, 20 * n)
                await _s4(catalogue, redis.socket, movies[0].id, n // 2)
            await _s6(settings, "Q1", 1 if short else 5)
    finally:
        await servers.close()
        shutil.rmtree(folder, ignore_errors=True)


def _movie(number: int) -> Movie:
    people = tuple(f"Somebody Or Other {number + n}" for n in range(4))
    return Movie(
        id=f"Q{number}",
        title=f"The Return of Number {number}",
        year=1950 + number,
        runtime=118,
        genres=("Drama", "Horror"),
        countries=("United Kingdom", "France"),
        languages=("English",),
        directors=people[:1],
        writers=people[:2],
        cast=people,
        imdb_id=f"tt{number:07}",
        imdb_rating=7.9,
        imdb_votes=12_345,
        plot="Somebody comes back, and nobody is glad of it. " * 3,
    )


async def _peers(
    stack: contextlib.AsyncExitStack, url: str, movies: tuple[Movie, ...]
) -> dict[str, Callable[[str], Awaitable[Any]]]:
    """Each peer's read of one decoded movie that it has in Redis."""
    from redis.asyncio import Redis

    pool: Any = Redis.from_url(url, max_connections=8)
    stack.push_async_callback(pool.aclose)
    slots = asyncio.Semaphore(8)
    for movie in movies:
        await pool.set(f"bench:{movie.id}", encode_movie(movie))

    async def stock(id: str) -> Movie:
        async with slots:
            return decode_movie(await pool.get(f"bench:{id}"))

    peers: dict[str, Callable[[str], Awaitable[Any]]] = {"redis.asyncio": stock}
    by_id = {movie.id: movie for movie in movies}
    if find_spec("cashews"):
        from cashews import Cache

        cashews: Any = Cache()
        cashews.setup(f"redis://127.0.0.1:{_PORT}/1")
        stack.push_async_callback(cashews.close)

        @cashews(ttl="1h", key="movie:{id}")  # type: ignore[untyped-decorator]
        async def by_cashews(id: str) -> Movie:
            return by_id[id]

        peers["cashews"] = by_cashews
    if find_spec("aiocache"):
        from aiocache import Cache as Aiocache
        from aiocache import cached
        from aiocache.serializers import PickleSerializer

        @cached(  # type: ignore[untyped-decorator]
            ttl=3600,
            cache=Aiocache.REDIS,
            endpoint="127.0.0.1",
            port=_PORT,
            serializer=PickleSerializer(),
            key_builder=lambda _, id: f"aio:{id}",
        )
        async def by_aiocache(id: str) -> Movie:
            return by_id[id]

        peers["aiocache"] = by_aiocache
    if find_spec("coredis"):
        import coredis

        core: Any = coredis.Redis.from_url(f"redis://127.0.0.1:{_PORT}/0", max_connections=8)
        with contextlib.suppress(Exception):
            await stack.enter_async_context(core)

        async def by_coredis(id: str) -> Movie:
            return decode_movie(await core.get(f"bench:{id}"))

        peers["coredis"] = by_coredis
    for name, read in list(peers.items()):
        try:
            for movie in movies:
                assert await read(movie.id) == movie
                assert await read(movie.id) == movie
        except Exception as problem:
            del peers[name]
            _say(f"   {name} is left out: {type(problem).__name__}: {problem}")
    return peers


async def _s1_s2(
    catalogue: Catalogue, ids: list[str], peers: dict[str, Callable[[str], Awaitable[Any]]], rounds: int, n: int
) -> None:
    for id in ids:
        await catalogue.get(id)
    reads: dict[str, Callable[[str], Awaitable[Any]]] = {"catalogue": catalogue.get, **peers}

    def alone(read: Callable[[str], Awaitable[Any]]) -> Variant:
        async def run() -> float:
            began = time.perf_counter()
            for number in range(n):
                await read(ids[number % len(ids)])
            return (time.perf_counter() - began) / n

        return run

    def together(read: Callable[[str], Awaitable[Any]]) -> Variant:
        async def run() -> float:
            turns = max(1, n // 30)
            began = time.perf_counter()
            for _ in range(turns):
                await asyncio.gather(*map(read, ids))
            return (time.perf_counter() - began) / turns / len(ids)

        return run

    taken = await _rounds({name: alone(read) for name, read in reads.items()}, rounds)
    _table("S1 one hit in Redis, decoded", taken, "catalogue", "redis.asyncio", goal=0.5)
    taken = await _rounds({name: together(read) for name, read in reads.items()}, rounds)
    _table(f"S2 {_TOGETHER} hits at once, each", taken, "catalogue", "redis.asyncio", goal=1 / 15)


async def _s3(catalogue: Catalogue, ids: list[str], rounds: int, n: int) -> None:
    await catalogue.near(True)
    if problem := catalogue.stats().near.problem:
        _say(f"S3, S4 cannot be measured: {problem}")
        return
    kept = {id: await catalogue.get(id) for id in ids}

    async def near() -> float:
        # By turns of 5,000, each warmed up: an entry is left for an early refresh now and then.
        for id in ids:
            await catalogue.get(id)
        began = time.perf_counter()
        for number in range(n):
            await catalogue.get(ids[number & 63])
        return (time.perf_counter() - began) / n

    async def dictionary() -> float:
        async def get(id: str) -> Movie:
            return kept[id]

        began = time.perf_counter()
        for number in range(n):
            await get(ids[number & 63])
        return (time.perf_counter() - began) / n

    before = catalogue.stats().strategies[catalogue.strategy].near_hits
    taken = await _rounds({"near hit": near, "await of a dict": dictionary}, rounds)
    hits = catalogue.stats().strategies[catalogue.strategy].near_hits - before
    _table("S3 hit in the near tier", taken, "near hit", "await of a dict", microseconds=1.5)
    _say(f"   {hits:,} of {(rounds + 1) * (n + len(ids)):,} reads were near hits, counted and in the trace")


async def _s4(catalogue: Catalogue, path: Path, id: str, n: int) -> None:
    """Another process writes; here it is seen when the push leaves the entry out."""
    if catalogue.stats().near.problem:
        return
    cache = catalogue._binding.cache
    shelf, key = cache.shelf("movie"), Key("movie", id)
    name = cache.namespace.entry_key(key)
    seen: list[float] = []
    trips: list[float] = []
    gone = asyncio.Event()
    drop = cache.near.drop

    def dropped(names: Any) -> None:
        drop(names)
        if name in names:
            seen.append(time.monotonic())
            gone.set()

    vars(cache.near)["drop"] = dropped
    await cache.get(key, shelf)
    writer = await _another("--writer", str(path), name.decode(), str(n))
    assert writer.stdin is not None
    assert writer.stdout is not None
    for _ in range(n):
        writer.stdin.write(b"go\n")
        await asyncio.wait_for(gone.wait(), 10)
        gone.clear()
        await asyncio.sleep(0.002)
        began = time.monotonic()
        await cache.get(key, shelf)
        trips.append(time.monotonic() - began)
        await asyncio.sleep(0.002)
    sent = json.loads((await writer.communicate())[0])
    del vars(cache.near)["drop"]
    late = [there - here for here, there in zip(sent, seen, strict=False)]
    for what, q, goal in (("median", 0.5, 2.0), ("p99", 0.99, 4.0)):
        value, base = _percentile(late, q), _percentile(trips, q)
        _row(f"S4 another's write until it left here, {what}", value, "round trip", base, value / base, None, goal)
    await catalogue.near(False)


async def _s5(catalogue: Catalogue, rounds: int, n: int) -> None:
    cache, link = catalogue._binding.cache, catalogue._binding.cache._link
    payload = encode_movie(_movie(1))
    keys = [Key("bench", str(number)) for number in range(n)]
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
        return (time.perf_counter() - began) / n

    async def unsafe() -> float:
        await emptied()
        began = time.perf_counter()
        for name in names:
            await link.get(name)
            await link.exchange([("SET", name, payload, "PX", 600_000)])
        return (time.perf_counter() - began) / n

    taken = await _rounds({"token + fill": safe, "GET + SET": unsafe}, rounds)
    await emptied()
    _table("S5 safe miss", taken, "token + fill", "GET + SET", goal=1.35)


async def _s6(settings: Settings, id: str, times: int) -> None:
    """Processes whose tasks all want one cold movie; each store read takes _LOADER seconds more."""
    for _ in range(times):
        from redis.asyncio import Redis

        admin: Any = Redis.from_url(str(settings.redis_url))
        await admin.flushdb()
        await admin.aclose()
        words = ("--crowd", str(settings.redis_url), str(settings.postgres_url), str(settings.state_dir), id)
        crowd = [await _another(*words) for _ in range(_PROCESSES)]
        for process in crowd:
            assert process.stdout is not None
            await process.stdout.readline()
        at = time.monotonic() + 0.3
        told = await asyncio.gather(*(process.communicate(f"{at}\n".encode()) for process in crowd))
        loads, last = zip(*(json.loads(out) for out, _ in told), strict=True)
        beyond = max(last) - at - _LOADER
        verdict = "kept" if sum(loads) == 1 and beyond <= 0.02 else "missed"
        _say(
            f"{f'S6 {_PROCESSES} x {_TASKS} tasks on one cold key':44} {sum(loads)} load(s), last served"
            f" {beyond * 1000:+.1f} ms after the loader    goal 1, <= +20 ms: {verdict}"
        )


async def _crowd(redis_url: str, postgres_url: str, state_dir: str, id: str) -> None:
    from core.stores.postgres import PostgresStore

    loads, get = 0, PostgresStore.get

    async def slow(self: PostgresStore, wanted: str) -> Movie | None:
        nonlocal loads
        loads += 1
        await asyncio.sleep(_LOADER)
        return await get(self, wanted)

    PostgresStore.get = slow  # type: ignore[method-assign,assignment]
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=Path(state_dir))
    async with open_catalogue(settings) as catalogue:
        while catalogue.stats().doubt:
            await asyncio.sleep(0.01)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        at = float(sys.stdin.readline())
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        await asyncio.gather(*(catalogue.get(id) for _ in range(_TASKS)))
        last = time.monotonic()
    sys.stdout.write(json.dumps([loads, last]))


def _writer(path: str, name: str, n: int) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        sent = []
        command = b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$1\r\nx\r\n" % (len(name), name.encode())
        for _ in range(n):
            sys.stdin.readline()
            sent.append(time.monotonic())
            connection.sendall(command)
            connection.recv(64)
    sys.stdout.write(json.dumps(sent))


async def _another(*words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.ratios", *words, stdin=PIPE, stdout=PIPE
    )


# ------------------------------------------------------------------------------------------------------- the figures


async def _rounds(variants: dict[str, Variant], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for run in variants.values():
        await run()
    for _ in range(rounds):
        for name in random.sample(list(variants), len(variants)):
            taken[name].append(await variants[name]())
    return taken


def _table(
    what: str,
    taken: dict[str, list[float]],
    ours: str,
    base: str,
    *,
    goal: float | None = None,
    microseconds: float | None = None,
) -> None:
    for name, seconds in taken.items():
        if name == ours:
            continue
        ratios = [mine / theirs for mine, theirs in zip(taken[ours], seconds, strict=True)]
        judged = goal if name == base else None
        _row(what, median(taken[ours]), name, median(seconds), median(ratios), quantiles(ratios, n=4), judged)
    if microseconds is not None:
        value = median(taken[ours]) * 1e6
        low, _, high = (quarter * 1e6 for quarter in quantiles(taken[ours], n=4))
        verdict = "kept" if value <= microseconds else "missed"
        _say(f"   {value:.2f} us ({low:.2f}-{high:.2f})    goal <= {microseconds} us: {verdict}")


def _row(
    what: str, value: float, peer: str, theirs: float, ratio: float, spread: list[float] | None, goal: float | None
) -> None:
    quartiles = f" ({spread[0]:.3f}-{spread[2]:.3f})" if spread else ""
    verdict = "" if goal is None else f"goal <= {goal:.3f}: {'kept' if ratio <= goal else 'missed'}"
    figures = f"{value * 1e6:9.1f} us   {peer:16} {theirs * 1e6:9.1f} us   ratio {ratio:.3f}{quartiles:16}"
    _say(f"{what:44} {figures} {verdict}")


def _percentile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def _say(line: str) -> None:
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()


def _run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="A run of seconds, for CI.")
    parser.add_argument("--free", action="store_true", help="Let the scheduler choose the cores.")
    parser.add_argument("--crowd", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--writer", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    if chosen.writer:
        _writer(chosen.writer[0], chosen.writer[1], int(chosen.writer[2]))
    elif chosen.crowd:
        asyncio.run(_crowd(*chosen.crowd))
    else:
        if not chosen.free and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        _say(f"{'free placement' if chosen.free else 'one core'}, load {os.getloadavg()[0]:.1f}")
        asyncio.run(main(chosen.short))


if __name__ == "__main__":
    _run()
