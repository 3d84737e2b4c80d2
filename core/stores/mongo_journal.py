"""What was committed to the movies since somebody looked: one change stream, read to its present end at each question.

An open stream answers within a millisecond, opening one costs several. What it told last is kept, for places differ.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from contextlib import suppress
from typing import Any, Final

import msgspec
from bson import Int64
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import NetworkTimeout, OperationFailure, PyMongoError

from core.stores.base import ChangedSince
from core.stores.mongo_connection import MOVIES, MongoConnection
from core.stores.mongo_documents import Document, id_of, nameable

_MOST: Final = 1_000
"""Changes that are told one by one."""
_WAIT: Final = 1
"""Milliseconds that the server waits for more at the end; it takes no 0."""
_OF_ONE: Final = ("insert", "update", "replace", "delete")


class _Place(msgspec.Struct, array_like=True, frozen=True):
    telling: str
    told: int


class Journal:
    """The stream of one collection, opened when it is first asked, and anew where an answer was not read to its end.

    What the server answers holds all that the majority has by then: no less than what any write waited for."""

    def __init__(self, at: MongoConnection) -> None:
        self._at = at
        self._turn = asyncio.Lock()
        self._session: AsyncClientSession | None = None
        self._cursor = 0
        self._after: Document = {}
        """The option of a stream that goes on behind all that was told."""
        self._telling = ""
        """A name for what was told without a gap."""
        self._told = 0
        self._last: deque[str] = deque(maxlen=_MOST)

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        """What was committed since a place; None for its ids where that cannot be told, or is too much, or there is no
        place. Raises the driver's errors; to be called without a time limit of the driver's."""
        async with self._turn:
            try:
                await self._read()
            except OperationFailure:  # such as a place that fell out of the server's history
                self._begin_anew()
                await self._read()
            except PyMongoError as problem:
                if problem.timeout:  # and would again: it is too far back
                    self._begin_anew()
                raise
            if not self._cursor:
                await self._read()
            since = None if place is None else msgspec.json.decode(place, type=_Place)
            told = since is not None and since.telling == self._telling and self._told - since.told <= len(self._last)
            ids = list(self._last)[len(self._last) - (self._told - since.told) :] if since and told else []
            here = msgspec.json.encode(_Place(self._telling, self._told))
            return ChangedSince(tuple(dict.fromkeys(ids)) if told else None, here)

    async def close(self) -> None:
        """Let the stream go."""
        session, self._session, self._cursor = self._session, None, 0
        if session is not None:
            await session.end_session()

    def _begin_anew(self) -> None:
        self._after, self._telling, self._told = {}, secrets.token_hex(8), 0
        self._last.clear()

    async def _read(self) -> None:
        cursor, self._cursor = self._cursor, 0
        with suppress(OperationFailure):  # such as a stream that nobody asked for ten minutes
            if cursor:
                await self._take(
                    {"getMore": Int64(cursor), "collection": MOVIES, "batchSize": _MOST, "maxTimeMS": _WAIT}
                )
                return
        await self.close()
        self._session = self._at.database.client.start_session()
        if not self._after:
            self._begin_anew()
        await self._take(
            {
                "aggregate": MOVIES,
                "pipeline": [{"$changeStream": self._after}, {"$project": {"operationType": 1, "documentKey": 1}}],
                "cursor": {"batchSize": _MOST},
                "readConcern": {"level": "majority"},
            }
        )

    async def _take(self, command: dict[str, Any]) -> None:
        try:
            # The driver's own limit would become that for which the server waits.
            async with asyncio.timeout(self._at.timeout):
                cursor = (await self._at.database.command(command, session=self._session))["cursor"]
        except TimeoutError as late:
            raise NetworkTimeout("the change stream did not answer in time") from late
        events: list[Document] = cursor["firstBatch" if "firstBatch" in cursor else "nextBatch"]
        if len(events) == _MOST or any(event["operationType"] not in _OF_ONE for event in events):
            # More than is worth being told, or of the whole collection: one goes on behind all of it.
            self._begin_anew()
            return
        keys = [event["documentKey"]["_id"] for event in events]
        ids = [id_of(key) for key in keys if nameable(key)]
        self._last.extend(ids)
        self._told += len(ids)
        self._cursor, self._after = cursor["id"], {"startAfter": cursor["postBatchResumeToken"]}
