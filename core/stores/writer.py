"""Movies written out as a store takes them by a process of their own (`worker`): on another core than the driver and
the reading."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from core.model import Movie
from core.packed import Columns, PackedMovies, decode, movies_of, parts_of

MANY: Final = 20_000
"""Movies from which on it is worth half a second of starting."""
LENGTH: Final = 4
"""Bytes in front of each request and each answer that say how long it is."""
_MOST: Final = 1 << 26
"""Bytes of an answer that are read ahead."""


class Request(msgspec.Struct, array_like=True, gc=False):
    """Movies, and what MongoDB's documents hold besides."""

    parts: Sequence[msgspec.Raw]
    """Columns of movies, packed."""
    versions: Sequence[int] = ()
    mark: str = ""

    @classmethod
    def of(cls, movies: Sequence[Movie], versions: Sequence[int] = (), mark: str = "") -> Request:
        """The request for these movies."""
        return cls(parts_of(movies), versions, mark)

    @property
    def columns(self) -> Iterator[Columns]:
        """What the movies say, part by part."""
        return map(decode, self.parts)

    @property
    def movies(self) -> Iterator[Movie]:
        """The movies."""
        return (movie for columns in self.columns for movie in movies_of(columns))


Write = Callable[[Request], bytes]
"""Writes them out as one store takes them."""


class Writer:
    """The process, or this one where it is not there (any more)."""

    def __init__(self, write: Write, process: Process | None = None) -> None:
        self._write = write
        self._process = process
        self._turn = asyncio.Lock()

    async def written(self, movies: Sequence[Movie], versions: Sequence[int] = (), mark: str = "") -> bytes:
        """The movies as the store takes them."""
        async with self._turn:
            if (process := self._process) is not None:
                packed = msgspec.msgpack.encode(
                    Request.of(movies, versions, mark)
                    if isinstance(movies, PackedMovies)
                    else await asyncio.to_thread(Request.of, movies, versions, mark)
                )
                self._process = None  # a conversation that was broken off is not taken up again
                try:
                    answer = await _asked(process, packed)
                except (OSError, asyncio.IncompleteReadError):
                    pass
                else:
                    self._process = process
                    return answer
        return await asyncio.to_thread(lambda: self._write(Request.of(movies, versions, mark)))


@asynccontextmanager
async def writing(store: str, write: Write, expected: int) -> AsyncIterator[Writer]:
    """A writer for about so many movies; its process ends with the body."""
    if expected < MANY:
        yield Writer(write)
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "core.stores.worker", store),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
        limit=_MOST,
    )
    try:
        yield Writer(write, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


async def _asked(process: Process, packed: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdin.is_closing():  # uvloop's pipe would answer with a RuntimeError
        raise BrokenPipeError
    process.stdin.write(len(packed).to_bytes(LENGTH) + packed)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(LENGTH))
    return await process.stdout.readexactly(length)
