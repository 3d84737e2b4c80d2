"""A few connections to one PostgreSQL server: opened when needed, kept while healthy, never waited for in vain.

Not psycopg_pool: it connects in the background, so that a caller waits out its whole time-out before a refused
connection, is not told the reason, and after an outage waits for the pool's back-off.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from core.errors import StoreUnavailable
from core.stores import postgres_faults as faults

Connection = psycopg.AsyncConnection[TupleRow]

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # else its warnings go to the terminal the app draws on

_GRACE: Final = 1.0
"""Seconds beyond the server's own statement time-out after which a silent connection is cut."""


class Connections:
    """At most `most` connections at once; each statement has `timeout` seconds.

    Raises StoreUnavailable with the true reason at once; ConnectionLost where a statement may have run.
    """

    def __init__(self, url: str, *, timeout: float, most: int = 8) -> None:
        self._url = url
        self._timeout = timeout
        self._most = most
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._open = False

    async def open(self) -> None:
        """Connect once, so that what is wrong shows now."""
        self._open = True
        try:
            async with self.borrow():
                pass
        except BaseException:
            self._open = False
            raise

    async def close(self) -> None:
        """Let what is running end within the time-out, then close every connection. Idempotent."""
        if not self._open:
            return
        self._open = False
        try:
            async with asyncio.timeout(self._timeout):
                for _ in range(self._most):
                    await self._free.acquire()
        except TimeoutError:
            pass
        finally:
            for connection in (*self._idle, *self._busy):
                await connection.close()
            self._idle.clear()
            self._free = asyncio.Semaphore(self._most)

    @asynccontextmanager
    async def borrow(self, *, proven: bool = False, limit: float | None = None) -> AsyncIterator[Connection]:
        """A connection in autocommit mode. `proven`: it answered just now, so that a write is not sent into the void.

        Statements have `limit` seconds where given; the server is told so by whoever runs one.
        """
        limit = self._timeout if limit is None else limit
        free = await self._turn()
        try:
            connection = await self._take(proven)
            self._busy.add(connection)
            try:
                async with _deadline(connection, limit + _GRACE) as expired:
                    yield connection
            except psycopg.Error as error:
                if not connection.closed:
                    raise faults.unavailable(error, self._url) from None
                await self._forget_idle()
                raise (faults.silent(self._url, limit) if expired.is_set() else faults.lost(self._url)) from None
            finally:
                self._busy.discard(connection)
                await self._put_back(connection)
        finally:
            free.release()

    async def _turn(self) -> asyncio.Semaphore:
        free = self._free
        try:
            async with asyncio.timeout(self._timeout):
                await free.acquire()
        except TimeoutError:
            raise StoreUnavailable(
                "PostgreSQL",
                f"no connection became free within {self._timeout:g} s",
                remedy="Try again when less is going on.",
            ) from None
        if not self._open:
            free.release()
            raise StoreUnavailable("PostgreSQL", "the store is closed", remedy="Open it first.")
        return free

    async def _take(self, proven: bool) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            if not proven or await self._answers(connection):
                return connection
            await self._forget_idle()
        return await self._connect()

    async def _answers(self, connection: Connection) -> bool:
        try:
            async with _deadline(connection, self._timeout):
                await connection.execute("")
        except psycopg.Error:
            await connection.close()
            return False
        except BaseException:
            await connection.close()
            raise
        return True

    async def _put_back(self, connection: Connection) -> None:
        healthy = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        if healthy and self._open:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _forget_idle(self) -> None:
        """Where one connection broke, the others most likely did too: they have to prove nothing, they are replaced."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._timeout):
                connection = await psycopg.AsyncConnection.connect(self._conninfo(), autocommit=True)
                try:
                    await self._set_up(connection)
                except BaseException:
                    await connection.close()
                    raise
        except TimeoutError:
            raise faults.silent(self._url, self._timeout) from None
        except psycopg.Error as error:
            raise faults.unavailable(error, self._url) from None
        return connection

    def _conninfo(self) -> str:
        return make_conninfo(
            self._url,
            client_encoding="UTF8",
            application_name="reelcache",
            connect_timeout=max(2, round(self._timeout)),
        )

    async def _set_up(self, connection: Connection) -> None:
        info = connection.info
        if refusal := faults.refusal(info.server_version, info.parameter_status("server_encoding") or "", self._url):
            raise refusal
        milliseconds = str(round(self._timeout * 1000))
        await connection.execute(
            "select set_config('statement_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false), set_config('jit', 'off', false)",
            (milliseconds, milliseconds),
        )


@asynccontextmanager
async def _deadline(connection: Connection, seconds: float) -> AsyncIterator[asyncio.Event]:
    """Cut the connection when the time is over: for a server that is stopped, or a network that swallows everything.

    Cutting is not cancelling: psycopg would ask that same server to cancel, and wait for its answer.
    """
    expired = asyncio.Event()

    def cut() -> None:
        if connection.closed:
            return
        expired.set()
        with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(seconds, cut)
    try:
        yield expired
    finally:
        timer.cancel()
