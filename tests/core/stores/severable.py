"""A way to a MongoDB server that a test can cut: a socket of its own that passes everything on to the server's."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit


class Severable:
    """The way to the server at this URL, which names a Unix socket; `url` is the one to use instead."""

    def __init__(self, url: str) -> None:
        # Not pytest's own folder: a socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="way-"))
        self._here = self._folder / "s.sock"
        host = urlsplit(url).netloc.rpartition("@")[2]
        self._there = unquote(host)
        self.url = url.replace(host, quote(str(self._here), safe=""))
        self._passing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Severable:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cut()
        shutil.rmtree(self._folder)

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """Cut every connection and refuse new ones, while the body runs."""
        await self._cut()
        yield
        await self._open()

    async def _open(self) -> None:
        self._server = await asyncio.start_unix_server(self._connect, self._here)

    async def _cut(self) -> None:
        assert self._server is not None
        self._server.close()
        self._here.unlink(missing_ok=True)
        passing = list(self._passing)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(self._there)
        both = [asyncio.create_task(_copy(reader, questions)), asyncio.create_task(_copy(answers, writer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
            for end in (writer, questions):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(1 << 16):
            target.write(piece)
            await target.drain()
