"""Peers: other libraries' reads of one decoded movie, each on the same Redis and in the way its manual shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Final

from core import Movie
from core.strategies.codec import decode_movie, encode_movie
from tests.bench.desk import PORT

Read = Callable[[str], Awaitable[Any]]
Setup = Callable[[contextlib.AsyncExitStack, Mapping[str, Movie]], Awaitable[Read]]
NOT_INSTALLED: Final = "peer not installed"
_CONNECTIONS: Final = 8


class Peers:
    """The reads of the peers that are there, and why the others are not."""

    def __init__(self) -> None:
        self.reads: dict[str, Read] = {}
        self.absent: dict[str, str] = {}


async def peers(stack: contextlib.AsyncExitStack, movies: tuple[Movie, ...]) -> Peers:
    """Every peer, with all these movies in its cache."""
    found, by_id = Peers(), {movie.id: movie for movie in movies}
    for name, (module, setup) in _SETUPS.items():
        if not find_spec(module):
            found.absent[name] = NOT_INSTALLED
            continue
        try:
            read = await setup(stack, by_id)
            for movie in movies:
                assert await read(movie.id) == movie
                assert await read(movie.id) == movie
            found.reads[name] = read
        except Exception as problem:  # whatever is wrong with a peer is no reason to print no table
            found.absent[name] = f"{type(problem).__name__}: {problem}"
    return found


async def _redis_asyncio(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    from redis.asyncio import Redis

    pool: Any = Redis(port=PORT, max_connections=_CONNECTIONS)
    stack.push_async_callback(pool.aclose)
    slots = asyncio.Semaphore(_CONNECTIONS)
    for movie in movies.values():
        await pool.set(f"bench:{movie.id}", encode_movie(movie))

    async def read(id: str) -> Movie:
        async with slots:
            return decode_movie(await pool.get(f"bench:{id}"))

    return read


async def _cashews(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    from cashews import Cache

    cache: Any = Cache()
    cache.setup(f"redis://127.0.0.1:{PORT}/1")
    stack.push_async_callback(cache.close)

    @cache(ttl="1h", key="movie:{id}")  # type: ignore[untyped-decorator]
    async def read(id: str) -> Movie:
        return movies[id]

    return read  # type: ignore[no-any-return]


async def _aiocache(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    from aiocache import Cache, cached
    from aiocache.serializers import PickleSerializer

    @cached(  # type: ignore[untyped-decorator]
        ttl=3600,
        cache=Cache.REDIS,
        endpoint="127.0.0.1",
        port=PORT,
        serializer=PickleSerializer(),
        key_builder=lambda _, id: f"aio:{id}",
    )
    async def read(id: str) -> Movie:
        return movies[id]

    return read  # type: ignore[no-any-return]


async def _coredis(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    import coredis

    client: Any = coredis.Redis.from_url(f"redis://127.0.0.1:{PORT}/0", max_connections=_CONNECTIONS)
    await stack.enter_async_context(client)

    async def read(id: str) -> Movie:
        return decode_movie(await client.get(f"bench:{id}"))

    return read


async def _dogpile(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    """It knows no asyncio: this blocks the loop, which is the fastest that it can do and no way to serve many."""
    region = dogpile_region()
    stack.callback(region.backend.reader_client.close)

    async def read(id: str) -> Movie:
        return region.get_or_create(f"dog:{id}", lambda: movies[id])  # type: ignore[no-any-return]

    return read


async def _dogpile_threads(stack: contextlib.AsyncExitStack, movies: Mapping[str, Movie]) -> Read:
    """The same beside an event loop: in threads."""
    region, threads = dogpile_region(), stack.enter_context(ThreadPoolExecutor(_CONNECTIONS))
    stack.callback(region.backend.reader_client.close)
    loop = asyncio.get_running_loop()

    async def read(id: str) -> Movie:
        return await loop.run_in_executor(threads, region.get_or_create, f"dog:{id}", lambda: movies[id])

    return read


def dogpile_region(**more: Any) -> Any:
    """A region of dogpile.cache on the Redis at PORT."""
    from dogpile.cache import make_region

    arguments = {"host": "127.0.0.1", "port": PORT, "db": 2, "redis_expiration_time": 3600, **more}
    return make_region().configure("dogpile.cache.redis", expiration_time=1800, arguments=arguments)


_SETUPS: Final[dict[str, tuple[str, Setup]]] = {
    "redis.asyncio": ("redis", _redis_asyncio),
    "cashews": ("cashews", _cashews),
    "aiocache": ("aiocache", _aiocache),
    "coredis": ("coredis", _coredis),
    "dogpile.cache": ("dogpile", _dogpile),
    "dogpile in threads": ("dogpile", _dogpile_threads),
}
