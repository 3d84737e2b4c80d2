"""A few connections to one PostgreSQL server: opened when needed, kept while healthy, never waited for in vain.

Not psycopg_pool: it connects in the background, so that a caller waits out its whole time-out before a refused
connection, is not told the reason, and after an outage waits for the pool's back-off.
"""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, LiteralString, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from core.errors import OutcomeUnknown, StoreUnavailable
from core.stores import postgres_certificate as certificate
from core.stores import postgres_faults as faults

Connection = psycopg.AsyncConnection[TupleRow]
Statement = LiteralString | bytes | sql.Composed
Parameters = Sequence[object] | Mapping[str, object] | None

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # else its warnings go to the terminal the app draws on

_GRACE: Final = 1.0
"""Seconds beyond the server's own statement time-out after which a silent connection is cut, or half that time-out."""


_PROVEN: Final = 1.0
"""Seconds that an answer proves of a connection that it is there, as long as its end has not come in meanwhile."""
# A pooler invents the number of the process; and what is set on one of its connections, others would find there.
_SET_UP: Final = """
select pg_backend_pid() = %(pid)s, case when pg_backend_pid() = %(pid)s then
  set_config('statement_timeout', %(ms)s, false)
  || set_config('idle_in_transaction_session_timeout', %(ms)s, false) || set_config('jit', 'off', false)
end
"""
_ATTEMPTS: Final = 3
"""How often a write is tried that the server rolled back for the sake of another one."""

T = TypeVar("T")


class Brittle(psycopg.AsyncConnection[TupleRow]):
    """A connection that breaks when what is asked on it is cancelled.

    A whole one asks the server to cancel, and when that is stopped the caller waits five seconds for its own
    cancellation. To be used where statements are short and nothing waits for a lock."""

    async def cancel_safe(self, *, timeout: float = 30.0) -> None:  # noqa: ASYNC109  # the driver's own signature
        """Cut the connection."""
        _cut(self)


