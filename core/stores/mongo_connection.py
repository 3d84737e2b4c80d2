"""The connection of the MongoDB store: which server is fit, how durable a write is, and what a transaction is."""

from __future__ import annotations

import asyncio
import random
import time
import warnings
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidName, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from core.errors import StoreUnavailable
from core.masking import masked
from core.stores.mongo_calls import Cancellation, calling
from core.stores.mongo_documents import Document
from core.stores.mongo_errors import LEAST_VERSION, SERVER, outcome_unknown, standalone, too_old, unreadable, unusable

DEFAULT_DATABASE: Final = "sample_mflix"
MOVIES: Final = "movies"
THEATERS: Final = "theaters"
NOTES: Final = "reelcache_notes"
TOMBSTONES: Final = "reelcache_tombstones"
RELAY: Final = "reelcache_relay"
SUSPENSIONS: Final = "reelcache_suspensions"

_CONNECTIONS: Final = 16
"""At most so many at a time: a store whose cache is away is not run over."""
CONCURRENT: Final = 30.0
"""Seconds for which a transaction that met a concurrent one is tried again."""
_DURABLE: Final = WriteConcern("majority", j=True)

_T = TypeVar("_T")


class MongoConnection:
    """One client of one server, and our collections in its database; `timeout` is in seconds, for one call.

    No more than `connections` calls are under way at a time; others wait for their turn within their time limit.
    """

    def __init__(self, url: str, timeout: float, *, connections: int = _CONNECTIONS) -> None:
        self._url = url
        self.address = masked(url)
        self.timeout = timeout
        self._connections = connections
        self._client: AsyncMongoClient[Document] | None = None

    async def open(self) -> None:
        """Connect, if not connected. Raises StoreUnavailable, also where the server is not fit."""
        if self._client is not None:
            return
        try:
            with self.call():
                await self._connect()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def version(self) -> str:
        """The server's version."""
        return str((await self.database.command("buildInfo"))["version"])

    async def _connect(self) -> None:
        try:
            # Of an option that it does not know, the driver would only warn, on the terminal that the screen is on.
            with warnings.catch_warnings(action="error", category=UserWarning):
                self._client = self._new_client()
            _ = self.database
        except (ValueError, TypeError, ConfigurationError, InvalidName, UserWarning):
            raise unusable(self.address) from None
        except OSError as problem:
            raise unreadable(problem) from None
        version = await self.version()
        if tuple(int(part) for part in version.split(".")[:2]) < LEAST_VERSION:
            raise too_old(version)
        hello = await self.database.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise standalone(self.address)

    def _new_client(self) -> AsyncMongoClient[Document]:
        limit = round(self.timeout * 1_000)
        return AsyncMongoClient(
            self._url,
            appname="reelcache",
            serverSelectionTimeoutMS=limit,
            connectTimeoutMS=limit,
            maxPoolSize=self._connections,
            waitQueueTimeoutMS=limit,
            tz_aware=False,
            unicode_decode_error_handler="replace",
            datetime_conversion="DATETIME_AUTO",
        )

    def call(self, seconds: float | None = None) -> AbstractContextManager[Cancellation]:
        """The frame of one call, within the time limit or these seconds, whichever is shorter."""
        return calling(self.address, self.timeout if seconds is None else min(seconds, self.timeout))

    def long_call(self) -> AbstractContextManager[Cancellation]:
        """The frame of a call that may take long; it still ends soon where the server is gone."""
        return calling(self.address)

    @property
    def database(self) -> AsyncDatabase[Document]:
        """The database that the URL names. Raises StoreUnavailable when not connected."""
        if self._client is None:
            raise StoreUnavailable(SERVER, "the store is not open", remedy="Open it first.")
        return self._client.get_default_database(DEFAULT_DATABASE).with_options(
            read_preference=ReadPreference.PRIMARY, write_concern=_DURABLE, read_concern=ReadConcern("majority")
        )

    @property
    def movies(self) -> AsyncCollection[Document]:
        """The movies."""
        return self.database[MOVIES]

    @property
    def theaters(self) -> AsyncCollection[Document]:
        """The theaters."""
        return self.database[THEATERS]

    @property
    def notes(self) -> AsyncCollection[Document]:
        """Small texts, and who made the collection."""
        return self.database[NOTES]

    @property
    def tombstones(self) -> AsyncCollection[Document]:
        """The versions of removed movies."""
        return self.database[TOMBSTONES]

    @property
    def relay(self) -> AsyncCollection[Document]:
        """Who follows the changes and how far they were applied, and the barriers that wait for it."""
        return self.database[RELAY]

    @property
    def suspensions(self) -> AsyncCollection[Document]:
        """Who says that the cache may be outdated, and until when."""
        return self.database[SUSPENSIONS]

    async def uuid(self, name: str) -> bytes:
        """The name that the server gave this collection of ours when it was created, and no copy of it has."""
        [found] = await (await self.database.list_collections(filter={"name": name})).to_list()
        return bytes(found["info"]["uuid"])

    async def transact(
        self, work: Callable[[AsyncClientSession], Coroutine[Any, Any, _T]], seconds: float = CONCURRENT
    ) -> _T:
        """Run the work in one transaction, again when it met a concurrent one, for so long as that may take.

        The driver's own withtransaction also tries again for two minutes when the server is gone: here that ends it.
        """
        patience, until = 0.002, time.monotonic() + seconds
        while True:
            try:
                async with (
                    self.database.client.start_session() as session,
                    await session.start_transaction(ReadConcern("snapshot"), _DURABLE, ReadPreference.PRIMARY),
                ):
                    return await work(session)
            except PyMongoError as problem:
                # Before the commit nothing was stored, whatever went wrong.
                if problem.has_error_label("UnknownTransactionCommitResult"):
                    raise outcome_unknown(self.address) from problem
                if not met_another(problem) or time.monotonic() > until:
                    raise
            await asyncio.sleep(random.uniform(0, patience))
            patience = min(2 * patience, 0.2)


def met_another(problem: PyMongoError) -> bool:
    """Whether a transaction was rolled back for the sake of another one, or of the server's cache; nothing tells them
    apart."""
    return isinstance(problem, OperationFailure) and problem.has_error_label("TransientTransactionError")
