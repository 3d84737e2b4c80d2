"""The HTTP API over real databases, in this process, and a client of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from core import Catalogue, Settings, open_catalogue
from core.listening import LOOPBACK, Address, as_flags, listening
from tests.core.waiting import until
from tui.api.application import application
from tui.commands.api import ApiServer

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What came back: `said` is its JSON or text, None where there is no body."""

    status: int
    headers: dict[str, str]
    said: Any

    @property
    def cache(self) -> str:
        return self.headers["x-cache"]

    @property
    def etag(self) -> str:
        return self.headers["etag"]


class Api:
    """A client of the API at this address, and the catalogue behind it."""

    def __init__(self, url: str, catalogue: Catalogue, client: aiohttp.ClientSession) -> None:
        self.url, self.catalogue = url, catalogue
        self._client = client

    async def ask(self, method: str, path: str, *, body: object = None, **headers: str) -> Answer:
        """The answer to a request; `body` is sent as JSON unless it is bytes. Names of headers are written with _."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            named.setdefault("Content-Type", JSON)
        data = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        url = URL(self.url + path, encoded=True)
        async with self._client.request(method, url, headers=named, **data) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            said: Any = await answer.text() or None
            if said is not None and told["content-type"] in (JSON, PROBLEM):
                said = json.loads(said)
            return Answer(answer.status, told, said)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, **headers)

    async def refused(self, status: int, method: str, path: str, *, body: object = None, **headers: str) -> Any:
        """The problem in an answer of this status."""
        answer = await self.ask(method, path, body=body, **headers)
        assert answer.status == status, answer
        assert answer.headers["content-type"] == PROBLEM
        assert answer.said["status"] == status
        assert answer.said["title"]
        assert answer.said["detail"]
        assert {"x-cache", "x-cache-strategy", "server-timing"} <= set(answer.headers)
        return answer.said


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Api]:
    """The API of a catalogue of these settings, on a free port; the cache is believed."""
    with listening(Address(LOOPBACK, 0), as_flags) as listener:
        listener.setblocking(False)
        async with open_catalogue(settings) as catalogue:
            server = ApiServer(application(catalogue))
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                async with aiohttp.ClientSession() as client:
                    yield Api(url, catalogue, client)
            finally:
                server.should_exit = True
                await running


async def believed(api: Api) -> None:
    """Wait until the cache is used."""
    await until(lambda: (stats := api.catalogue.stats()).cache_problem is None and stats.doubt is None)


async def when_believed(api: Api, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """The answer while Redis is believed. On a busy machine it is in doubt for a moment, also between two questions:
    what is asked then is answered past the cache, and may fill nothing."""
    async with asyncio.timeout(60):
        while True:
            await believed(api)
            if (answer := await api.ask(method, path, **headers)).cache != "bypass":
                return answer


async def twice_when_believed(api: Api, *paths: str) -> tuple[Answer, Answer]:
    """The first two answers to one of these questions, Redis being believed for both of them. Where it was not, a fill
    may have arrived or not, and there is no first answer to that question any more: then the next question is asked."""
    for path in paths:
        await believed(api)
        first, second = await api.get(path), await api.get(path)
        if "bypass" not in (first.cache, second.cache):
            return first, second
    raise AssertionError(f"Redis was in doubt at each of {paths}")
