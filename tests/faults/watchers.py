"""What the harness watches while it runs: the entries in Redis, and the connections to PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core import Movie
from core.cache.entry import UnreadableEntry, unpack
from core.cache.keys import Namespace
from core.stores.base import Store
from core.strategies.codec import CODEC, decode_movie
from core.strategies.keys import movie_key
from tests.faults.history import Journal, Noted, Sampled, now
from tests.faults.naive import naive_key, naive_movie

CONNECTIONS: Final = 12
"""Connections to PostgreSQL that one client may have: those of its pool, and a few that only listen."""
_EVERY: Final = 0.01


class Entries:
    """How the entries of one store are found in Redis and understood: ours, or those of the baseline."""

    def __init__(self, store: str, uid: str, *, naive: bool) -> None:
        self._store = store
        self._naive = naive
        self._namespace = Namespace("reelcache", f"{store}-{uid}" if uid else store)

    def key(self, id: str) -> bytes:
        """Where the entry of a movie is."""
        return naive_key(self._store, id).encode() if self._naive else self._namespace.entry_key(movie_key(id))

    def gate(self, id: str) -> bytes:
        """Where the gate of a movie is."""
        return self._namespace.gate_key(movie_key(id))

    @property
    def pattern(self) -> str:
        """The glob pattern of all movies' entries."""
        return naive_key(self._store, "*") if self._naive else f"{self._namespace.entries[:-1]}movie:*"

    def id(self, key: bytes) -> str:
        """The id of the movie whose entry this is."""
        return key.decode().rstrip("}").rpartition(":")[2]

    def movie(self, data: bytes) -> Movie | None:
        """What an entry says: a movie, or None for a known absence."""
        if self._naive:
            return naive_movie(data)
        entry = unpack(data)
        if entry.codec != CODEC:
            raise UnreadableEntry("another codec")
        if not entry.known:
            return None
        movie = decode_movie(entry.payload)
        return (
            movie
            if movie.version == entry.version
            else msgspec.structs.replace(movie, title="?", version=entry.version)
        )


async def sample(
    redis: Callable[[], Redis], entries: dict[str, Entries], keys: Sequence[str], journal: Journal, over: asyncio.Event
) -> None:
    """Write down what stands in Redis under these keys whenever it has changed, until it is over.

    Not cancelled: on Python 3.11 redis-py loses a cancellation that comes just as an answer does."""
    places = [(store, key) for store in entries for key in keys]
    names = [entries[store].key(key) for store, key in places]
    last: dict[tuple[str, str], bytes] = {}
    while not over.is_set():
        with contextlib.suppress(RedisError, OSError):
            async with redis() as client:
                while not over.is_set():
                    began = now()
                    values = await client.mget(names)
                    at = now()
                    for place, value in zip(places, values, strict=True):
                        if isinstance(value, bytes) and value != last.get(place):
                            movie = entries[place[0]].movie(value)
                            token, version = (movie.title, movie.version) if movie else ("", 0)
                            journal.write(Sampled(place[0], place[1], version, token, began, at))
                            last[place] = value
                    await asyncio.sleep(_EVERY)
        await asyncio.sleep(0.05)


async def count_connections(url: str, limit: Callable[[], int], journal: Journal, over: asyncio.Event) -> None:
    """Look how many connections the clients have to PostgreSQL, and note where that is too many, until it is over."""
    while not over.is_set():
        with contextlib.suppress(psycopg.Error):
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                while not over.is_set():
                    found = await connection.execute(
                        "select count(*) from pg_stat_activity"
                        " where application_name = 'reelcache' and datname = current_database()"
                    )
                    row = await found.fetchone()
                    if row and row[0] > limit():
                        journal.write(Noted("I12", "", f"{row[0]} connections to the store, of {limit()}", now()))
                    await asyncio.sleep(0.5)
        await asyncio.sleep(0.3)


async def differences(redis: Redis, entries: Entries, store: Store) -> dict[str, str]:
    """Which entries say something else than the store, and what."""
    found: dict[str, str] = {}
    names = [name async for name in redis.scan_iter(entries.pattern, count=1000)]
    if not names:
        return found
    values = await redis.mget(names)
    ids = [entries.id(name) for name in names]
    stored = await store.get_many(ids)
    for id, value in zip(ids, values, strict=True):
        if isinstance(value, bytes) and (movie := entries.movie(value)) != stored.get(id):
            found[id] = f"Redis has {_told(movie)}, the store {_told(stored.get(id))}"
    return found


async def cold_by_right(redis: Redis, entries: Entries, keys: Sequence[str]) -> set[str]:
    """The keys that a dead writer still holds: nobody may fill these until its token has expired."""
    held: set[str] = set()
    seconds, micro = await redis.time()
    for key in keys:
        gate = await redis.hgetall(entries.gate(key))
        moment = seconds * 1000 + micro // 1000
        if any(name != b"f" and int(until) > moment for name, until in gate.items()):
            held.add(key)
    return held


async def gate_told(redis: Redis, entries: Entries, key: str) -> str:
    """What keeps readers from filling this key: the writers at its gate, and the floor."""
    seconds, micro = await redis.time()
    told = []
    for name, value in (await redis.hgetall(entries.gate(key))).items():
        if name == b"f":
            told.append(f"its floor is {int(value, 16)}")
        else:
            told.append(f"a writer holds it for {int(value) - seconds * 1000 - micro // 1000} ms")
    return ", ".join(told) or "its gate is open"


def _told(movie: Movie | None) -> str:
    return f"version {movie.version} ({movie.title})" if movie else "nothing"
