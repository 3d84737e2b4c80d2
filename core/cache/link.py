"""The way to one Redis server: pooled connections, with a time budget and a circuit breaker around every exchange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from random import random
from typing import TYPE_CHECKING, Any, Final

from core.cache import scripts
from core.cache.breaker import Breaker
from core.cache.deadline import Deadline
from core.cache.failures import explain, told
from core.cache.info import info_fields
from core.errors import CacheUnavailable
from core.masking import masked

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection, ConnectionPool

Command = tuple[bytes | str | int, ...]
Reply = Any
"""What RESP2 has: bytes, int, None, a list of these, or the ResponseError with which the server refused the command."""

_OLDEST: Final = (7, 0)
_PATIENCE: Final = 1.0
_BACKOFF_LIMIT: Final = 1.0


class Link:
    """Sends commands to the server at `url`. Each exchange has `budget` seconds in all; `connections` may be open.

    A read that is cancelled or late takes its connection along, so that no reply is left for the next user of it; an
    invalidation runs on as a task of its own, so that no caller's cancellation stops it half way.

    Every connection asks who answers: another `run_id` than the one that was greeted means a server that was restarted
    or replaced, whose data may be of any age, and opens the breaker at once. While the breaker is not closed a task
    probes the server; a probe that is answered greets it, counts in `greetings`, and closes the breaker. Whether what
    the server holds may be believed is for the caller to find out after each greeting.
    """

    def __init__(self, url: str, *, budget: float, connections: int = 32) -> None:
        self.address = masked(url)
        self.breaker = Breaker(clock=time.monotonic, random=random, backoff_limit=_BACKOFF_LIMIT)
        self.greetings = 0
        """How often the server was greeted: after each outage once."""
        self.run_id = ""
        """Which life of which server was greeted last."""
        self._url = url
        self._budget = budget
        self._connections = connections
        self._pool: ConnectionPool | None = None
        self._slots = asyncio.Semaphore(connections)
        self._tasks: set[asyncio.Task[list[Reply]]] = set()
        self._recovery: asyncio.Task[None] | None = None
        self._clock_offset: float | None = None
        self._answered = 0.0
        """When the server last answered any call (monotonic seconds)."""
        self._greeting: asyncio.Task[object] | None = None
        self._closed = asyncio.Event()
        """The breaker is closed."""

    async def open(self) -> None:
        """Connect and check the server; where it is away, start with an open breaker."""
        self._pool = self._new_pool()
        if self._pool is None:
            self.breaker.trip(f"{self.address} is no address of a Redis server. Correct redis_url.")
            return
        try:
            await self._greet()
        except CacheUnavailable as problem:
            self.breaker.trip(told(problem))
            self._recover_when_open()
        else:
            self._closed.set()

    async def close(self) -> None:
        """End the probe and the invalidations under way, and close every connection. Idempotent."""
        pool, self._pool = self._pool, None
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if pool is not None:
            await pool.disconnect()

    async def answering(self) -> None:
        """Wait until the breaker is closed."""
        await self._closed.wait()

    def now_ms(self) -> int:
        """The server's clock, as of the last greeting and carried on by a clock that never steps."""
        offset = time.time() - time.monotonic() if self._clock_offset is None else self._clock_offset
        return int((time.monotonic() + offset) * 1000)

    async def exchange(self, commands: Sequence[Command], *, invalidates: bool = False) -> list[Reply]:
        """One round trip: the replies in the order of the commands, refusals among them as ResponseError.

        `invalidates` says that the cache would lie if these commands never ran. Raises CacheUnavailable.
        """
        if self.breaker.state != "closed":
            raise CacheUnavailable("Redis", self.breaker.problem or "not reached yet.")
        if not invalidates:
            return await self._bounded(commands, self._budget)
        task = asyncio.create_task(self._bounded(commands, self._budget))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def refusal(self, reply: Exception) -> CacheUnavailable:
        """The error for the caller of a command that the server refused."""
        return explain(reply, self.address, self._budget)[0]

    def _ended(self, task: asyncio.Task[list[Reply]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as seen: its caller may have been cancelled

    async def _bounded(self, commands: Sequence[Command], budget: float) -> list[Reply]:
        from redis.exceptions import RedisError

        started = time.monotonic()
        sent: float | None = None
        try:
            with Deadline(budget):
                async with self._slots:
                    sent = time.monotonic()
                    replies = await self._send(commands)
        except (RedisError, OSError, CacheUnavailable) as error:  # TimeoutError is an OSError
            problem, meaning = explain(error, self.address, budget)
            if isinstance(error, TimeoutError):
                # A wait in our own queue says nothing about the server; nor does a late answer while others came.
                if sent is None or sent - started > budget / 2:
                    meaning = "refused"
                    reason = f"too many calls at once: no connection came free within {budget * 1000:.0f} ms."
                    problem = CacheUnavailable("Redis", reason)
                elif self._answered > sent:
                    meaning = "refused"
            self._judge(problem, meaning)
            raise problem from None
        self._answered = time.monotonic()
        for reply in replies:
            if isinstance(reply, Exception):
                problem, meaning = explain(reply, self.address, budget)
                if meaning == "down":
                    self._judge(problem, meaning)
                    raise problem
        self.breaker.succeeded()
        return replies

    def _judge(self, problem: CacheUnavailable, meaning: str) -> None:
        if self.breaker.state != "closed":
            return  # a call from before; the probe alone decides
        if meaning == "failed":
            self.breaker.failed(told(problem))
        elif meaning == "down":
            self.breaker.trip(told(problem))
        self._recover_when_open()

    async def _send(self, commands: Sequence[Command]) -> list[Reply]:
        from redis.exceptions import ResponseError

        pool = self._pool
        if pool is None:
            raise CacheUnavailable("Redis", "the connection is closed.")
        connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py
        replies: list[Reply] = []
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as refusal:
                    replies.append(refusal)
        finally:
            if len(replies) < len(commands):
                await connection.disconnect(nowait=True)
            await pool.release(connection)
        return replies

    async def _identify(self, connection: AbstractConnection) -> None:
        """Log in on a new connection, and refuse one that leads to a server which was not greeted."""
        from redis.exceptions import ConnectionError as NotConnected

        await connection.on_connect()
        if not self.run_id or asyncio.current_task() is self._greeting:
            return
        await connection.send_command("INFO", "server")
        if info_fields(await connection.read_response()).get("run_id") != self.run_id:
            stranger = CacheUnavailable("Redis", f"{self.address} was restarted or replaced.")
            raise NotConnected(str(stranger)) from stranger

    async def _greet(self) -> None:
        """Ask who answers, set the clock and load the scripts."""
        load: list[Command] = [("SCRIPT", "LOAD", script.source) for script in scripts.ALL]
        self._greeting = asyncio.current_task()
        try:
            replies = await self._bounded([("PING",), ("INFO",), ("TIME",), *load], max(self._budget, _PATIENCE))
        finally:
            self._greeting = None
        for reply in replies[:3]:
            if isinstance(reply, Exception):
                raise self.refusal(reply)
        info = info_fields(replies[1])
        version = info.get("redis_version", "")
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _OLDEST:
            reason = f"{self.address} is version {version or 'unknown'}."
            raise CacheUnavailable("Redis", reason, remedy="Use Redis 7.0 or later.")
        if info.get("role") != "master":
            reason = f"{self.address} is a read-only replica."
            raise CacheUnavailable("Redis", reason, remedy="Point redis_url at the primary.")
        for reply in replies[3:]:
            if isinstance(reply, Exception):
                raise self.refusal(reply)
        seconds, microseconds = replies[2]
        self._clock_offset = int(seconds) + int(microseconds) / 1e6 - time.monotonic()
        self.run_id = info.get("run_id", "")
        self.greetings += 1

    def _recover_when_open(self) -> None:
        if self.breaker.state != "open" or self._pool is None:
            return
        self._closed.clear()
        if self._recovery is None or self._recovery.done():
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while self.breaker.state != "closed":
            await asyncio.sleep(self.breaker.wait)
            if self._pool is not None and self.breaker.probe():
                try:
                    # What is still connected may lead to a server that is no longer the one at this address.
                    await self._pool.disconnect(inuse_connections=True)
                    await self._greet()
                except CacheUnavailable as problem:
                    self.breaker.failed(told(problem))
                else:
                    self.breaker.close()
                    self._closed.set()

    def _new_pool(self) -> ConnectionPool | None:
        from redis.asyncio.connection import ConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        try:
            pool = ConnectionPool.from_url(self._url, max_connections=self._connections)
        except ValueError:
            return None
        # After the URL's own parameters, because none of these may be changed by one: a socket timeout loses
        # cancellations on Python 3.11, a retry outlives the budget, RESP2 needs no greeting, and we want bytes.
        pool.max_connections = self._connections
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
            redis_connect_func=self._identify,
        )
        try:
            # Connects nothing yet, but refuses parameters that do not exist.
            pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py
        except (TypeError, ValueError, RedisError):
            return None
        return pool
