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
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, cast

import hiredis

from core.cache.address import Address, Uncertified, Unencrypted
from core.cache.batches import MOST_TOGETHER, Reads, Several
from core.cache.wire import Batch, Command, Keeper, NotRedis, Overdue, Refused, Reply

_STALL: Final = 0.005
"""Seconds that the watchdog may come late before the event loop itself is held to have stood still."""
_pack: Final[Callable[[Sequence[bytes | str | int]], bytes]] = cast(Any, hiredis.pack_command)
_Push: Final = hiredis.PushNotification
_NOTHING: Final = object()
_LONGEST_PATH: Final = 107
"""Bytes of a socket's path."""


class _Waiting(Protocol):
    """Someone in the queue. `sent` is when their commands left (loop time), and later by the patience they have."""

    sent: float

    def take(self, reply: Reply) -> bool:
        """The next reply is theirs; True if it was the last they waited for."""

    def fail(self, error: Exception) -> None:
        """There will be no reply, or it comes too late."""

    def data(self) -> bytes:
        """What is sent for them, asked for when it leaves."""


class _Calls:
    """A group of commands whose replies are wanted together."""

    __slots__ = ("commands", "future", "replies", "sent", "wanted")

    def __init__(self, commands: bytes, wanted: int, future: asyncio.Future[list[Reply]], patience: float) -> None:
        self.commands = commands
        self.wanted = wanted
        self.future = future
        self.replies: list[Reply] = []
        self.sent = patience

    def data(self) -> bytes:
        return self.commands

    def take(self, reply: Reply) -> bool:
        replies = self.replies
        replies.append(reply)
        if len(replies) < self.wanted:
            return False
        if not self.future.done():
            self.future.set_result(replies)
        return True

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Batch:
    """A batch of plain reads on its way."""

    __slots__ = ("batch", "sent", "wanted")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.wanted = 0
        self.sent = 0.0

    def data(self) -> bytes:
        names = self.batch.names()
        self.wanted = len(names)
        return _pack((b"MGET", *names))

    def take(self, reply: Reply) -> bool:
        if type(reply) is list and len(reply) == self.wanted:
            self.batch.landed(reply)
        elif isinstance(reply, Exception):
            self.batch.failed(reply)
        else:
            # Nobody may be answered from a reply of another form.
            raise NotRedis("an answer that nobody asked for")
        return True

    def fail(self, error: Exception) -> None:
        self.batch.failed(error)


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
        self._queue: list[_Waiting] = []
        """Whose words have not left yet."""
        self._reads = Reads()
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
        self._leaving(_Calls(b"".join(map(_pack, commands)), len(commands), future, patience))
        return future

    def get(self, name: bytes, keeper: Keeper | None = None) -> asyncio.Future[bytes | None]:
        """The value under a name. `keeper` keeps it while it is parsed, if there is one."""
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        if self.closed:
            future.set_exception(ConnectionError("the connection was lost"))
            return future
        reads = self._reads
        if reads.left or len(reads) in (0, MOST_TOGETHER):
            reads = self._reads = Reads()
            self._leaving(_Batch(reads))
        reads.add(name, future, keeper)
        return future

    def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> asyncio.Future[list[bytes | None]]:
        """The values of at most MOST_TOGETHER names, in their order."""
        future: asyncio.Future[list[bytes | None]] = self._loop.create_future()
        if self.closed:
            future.set_exception(ConnectionError("the connection was lost"))
            return future
        self._leaving(_Batch(Several(names, future, keeper)))
        return future

    def read(self, batch: Batch) -> None:
        """Read at most MOST_TOGETHER names."""
        if self.closed:
            batch.failed(ConnectionError("the connection was lost"))
        else:
            self._leaving(_Batch(batch))

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Nobody may keep what reads under way will say of these, or with None of anything: it may be outdated."""
        for waiting in self._waiting:
            if isinstance(waiting, _Batch):
                waiting.batch.bar(names)

    def abort(self, error: Exception | None = None) -> None:
        """Close at once; all who wait fail with the error."""
        if self.closed:
            return
        self.closed = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._transport is not None:
            self._transport.abort()
        waiting = [*self._waiting, *self._queue]
        self._waiting.clear()
        self._queue.clear()
        if self._lost is not None:
            self._lost()
        for one in waiting:
            one.fail(error or ConnectionError("the connection was lost"))

    def _leaving(self, waiting: _Waiting) -> None:
        if not self._queue:
            self._loop.call_soon(self._send)
        self._queue.append(waiting)

    def _send(self) -> None:
        # Where the other end has gone, `connection_lost` is about to tell all who wait.
        if self.closed or not self._queue or self._transport is None or self._transport.is_closing():
            return
        now = self._loop.time()
        queue, self._queue = self._queue, []
        data = [waiting.data() for waiting in queue]
        for waiting in queue:
            waiting.sent += now
        self._waiting.extend(queue)
        self._transport.write(data[0] if len(data) == 1 else b"".join(data))
        if self._watchdog is None:
            self._watch(now + self._budget)

    # --------------------------------------------------------------------------------------------------------- hearing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own

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
        # Reckoned as below: by a difference rounded otherwise, a silent server would be taken for a slow one.
        due = max(self._heard, self._waiting[0].sent) + self._budget
        if due <= now:
            self.abort(Overdue())
            return
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
        if len(os.fsencode(address.path)) > _LONGEST_PATH:
            # Said here: one event loop calls it so, another one goes to the path cut short.
            raise OSError("AF_UNIX path too long")
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
        if isinstance(error, ConnectionError) and address.tls is None and address.path is None:
            raise Unencrypted from error
        raise
