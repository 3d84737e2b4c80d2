"""redis-py behind the cache's interface: for addresses whose parameters the lanes do not know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cache.background import Background
from core.cache.deadline import Deadline
from core.cache.wire import Batch, Command, Identify, Keeper, NotRedis, Overdue, Refused, Reply

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection, ConnectionPool


class Pooled:
    """A Wire of redis-py's connections, up to `connections` of them. Raises ValueError on a URL that means nothing.

    A read that is cancelled or late takes its connection along, so that no reply is left for the next user of it. It
    keeps nothing: on a pool nobody could say in which order a reply and a push were sent.
    """

    def __init__(self, url: str, budget: float, identify: Identify, *, connections: int = 32) -> None:
        self._budget = budget
        self._identify = identify
        self._batches = Background()
        self._slots = asyncio.Semaphore(connections)
        self._pool = self._new_pool(url, connections)

    async def call(self, commands: Sequence[Command], patience: float = 0.0) -> list[Reply]:
        """One exchange on a connection of its own."""
        from redis.exceptions import RedisError

        started = time.monotonic()
        sent: float | None = None
        try:
            with Deadline(self._budget + patience):
                async with self._slots:
                    sent = time.monotonic()
                    return await self._send(commands)
        except TimeoutError:
            if sent is None or sent - started > self._budget / 2:
                raise Overdue(
                    f"too many calls at once: no connection came free within {self._budget * 1000:.0f} ms."
                ) from None
            raise Overdue from None
        except RedisError as error:
            raise _plain(error) from error

    async def get(self, name: bytes, keeper: Keeper | None = None) -> bytes | None:
        """One plain read."""
        return (await self.get_many([name]))[0]

    async def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> list[bytes | None]:
        """Several, in the order of their names."""
        reply: Reply = (await self.call([("MGET", *names)]))[0]
        if isinstance(reply, Exception):
            raise reply
        values: list[bytes | None] = reply
        return values

    def read(self, batch: Batch) -> None:
        """Once this tick has put into it what it wants."""
        self._batches.start(self._read(batch))

    async def _read(self, batch: Batch) -> None:
        try:
            values = await self.get_many(batch.names())
        except asyncio.CancelledError:
            batch.failed(ConnectionAbortedError("the connection was given up"))
            raise
        except Exception as error:
            batch.failed(error)
        else:
            batch.landed(values)

    async def drop(self) -> None:
        """Close every connection."""
        await self._batches.close()
        await self._pool.disconnect(inuse_connections=True)

    async def _send(self, commands: Sequence[Command]) -> list[Reply]:
        from redis.exceptions import ResponseError

        connection: AbstractConnection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py
        replies: list[Reply] = []
        try:
            try:
                await connection.send_packed_command(connection.pack_commands(commands))
            except RuntimeError:  # uvloop's word for a connection whose end was not seen yet
                raise ConnectionError("the connection was lost") from None
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as refusal:
                    replies.append(_plain(refusal))
        finally:
            if len(replies) < len(commands):
                await connection.disconnect(nowait=True)
            await self._pool.release(connection)
        return replies

    async def _logged_in(self, connection: AbstractConnection) -> None:
        from redis.exceptions import ConnectionError as NotConnected

        from core.errors import CacheUnavailable

        await connection.on_connect()
        await connection.send_command("INFO")
        try:
            self._identify(await connection.read_response())
        except CacheUnavailable as stranger:
            raise NotConnected(str(stranger)) from stranger

    def _new_pool(self, url: str, connections: int) -> ConnectionPool:
        from redis.asyncio.connection import ConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        pool = ConnectionPool.from_url(url, max_connections=connections)
        # After the URL's own parameters, because none of these may be changed by one: a socket timeout loses
        # cancellations on Python 3.11, a retry outlives the budget, RESP2 needs no greeting, and we want bytes.
        pool.max_connections = connections
        pool.connection_kwargs.update(
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            retry_on_timeout=False,
            health_check_interval=0,
            decode_responses=False,
            protocol=2,
            driver_info=None,
            redis_connect_func=self._logged_in,
        )
        try:
            # Connects nothing yet, but refuses parameters that do not exist.
            pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py
        except (TypeError, RedisError) as problem:
            raise ValueError(str(problem)) from None
        return pool


def _plain(error: Exception) -> Exception:
    """redis-py's error as one of ours: it takes the code out of a refusal and makes a class of it."""
    from redis import exceptions as redis

    from core.errors import CacheUnavailable

    cause = error.__cause__
    if isinstance(cause, CacheUnavailable):
        return cause
    if isinstance(cause, redis.RedisError):
        return _plain(cause)  # on a unix socket redis-py wraps what it meets while it connects
    codes: tuple[tuple[type[Exception], str], ...] = (
        (redis.AuthenticationError, "WRONGPASS"),
        (redis.NoPermissionError, "NOPERM"),
        (redis.BusyLoadingError, "LOADING"),
        (redis.ReadOnlyError, "READONLY"),
        (redis.OutOfMemoryError, "OOM"),
        (redis.NoScriptError, "NOSCRIPT"),
    )
    for kind, code in codes:
        if isinstance(error, kind):
            return Refused(f"{code} {error}")
    if isinstance(error, redis.InvalidResponse):
        return NotRedis(str(error))
    if isinstance(error, redis.ResponseError):
        words = str(error)
        return Refused(words if words.partition(" ")[0].isupper() else f"ERR {words}")
    cause = cause or error.__context__
    return cause if isinstance(cause, OSError) else ConnectionError("the connection was lost")
