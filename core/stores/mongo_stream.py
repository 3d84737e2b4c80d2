"""One change stream over our database, read a whole batch at a time.

The driver's own stream gives one event at a time and does not tell whether more are there already: to gather a batch
one would have to wait for an event that may not come. It also goes on by itself after an error, where we have to know.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from bson import Int64
from pymongo.errors import OperationFailure

from core.errors import StoreUnavailable
from core.stores.mongo_connection import MOVIES, RELAY, THEATERS, MongoConnection
from core.stores.mongo_documents import MARK, SEALED, Document
from core.stores.mongo_lease import LEASE

_MOST: Final = 1_000
"""Events in one batch."""
_WAIT: Final = 1_000
"""Milliseconds that the server waits for an event."""
_PATIENCE: Final = 1.0
"""Seconds for a parting word."""
_FIELDS: Final = ("operationType", "ns", "documentKey", "updateDescription", "wallTime")
_MARK: Final = f"fullDocument.{MARK}"
_STAGES: Final[list[Document]] = [
    {
        "$match": {
            "$or": [
                {"ns.coll": {"$in": [MOVIES, THEATERS]}},
                {"to.coll": {"$in": [MOVIES, THEATERS]}},
                {"operationType": "dropDatabase"},
                {"ns.coll": RELAY, "operationType": "insert", "documentKey._id": {"$ne": LEASE}},
            ]
        }
    },
    {"$project": dict.fromkeys((*_FIELDS, *(f"fullDocument.{name}" for name in ("_id", *SEALED))), 1)},
]


class HistoryLost(Exception):
    """The server cannot go on from the place that it was given."""


class ChangeStream:
    """What happened to the movies and the barriers after a place, or from now on; `without` the insertion of documents
    that bear this mark of a load. What stands at the place must not bear it: the server looks for that.

    Entering raises StoreUnavailable, or HistoryLost.
    """

    def __init__(self, at: MongoConnection, after: Document | None, *, without: str) -> None:
        self._at = at
        self._after = after
        self._without = without
        self._session = at.database.client.start_session()
        self._cursor = 0
        self._first: list[Document] = []
        self.place: Document = {}
        """Behind all that was read: the option of a stream that goes on there."""

    async def __aenter__(self) -> ChangeStream:
        after = self._after or {}
        began = after.get("startAtOperationTime")
        # The server counts what happened at that very moment in.
        later = [{"$match": {"clusterTime": {"$gt": began}}}] if began else []
        others = {"$match": {"$or": [{"operationType": {"$ne": "insert"}}, {_MARK: {"$ne": self._without}}]}}
        try:
            with self._at.call():
                self._first = await self._run(
                    {
                        "aggregate": 1,
                        "pipeline": [{"$changeStream": after}, others, *later, *_STAGES],
                        "cursor": {"batchSize": _MOST},
                        "readConcern": {"level": "majority"},
                    },
                    # Whatever else is wrong will be wrong again without the place.
                    lost=self._after is not None,
                )
        except BaseException:
            await self._session.end_session()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cursor and kind is not None and not issubclass(kind, HistoryLost):
            with suppress(StoreUnavailable), self._at.call(_PATIENCE):
                await self._at.database.command({"killCursors": "$cmd.aggregate", "cursors": [self._cursor]})
        await self._session.end_session()

    async def batch(self) -> list[Document]:
        """The next events, oldest first; none after a second in which nothing happened.

        Raises StoreUnavailable, or HistoryLost."""
        first, self._first = self._first, []
        if first:
            return first
        if not self._cursor:
            raise HistoryLost
        with self._at.long_call():
            return await self._run(
                {
                    "getMore": Int64(self._cursor),
                    "collection": "$cmd.aggregate",
                    "batchSize": _MOST,
                    "maxTimeMS": _WAIT,
                },
                lost=True,
            )

    async def _run(self, command: dict[str, Any], *, lost: bool) -> list[Document]:
        try:
            cursor = (await self._at.database.command(command, session=self._session))["cursor"]
        except OperationFailure as problem:
            if lost and not problem.has_error_label("ResumableChangeStreamError"):
                raise HistoryLost from problem
            raise
        self._cursor = cursor["id"]
        self.place = {"startAfter": cursor["postBatchResumeToken"]}
        batch: list[Document] = cursor["firstBatch" if "firstBatch" in cursor else "nextBatch"]
        return batch
