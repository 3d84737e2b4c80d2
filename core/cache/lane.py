"""Lane: one connection to Redis that many tasks share, and the least that a cache has to say on it.

RESP3 on hiredis's parser. Replies come in the order of the commands, so a queue of who waits is all the bookkeeping
there is; push frames come on the same connection, in the server's own order. What one tick of the event loop asks for
leaves in one write, its plain reads as one MGET in which every key stands once.

Why not a pool: waking the other side costs more than the work, and a pool wakes it once a call (`DECISIONS.md`).

A waiter who is cancelled keeps its place in the queue, so that its reply reaches nobody else. When the connection is
lost, all who wait fail at once, and nothing is sent on it again. No call has a timer: one watchdog looks at the oldest
waiter when its time is up. If nothing at all came for a whole budget, the connection is given up; if replies came, the
server is well and only slow, so those who waited too long fail alone, and keep their places.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast

import hiredis

from core.cache.address import Address, Uncertified
from core.cache.wire import Command, Keeper, NotRedis, Overdue, Refused, Reply

MOST_TOGETHER: Final = 256
"""Keys of one MGET: what more are asked for in one tick go into another, so that none answers very late."""
_STALL: Final = 0.005
"""Seconds that the watchdog may come late before the event loop itself is held to have stood still."""
_pack: Final[Callable[[Sequence[bytes | str | int]], bytes]] = cast(Any, hiredis.pack_command)
_Push: Final = hiredis.PushNotification
_NOTHING: Final = object()


class _Waiting(Protocol):
    """Someone in the queue. `sent` is when their commands left (loop time), and later by the patience they have."""

    sent: float

    def take(self, reply: Reply) -> bool:
        """The next reply is theirs; True if it was the last they waited for."""

    def fail(self, error: BaseException) -> None:
        """There will be no reply, or it comes too late."""


class _Calls:
    """A group of commands whose replies are wanted together."""

    __slots__ = ("future", "replies", "sent", "wanted")

    def __init__(self, future: asyncio.Future[list[Reply]], wanted: int, patience: float) -> None:
        self.future = future
        self.wanted = wanted
        self.replies: list[Reply] = []
        self.sent = patience

    def take(self, reply: Reply) -> bool:
        replies = self.replies
        replies.append(reply)
        if len(replies) < self.wanted:
            return False
        if not self.future.done():
            self.future.set_result(replies)
        return True

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Read:
    """One key of an MGET: who wants it, and who is to keep it."""

    __slots__ = ("futures", "keeper")

    def __init__(self, future: asyncio.Future[bytes | None], keeper: Keeper | None) -> None:
        self.futures = [future]
        self.keeper = keeper


class _Reads:
    """One MGET."""

    __slots__ = ("reads", "sent")

    def __init__(self) -> None:
        self.reads: dict[bytes, _Read] = {}
        self.sent = 0.0

    def take(self, reply: Reply) -> bool:
        if isinstance(reply, Exception):
            self.fail(reply)
            return True
        for (name, read), value in zip(self.reads.items(), _values(reply, len(self.reads)), strict=True):
            if read.keeper is not None and value is not None:
                read.keeper.keep(name, value)
            for future in read.futures:
                if not future.done():
                    future.set_result(value)
        return True

    def fail(self, error: BaseException) -> None:
        for read in self.reads.values():
            for future in read.futures:
                if not future.done():
                    future.set_exception(error)


def _values(reply: Reply, wanted: int) -> list[bytes | None]:
    """The values in a reply to MGET; nobody may be answered from one of another form."""
    if type(reply) is not list or len(reply) != wanted:
        raise NotRedis("an answer that nobody asked for")
    return reply


class _Several:
    """One MGET whose values are wanted together."""

    __slots__ = ("barred", "future", "keeper", "names", "sent")

    def __init__(
        self, future: asyncio.Future[list[bytes | None]], names: Sequence[bytes], keeper: Keeper | None
    ) -> None:
        self.future = future
        self.names = names
        self.keeper = keeper
        self.barred: set[bytes] = set()
        self.sent = 0.0

    def take(self, reply: Reply) -> bool:
        if isinstance(reply, Exception):
            self.fail(reply)
            return True
        _values(reply, len(self.names))
        if self.keeper is not None:
            for name, value in zip(self.names, reply, strict=True):
                if value is not None and name not in self.barred:
                    self.keeper.keep(name, value)
        if not self.future.done():
            self.future.set_result(reply)
        return True

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Lane(asyncio.Protocol):
    """One connection; made by `connect`. `pushed` hears of every push frame, `lost` of the end, each once and at once.

    A call has `budget` seconds from the moment that it is sent. Raises OSError (Overdue), NotRedis.
    """

    def __init__(
        self,
        budget: float,
        pushed: Callable[[list[Any]], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self.closed = False
        """Nothing can be sent any more."""
        self._budget = budget
        self._pushed = pushed
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=Refused, notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Waiting] = deque()
        self._unsent: list[bytes] = []
        self._queue: list[_Waiting] = []
        """Who waits for what is unsent."""
        self._reads: _Reads | None = None
        """The MGET that this tick's reads go into."""
        self._heard = 0.0
        self._watchdog: asyncio.TimerHandle | None = None

    # ---------------------------------------------------------------------------------------------------------- asking

    def call(self, commands: Sequence[Command], patience: float = 0.0) -> asyncio.Future[list[Reply]]:
        """The replies in the order of the commands, refusals among them as `Refused`. `patience`: seconds more."""
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        if self.closed:
            future.set_exception(ConnectionError("the connection was lost"))
            return future
        self._leaving(_Calls(future, len(commands), patience), b"".join(map(_pack, commands)))
        return future

    def get(self, name: bytes, keeper: Keeper | None = None) -> asyncio.Future[bytes | None]:
        """The value under a name. `keeper` keeps it while it is parsed, if there is one."""
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        if self.closed:
            future.set_exception(ConnectionError("the connection was lost"))
            return future
        batch = self._reads
        if batch is None:
            batch = self._reads = _Reads()
            if not self._unsent:
                self._loop.call_soon(self._send)
        read = batch.reads.get(name)
        if read is None:
            batch.reads[name] = _Read(future, keeper)
            if len(batch.reads) == MOST_TOGETHER:
                self._end_reads()
        else:
            read.futures.append(future)
            read.keeper = read.keeper or keeper
        return future

    def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> asyncio.Future[list[bytes | None]]:
        """The values of at most MOST_TOGETHER names, in their order."""
        future: asyncio.Future[list[bytes | None]] = self._loop.create_future()
        if self.closed:
            future.set_exception(ConnectionError("the connection was lost"))
            return future
        self._leaving(_Several(future, names, keeper), _pack((b"MGET", *names)))
        return future

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Nobody may keep what reads under way will say of these, or with None of anything: it may be outdated."""
        for waiting in self._waiting:
            if isinstance(waiting, _Several):
                waiting.barred.update(waiting.names if names is None else names)
            elif isinstance(waiting, _Reads):
                for name in waiting.reads if names is None else names:
                    if (read := waiting.reads.get(name)) is not None:
                        read.keeper = None

    def abort(self, error: BaseException | None = None) -> None:
        """Close at once; all who wait fail with the error."""
        if self.closed:
            return
        self.closed = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._transport is not None:
            self._transport.abort()
        waiting = [*self._waiting, *self._queue, *([self._reads] if self._reads else [])]
        self._waiting.clear()
        self._queue.clear()
        self._unsent.clear()
        self._reads = None
        if self._lost is not None:
            self._lost()
        for one in waiting:
            one.fail(error or ConnectionError("the connection was lost"))

    def _leaving(self, waiting: _Waiting, data: bytes) -> None:
        if self._reads is not None:
            self._end_reads()  # what was asked for first leaves first
        elif not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(data)
        self._queue.append(waiting)

    def _end_reads(self) -> None:
        batch, self._reads = self._reads, None
        if batch is not None:
            self._unsent.append(_pack((b"MGET", *batch.reads)))
            self._queue.append(batch)

    def _send(self) -> None:
        self._end_reads()
        if self.closed or not self._unsent or self._transport is None:
            return
        now = self._loop.time()
        for waiting in self._queue:
            waiting.sent += now
        self._waiting.extend(self._queue)
        self._queue.clear()
        unsent, self._unsent = self._unsent, []
        self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))
        if self._watchdog is None:
            self._watch(now + self._budget)

    # --------------------------------------------------------------------------------------------------------- hearing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        waiting = self._waiting
        try:
            while (reply := self._reader.gets()) is not _NOTHING:
                if type(reply) is _Push:
                    if self._pushed is not None:
                        self._pushed(reply)
                elif waiting[0].take(reply):
                    waiting.popleft()
        except (hiredis.ProtocolError, IndexError, NotRedis) as problem:
            # Words of another protocol, an answer that nobody asked for, or one of another form than was asked for.
            self.abort(NotRedis(str(problem)))
        self._heard = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(exc if isinstance(exc, OSError) else None)

    # --------------------------------------------------------------------------------------------------- the watchdog

    def _watch(self, due: float) -> None:
        self._watchdog = self._loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        self._watchdog = None
        now = self._loop.time()
        if not self._waiting:
            return
        if now - due > _STALL:
            # The event loop stood still: the answer may lie unread in the socket.
            self._watch(now + self._budget / 2)
            return
        silent_since = max(self._heard, self._waiting[0].sent)
        if now - silent_since >= self._budget:
            self.abort(Overdue())
            return
        due = silent_since + self._budget
        for waiting in self._waiting:
            if waiting.sent + self._budget > now:
                due = min(due, waiting.sent + self._budget)
                break
            waiting.fail(Overdue(innocent=""))
        self._watch(due)


async def connect(
    address: Address,
    budget: float,
    *,
    patience: float = 0.0,
    pushed: Callable[[list[Any]], None] | None = None,
    lost: Callable[[], None] | None = None,
) -> tuple[Lane, bytes]:
    """A lane that is logged in, and what its server says of itself. Raises OSError, NotRedis, Refused."""
    loop = asyncio.get_running_loop()

    def lane() -> Lane:
        return Lane(budget, pushed, lost)

    made: Lane
    if address.path is not None:
        _, made = await loop.create_unix_connection(lane, address.path)
    else:
        _, made = await loop.create_connection(lane, address.host, address.port, ssl=address.context())
    try:
        login: Command = ("HELLO", "3")
        if address.password is not None or address.user is not None:
            login = (*login, "AUTH", address.user or "default", address.password or "")
        select: list[Command] = [("SELECT", address.database)] if address.database else []
        replies = await made.call([login, *select, ("INFO",)], patience)
        if isinstance(replies[0], Refused) and replies[0].code in ("ERR", "NOPROTO"):
            # A server from before RESP3 says who it is all the same: that it is too old is for the caller to find.
            replies[0] = None if isinstance(replies[-1], bytes) else replies[0]
        if isinstance(replies[-1], bytes) and b"redis_mode:standalone" not in replies[-1]:
            replies[1:-1] = []  # one of another kind has no databases, and what it is tells more than its refusal
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return made, replies[-1]
    except BaseException as error:
        with suppress(RuntimeError):  # the loop may be closing
            made.abort(error if isinstance(error, OSError) else None)
        if isinstance(error, ConnectionError) and address.tls is not None and "ssl_certfile" not in address.tls:
            raise Uncertified from error
        raise
