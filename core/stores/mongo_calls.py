"""The frame of every call to MongoDB: the driver's errors become ours, and a cancellation is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pymongo
from bson.errors import BSONError
from pymongo.errors import PyMongoError

from core.stores.mongo_errors import unavailable


class Cancellation:
    """Whether the running task was cancelled since this was made.

    Under a time limit the driver sends by asyncio.wait_for, which on Python 3.11 loses a cancel() that arrives when the
    sending is done already: the call then ends as if nobody had asked it to stop.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    def heed(self) -> None:
        """Raise the CancelledError that may have been lost."""
        if self._task and self._task.cancelling() > self._before:
            raise asyncio.CancelledError


@contextmanager
def calling(address: str, seconds: float | None = None) -> Iterator[Cancellation]:
    """Turn whatever the driver raises into StoreUnavailable. The address is the masked one.

    Without a limit of `seconds` the call takes as long as it takes, but still ends soon after the server went away:
    a limit would also be the driver's patience with a missing server.
    """
    cancellation = Cancellation()
    try:
        with nullcontext() if seconds is None else pymongo.timeout(seconds):
            yield cancellation
    except (PyMongoError, BSONError) as problem:
        cancellation.heed()
        raise unavailable(problem, address) from problem
    cancellation.heed()
