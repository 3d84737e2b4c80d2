"""The way to one Redis server: a time budget and a circuit breaker around every exchange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from random import random
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from core.cache import greeting
from core.cache.address import Address, Cluster, Sentinels, route_of, unsupported
from core.cache.breaker import Breaker
from core.cache.failures import Meaning, explain, misaddressed, read_only
from core.cache.info import info_fields, life
from core.cache.permissions import is_refusal
from core.cache.scripts import Script
from core.cache.wire import Batch, Command, Keeper, NotRedis, Overdue, Refused, Reply, Wire
from core.errors import CacheUnavailable
from core.masking import masked

if TYPE_CHECKING:
    from core.cache.lanes import Lanes

ScriptCall = tuple[Script, tuple[bytes, ...], tuple[bytes | str | int, ...]]
"""A script, the names it works on, and what else it is told."""
_PATIENCE: Final = 0.9
"""Seconds more that a greeting may take, for a server that has just started has much to do, and a look, for a person
who looks at hundreds of keys waits for nothing else."""
_BACKOFF_LIMIT: Final = 1.0


class Link:
    """Sends commands to the server at `url`; each exchange has `budget` seconds.

    They go by our own lanes, or by redis-py where the address asks for what the lanes do not do. An invalidation runs
    on as a task of its own, so that no caller's cancellation stops it half way. `pushed` and `lost` hear of what
    the server pushes on the lane of the reads, and of that lane's loss.

    Every connection asks who answers: another `life` than the one that was greeted means a server that was restarted
    or replaced, whose data may be of any age, and opens the breaker at once. Where Sentinels or a cluster say which
    server it is, they are asked anew before each greeting. While the breaker is not closed a task
    probes the server; a probe that is answered greets it, counts in `greetings`, and closes the breaker. Whether what
    the server holds may be believed is for the caller to find out after each greeting.
    """

    def __init__(
        self,
        url: str,
        *,
        budget: float,
        pushed: Callable[[list[Any]], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self.breaker = Breaker(clock=time.monotonic, random=random, backoff_limit=_BACKOFF_LIMIT)
        self.greetings = 0
        """How often the server was greeted: after each outage once."""
        self.life = ""
        """Which life of which server was greeted last."""
        self._url = url
        self._masked = masked(url)
        self._route = route_of(url)
        self._budget = budget
        self._pushed = pushed
        self._lost = lost
        self._wire: Wire | None = None
        self._tasks: set[asyncio.Task[list[Reply]]] = set()
        self._recovery: asyncio.Task[None] | None = None
        self._clock_offset: float | None = None
        self._answered = 0.0
        """When the server last answered any call (monotonic seconds)."""
        self._greeting = False
        self._closed = asyncio.Event()
        """The breaker is closed."""

    @property
    def address(self) -> str:
        """Where the server is, password masked, and who says so."""
        server = self.lanes.server if self.lanes is not None else None
        if server is None or isinstance(self._route, Address):
            return self._masked
        return f"{server} (by {self._masked})"

    @property
    def user(self) -> str:
        """Who we are to the server; empty for its default user."""
        match self._route:
            case Address():
                return self._route.user or ""
            case Sentinels():
                return self._route.server.user or ""
            case Cluster():
                return self._route.nodes[0].user or ""
        return unquote(urlsplit(self._url).username or "")

    async def open(self) -> None:
        """Connect and check the server; where it is away, start with an open breaker."""
        try:
            await self.meet()
        except CacheUnavailable as problem:
            self.breaker.trip(problem.told)
            self._recover_when_open()
        else:
            self._closed.set()

    async def meet(self) -> bytes:
        """What the server says of itself at the first connection. Raises CacheUnavailable where it cannot be used."""
        self._wire = self._new_wire()
        if self._wire is None:
            if strange := unsupported(self._url):
                reason = f"{self.address} cannot be had with {strange}."
                remedy = "Leave that out of redis_url; what begins with ssl_ is for schemes that begin with rediss."
                raise CacheUnavailable("Redis", reason, remedy=remedy)
            reason = f"{self.address} is no address of a Redis server."
            raise CacheUnavailable("Redis", reason, remedy="Correct redis_url.")
        return await self._greet()

    async def close(self) -> None:
        """End the probe and the invalidations under way, and close every connection. Idempotent."""
        wire, self._wire = self._wire, None
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if wire is not None:
            await wire.drop()

    async def answering(self) -> None:
        """Wait until the breaker is closed."""
        await self._closed.wait()

    def now_ms(self) -> int:
        """The server's clock, as of the last greeting and carried on by a clock that never steps."""
        offset = time.time() - time.monotonic() if self._clock_offset is None else self._clock_offset
        return int((time.monotonic() + offset) * 1000)

    @property
    def lanes(self) -> Lanes | None:
        """Our own lanes, where the server is reached by these."""
        from core.cache.lanes import Lanes

        return self._wire if isinstance(self._wire, Lanes) else None

    async def exchange(
        self, commands: Sequence[Command], *, invalidates: bool = False, optional: bool = False
    ) -> list[Reply]:
        """One round trip: the replies in the order of the commands, refusals among them as `Refused`.

        `invalidates` says that the cache would lie if these commands never ran, `optional` that it serves without them:
        a missing permission is no failure of the server then. Raises CacheUnavailable.
        """
        wire = self._usable()
        if not invalidates:
            return await self._called(wire, commands, optional=optional)
        task = asyncio.create_task(self._called(wire, commands))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def look(self, commands: Sequence[Command]) -> list[Reply]:
        """The same for somebody who only looks: what is refused to them says nothing of the cache."""
        return await self._called(self._usable(), commands, _PATIENCE, judged=False)

    async def run(
        self,
        calls: Sequence[ScriptCall],
        *,
        before: Sequence[Command] = (),
        invalidates: bool = False,
        optional: bool = False,
    ) -> list[Reply]:
        """Run scripts in one round trip, behind other commands; one more where the server does not know them
        (restarted, SCRIPT FLUSH). Replies and errors as `exchange`."""
        commands: list[Command] = [("EVALSHA", script.digest, len(keys), *keys, *more) for script, keys, more in calls]
        first = len(before)
        replies = await self.exchange([*before, *commands], invalidates=invalidates, optional=optional)
        unknown = [n for n in range(len(calls)) if _is_no_script(replies[first + n])]
        if unknown:
            load: list[Command] = [("SCRIPT", "LOAD", source) for source in {calls[n][0].source for n in unknown}]
            again = await self.exchange(
                [*load, *(commands[n] for n in unknown)], invalidates=invalidates, optional=optional
            )
            for n, reply in zip(unknown, again[len(load) :], strict=True):
                replies[first + n] = reply
        return replies

    async def run_one(self, script: Script, keys: Sequence[bytes], *more: bytes | str | int) -> Reply:
        """One script alone, as a miss runs it twice. Reply and errors as `exchange`."""
        wire = self._usable()
        sent = time.monotonic()
        try:
            reply = (await wire.call((("EVALSHA", script.digest, len(keys), *keys, *more),)))[0]
        except (OSError, NotRedis, Refused, CacheUnavailable) as error:
            raise self._failed(error, sent) from None
        self._answered = time.monotonic()
        if isinstance(reply, Exception):
            if _is_no_script(reply):
                return (await self.run([(script, tuple(keys), more)]))[0]
            self._judge_refusals((reply,))
        self.breaker.succeeded()
        return reply

    async def get(self, name: bytes, keeper: Keeper | None = None) -> bytes | None:
        """The value under a name. Raises CacheUnavailable."""
        wire = self._usable()
        sent = time.monotonic()
        try:
            value = await wire.get(name, keeper)
        except (OSError, NotRedis, Refused, CacheUnavailable) as error:
            raise self._failed(error, sent) from None
        self._answered = time.monotonic()
        self.breaker.succeeded()
        return value

    async def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> list[bytes | None]:
        """The values in the order of the names. Raises CacheUnavailable."""
        wire = self._usable()
        sent = time.monotonic()
        try:
            values = await wire.get_many(names, keeper)
        except (OSError, NotRedis, Refused, CacheUnavailable) as error:
            raise self._failed(error, sent) from None
        self._answered = time.monotonic()
        self.breaker.succeeded()
        return values

    def read(self, batch: Batch) -> None:
        """Read a batch, which leaves at the end of this tick; what fails it then is a CacheUnavailable.

        Raises CacheUnavailable where it is known already that it would fail."""
        self._usable().read(_Judged(batch, self))

    def seek(self, problem: str) -> None:
        """Leave the server, for this reason, and find out anew which one it is."""
        self.breaker.trip(problem)
        self._recover_when_open()

    async def info(self) -> bytes:
        """What the server says of itself; one that has become another one is given up. Raises CacheUnavailable."""
        reply = (await self.exchange([("INFO",)]))[0]
        if isinstance(reply, Exception):
            raise self.refusal(reply)
        try:
            self._check_life(info_fields(reply))
        except CacheUnavailable as problem:
            self._judge(problem, "down")
            raise
        said: bytes = reply
        return said

    def refusal(self, reply: Exception) -> CacheUnavailable:
        """The error for the caller of a command that the server refused."""
        return self._explained(reply)[0]

    def _explained(self, error: Exception) -> tuple[CacheUnavailable, Meaning]:
        return explain(error, self.address, self._budget, self.user, self._route)

    def _ended(self, task: asyncio.Task[list[Reply]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as seen: its caller may have been cancelled

    def _usable(self) -> Wire:
        if self.breaker.state != "closed":
            raise CacheUnavailable("Redis", self.breaker.problem or "not reached yet.")
        if self._wire is None:
            raise CacheUnavailable("Redis", "the connection is closed.")
        return self._wire

    async def _called(
        self,
        wire: Wire,
        commands: Sequence[Command],
        patience: float = 0.0,
        *,
        optional: bool = False,
        judged: bool = True,
    ) -> list[Reply]:
        sent = time.monotonic()
        try:
            replies = await wire.call(commands, patience)
        except (OSError, NotRedis, Refused, CacheUnavailable) as error:
            raise self._failed(error, sent) from None
        self._answered = time.monotonic()
        if judged:
            self._judge_refusals(replies, optional=optional)
        self.breaker.succeeded()
        return replies

    def _judge_refusals(self, replies: Sequence[Reply], *, optional: bool = False) -> None:
        """Hold against the server what it refused because it cannot serve. Raises CacheUnavailable then."""
        for reply in replies:
            if isinstance(reply, Exception):
                problem, meaning = self._explained(reply)
                if meaning == "down" and not (optional and isinstance(reply, Refused) and is_refusal(reply)):
                    self._judge(problem, meaning)
                    raise problem

    def _failed(self, error: Exception, sent: float) -> CacheUnavailable:
        """The error for the caller of what failed, which is held against the server where that is to blame."""
        problem, meaning = self._explained(error)
        if isinstance(error, Overdue) and error.innocent is not None:
            meaning = "refused"
            if error.innocent:
                problem = CacheUnavailable("Redis", error.innocent)
        elif isinstance(error, TimeoutError) and self._answered > sent:
            meaning = "refused"  # a late answer says nothing about a server that gave others meanwhile
        self._judge(problem, meaning)
        return problem

    def _judge(self, problem: CacheUnavailable, meaning: str) -> None:
        if self.breaker.state != "closed":
            return  # a call from before; the probe alone decides
        if meaning == "failed":
            self.breaker.failed(problem.told)
        elif meaning == "down":
            self.breaker.trip(problem.told)
        self._recover_when_open()

    def _identify(self, info: bytes) -> None:
        """Refuse a new connection that leads to a server of another kind, or to one that was not greeted."""
        fields = info_fields(info)
        server = self.lanes.server if self.lanes is not None else None
        if (problem := misaddressed(fields, self.address, server, self._route)) is not None:
            raise problem
        if self.life and not self._greeting:
            self._check_life(fields)

    def _check_life(self, info: dict[str, str]) -> None:
        if info.get("role") != "master":
            raise read_only(self.address, self._route)
        if life(info) != self.life:
            raise CacheUnavailable("Redis", f"{self.address} was restarted or replaced.")

    async def _greet(self) -> bytes:
        """Ask who answers, set the clock and load the scripts; returns what it says of itself."""
        if self._wire is None:
            raise CacheUnavailable("Redis", "the connection is closed.")
        self._greeting = True
        try:
            replies = await self._called(self._wire, greeting.ASKED, _PATIENCE, judged=False)
        finally:
            self._greeting = False
        greeted = greeting.judged(replies, self.address, self._route, self.refusal)
        self._clock_offset = greeted.time - time.monotonic()
        self.life = greeted.life
        self.greetings += 1
        return greeted.info

    def _recover_when_open(self) -> None:
        if self.breaker.state != "open" or self._wire is None:
            return
        self._closed.clear()
        if self._recovery is None or self._recovery.done():
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while self.breaker.state != "closed":
            await asyncio.sleep(self.breaker.wait)
            if self._wire is not None and self.breaker.probe():
                try:
                    # What is still connected may lead to a server that is no longer the one at this address.
                    await self._wire.drop()
                    await self._greet()
                except CacheUnavailable as problem:
                    self.breaker.failed(problem.told)
                else:
                    self.breaker.close()
                    self._closed.set()

    def _new_wire(self) -> Wire | None:
        """The lanes where they can serve the address, else redis-py; None where neither can make sense of it."""
        if self._route is not None:
            from core.cache.lanes import Lanes
            from core.cache.primary import finder

            return Lanes(finder(self._route), self._budget, self._identify, pushed=self._pushed, lost=self._lost)
        from core.cache.pooled import Pooled

        try:
            return Pooled(self._url, self._budget, self._identify)
        except ValueError:
            return None


class _Judged:
    """A batch whose end tells of the server before it tells those who wait."""

    __slots__ = ("_batch", "_link", "_sent", "bar", "names")

    def __init__(self, batch: Batch, link: Link) -> None:
        self._batch = batch
        self._link = link
        self._sent = time.monotonic()
        self.names = batch.names
        self.bar = batch.bar

    def landed(self, values: Sequence[bytes | None]) -> None:
        self._link._answered = time.monotonic()
        self._link.breaker.succeeded()
        self._batch.landed(values)

    def failed(self, error: Exception) -> None:
        self._batch.failed(self._link._failed(error, self._sent))


def _is_no_script(reply: Reply) -> bool:
    return isinstance(reply, Refused) and reply.code == "NOSCRIPT"