class Connections:
    """At most `most` connections at once, `brittle` or not; each statement has `timeout` seconds, or `limit` where that
    is more: as long as the server lets others connect within `timeout`.

    Raises StoreUnavailable with the true reason at once; ConnectionLost where a statement may have run.
    """

    def __init__(self, url: str, *, timeout: float, limit: float = 0.0, most: int = 8, brittle: bool = False) -> None:
        self._url = url
        self._timeout = timeout
        self._limit = max(timeout, limit)
        self._kind = Brittle if brittle else Connection
        self.pooled = False
        """Whether a pooler is in between, so that nothing of a session lasts; known once a connection was made."""
        self._grace = min(_GRACE, timeout / 2)
        self._most = most
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._answered: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        """When each was put back well (loop time)."""
        self._busy: set[Connection] = set()
        self._apart: set[Connection] = set()
        self._open = False

    def open_later(self) -> None:
        """Connect when a connection is needed first."""
        self._open = True

    async def open(self, *, patience: float | None = None) -> None:
        """Connect once, so that what is wrong shows now; within `patience` seconds, where the time-out is too short for
        making a connection."""
        self._open = True
        try:
            if not self._idle:
                await self._put_back(await self._connect(self._kind, patience))
        except BaseException:
            self._open = False
            raise

    async def close(self) -> None:
        """Let what is running end within the time-out, then close every connection. Idempotent.

        Who keeps a connection apart loses it at once."""
        if not self._open:
            return
        self._open = False
        for connection in self._apart:
            _cut(connection)
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
        free = await self._turn()
        try:
            connection = await self._take(proven)
            self._busy.add(connection)
            try:
                async with self.asking(connection, limit=limit):
                    yield connection
            finally:
                self._busy.discard(connection)
                await self._put_back(connection)
        finally:
            free.release()

    @asynccontextmanager
    async def asking(self, connection: Connection, *, limit: float | None = None) -> AsyncIterator[None]:
        """Turn the driver's errors into ours, and cut the connection when the server keeps silent beyond the limit."""
        limit = self._limit if limit is None else limit
        try:
            async with (
                _deadline(connection, limit + self._grace) as expired,
                self._watched(connection) as unanswered,
            ):
                yield
        except psycopg.Error as error:
            if not connection.closed or faults.pooled_by_statement(error):
                raise faults.unavailable(error, self._url) from None
            await self._forget_idle()
            if unanswered.is_set():
                raise faults.silent(self._url, self._timeout) from None
            raise (faults.silent(self._url, limit) if expired.is_set() else faults.lost(self._url)) from None

    @asynccontextmanager
    async def _watched(self, connection: Connection) -> AsyncIterator[asyncio.Event]:
        """Cut the connection before its limit where the server does not answer anybody any more, and say so."""
        unanswered = asyncio.Event()
        if self._limit <= self._timeout:
            yield unanswered
            return
        watching = asyncio.create_task(self._watch(connection, unanswered))
        try:
            yield unanswered
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _watch(self, connection: Connection, unanswered: asyncio.Event) -> None:
        while not unanswered.is_set():
            await asyncio.sleep(self._timeout)
            try:
                async with asyncio.timeout(self._timeout):
                    await (await Brittle.connect(self._conninfo(self._timeout))).close()
            except (TimeoutError, errors.ConnectionTimeout):
                unanswered.set()
                _cut(connection)
            except psycopg.Error:
                continue  # it refuses, so it is there; were it not, our connection would have ended by itself

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Connection]:
        """A brittle connection beyond the `most`, for who keeps it long and asks on it under `asking`."""
        self._refuse_if_closed()
        connection = await self._connect(Brittle)
        self._apart.add(connection)
        try:
            self._refuse_if_closed()
            yield connection
        finally:
            self._apart.discard(connection)
            await connection.close()

    async def rows(
        self, statement: Statement, parameters: Parameters = None, *, planned: bool = True
    ) -> list[TupleRow]:
        """The rows of a statement that may run twice: once more on a fresh connection where the first one broke.

        `planned`: PostgreSQL may keep the plan; else it plans for these very parameters."""

        async def ask() -> list[TupleRow]:
            async with self.borrow() as connection:
                found = await connection.execute(statement, parameters, prepare=None if planned else False)
                return await found.fetchall()

        try:
            return await ask()
        except faults.ConnectionLost as loss:
            if loss.timed_out:
                raise
            return await ask()

    async def written(self, write: Callable[[Connection], Awaitable[T]], *, limit: float | None = None) -> T:
        """What a write answers. Tried again only where the server said that it undid it; raises OutcomeUnknown where
        it may have happened or not."""
        try:
            async with self.borrow(proven=True, limit=limit) as connection:
                for _ in range(_ATTEMPTS - 1):
                    with suppress(errors.DeadlockDetected, errors.SerializationFailure):
                        return await write(connection)
                return await write(connection)
        except faults.ConnectionLost as loss:
            raise OutcomeUnknown(
                "PostgreSQL",
                f"{loss.reason} during a write, which may have been stored or not",
                remedy="Reload to see what is there, then try again.",
            ) from None

    async def _turn(self) -> asyncio.Semaphore:
        free = self._free
        try:
            async with asyncio.timeout(self._limit):
                await free.acquire()
        except TimeoutError:
            raise StoreUnavailable(
                "PostgreSQL",
                f"no connection became free within {self._limit:g} s",
                remedy="Try again when less is going on.",
            ) from None
        try:
            self._refuse_if_closed()
        except StoreUnavailable:
            free.release()
            raise
        return free

    def _refuse_if_closed(self) -> None:
        if not self._open:
            raise StoreUnavailable("PostgreSQL", "the store is closed", remedy="Open it first.")

    async def _take(self, proven: bool) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            if not proven or await self._answers(connection):
                return connection
            await self._forget_idle()
        return await self._connect(self._kind)

    async def _answers(self, connection: Connection) -> bool:
        asked_at = asyncio.get_running_loop().time()
        if asked_at - self._answered.get(connection, -_PROVEN) < _PROVEN and not _has_news(connection):
            return True
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
            self._answered[connection] = asyncio.get_running_loop().time()
        else:
            await connection.close()

    async def _forget_idle(self) -> None:
        """Where one connection broke, the others most likely did too: they have to prove nothing, they are replaced."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _connect(self, kind: type[Connection], patience: float | None = None) -> Connection:
        limit = patience or self._timeout
        try:
            async with asyncio.timeout(limit):
                connection = await kind.connect(self._conninfo(limit), autocommit=True)
                try:
                    await self._set_up(connection)
                except BaseException:
                    await connection.close()
                    raise
        except TimeoutError:
            raise faults.silent(self._url, limit) from None
        except psycopg.Error as error:
            fault = await certificate.fault_of(self._url, limit) if certificate.unexplained(error) else None
            raise faults.unavailable(error, self._url, fault) from None
        return connection

    def _conninfo(self, limit: float) -> str:
        return make_conninfo(
            self._url,
            client_encoding="UTF8",
            application_name="reelcache",
            connect_timeout=max(2, round(limit)),
        )

    async def _set_up(self, connection: Connection) -> None:
        info = connection.info
        if refusal := faults.refusal(info.server_version, info.parameter_status("server_encoding") or "", self._url):
            raise refusal
        set_up = await connection.execute(_SET_UP, {"pid": info.backend_pid, "ms": str(round(self._limit * 1000))})
        (itself, *_) = await set_up.fetchone() or (False,)
        if not itself:
            self.pooled = True
            # What is prepared here would be looked for elsewhere.
            connection.prepare_threshold = None


@asynccontextmanager
async def _deadline(connection: Connection, seconds: float) -> AsyncIterator[asyncio.Event]:
    """Cut the connection when the time is over: for a server that is stopped, or a network that swallows everything.

    Cutting is not cancelling: psycopg would ask that same server to cancel, and wait for its answer.
    """
    expired = asyncio.Event()

    def expire() -> None:
        if not connection.closed:
            expired.set()
            _cut(connection)

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield expired
    finally:
        timer.cancel()


def _has_news(connection: Connection) -> bool:
    """Whether the server has said something unasked, as it does before it ends a connection, or has ended it."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _cut(connection: Connection) -> None:
    """End the conversation; whoever waits for an answer wakes with an error and closes the connection."""
    if connection.closed:
        return
    with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as wire, suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
