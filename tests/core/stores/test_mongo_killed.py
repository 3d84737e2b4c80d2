"""A program killed in the middle of a write: nobody has to wait for what it left."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import pytest

from core.errors import MovieExists, MovieNotFound
from core.stores.mongo import MongoStore
from tests.core.movies import movie

PROGRAM = """
import asyncio, os, signal, sys
from pymongo.asynchronous.collection import AsyncCollection
from core.stores.mongo import MongoStore
from tests.core.movies import movie

url, operation, call = sys.argv[1:]
done = getattr(AsyncCollection, call)

async def and_die(self, *arguments, **options):
    await done(self, *arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = MongoStore(url)
    await store.open()
    if operation == "insert":
        setattr(AsyncCollection, call, and_die)
        await store.insert(movie(1))
    added = await store.insert(movie(1))
    setattr(AsyncCollection, call, and_die)
    await store.delete(added.id, added.version)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("operation", "call"),
    [("insert", "find_one_and_update"), ("delete", "find_one_and_delete"), ("delete", "find_one_and_update")],
)
async def test_the_next_one_writes_the_same_movie_at_once(mongo_url: str, operation: str, call: str) -> None:
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, mongo_url, operation, call)
    assert await killed.wait() == -signal.SIGKILL
    store = MongoStore(mongo_url)
    await store.open()
    started = time.monotonic()
    before = await store.get("Q1")
    if before is None:
        added = await store.insert(movie(1))
    else:
        with pytest.raises(MovieExists):
            await store.insert(movie(1))
        removal = await store.delete("Q1", before.version)
        with pytest.raises(MovieNotFound):
            await store.delete("Q1", before.version)
        added = await store.insert(movie(1))
        assert added.version > removal
    assert time.monotonic() - started < 4, "a transaction that was left open would time out after 5 s"
    assert await store.get("Q1") == added
    await store.close()
