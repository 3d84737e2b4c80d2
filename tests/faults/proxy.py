"""Proxy: a unix socket between one client and Redis that can be made to misbehave."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Final, Literal, cast

Mood = Literal["pass", "delay", "swallow", "mute", "refuse"]
MOODS: Final[tuple[Mood, ...]] = ("delay", "swallow", "mute", "refuse")
"""Besides passing all on: late; what the client says is lost; what Redis answers is lost; connections are cut."""


class Proxy:
    """Listens at `path` and passes bytes to and from the server at `target`, in the mood of the moment.

    `delay` is in seconds, each way. A mood holds for connections that exist as well as for new ones; when it ends,
    connections that have lost bytes are cut, since nothing sensible can follow on them.
    """

    def __init__(self, path: Path, target: Path, *, delay: float = 0.06) -> None:
        self.path = path
        self._target = target
        self._delay = delay
        self._mood: Mood = "pass"
        self._server: asyncio.Server | None = None
        self._ends: set[End] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: End(self, None), str(self.path))

    async def close(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        self._cut()

    def be(self, mood: Mood) -> None:
        """Change the mood."""
        lossy = self._mood in ("swallow", "mute")
        self._mood = mood
        if lossy or mood == "refuse":
            self._cut()

    @property
    def late(self) -> bool:
        """Whether bytes of any connection are still held back."""
        return any(end.late for end in self._ends)

    def accepted(self, end: End) -> None:
        """A client connected."""
        if self._mood == "refuse":
            end.cut()
            return
        self._ends.add(end)
        task = asyncio.create_task(self._connect(end))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def received(self, end: End, data: bytes) -> None:
        """Bytes came from one end."""
        from_client = end.is_client
        if (self._mood == "swallow" and from_client) or (self._mood == "mute" and not from_client):
            return
        if self._mood == "delay" or end.late:
            end.pass_on_late(data, self._delay)
        else:
            end.pass_on(data)

    def lost(self, end: End) -> None:
        """One end closed its connection."""
        self._ends.discard(end)
        if end.other is not None:
            end.other.cut()

    async def _connect(self, client: End) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: End(self, client), str(self._target))
        except OSError:
            client.cut()

    def _cut(self) -> None:
        for end in tuple(self._ends):
            end.cut()


class End(asyncio.Protocol):
    """One connection of a pair; the one to the server is made with its client."""

    def __init__(self, proxy: Proxy, client: End | None) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._late: deque[bytes] = deque()
        self.other = client
        self.is_client = client is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        if self.other is None:
            self._proxy.accepted(self)
            return
        self.other.other = self
        for data in self.other._waiting:
            self._transport.write(data)
        self.other._waiting.clear()
        if self.other._transport is None or self.other._transport.is_closing():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._proxy.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.lost(self)

    @property
    def late(self) -> bool:
        """Whether bytes are still on their way, which none may overtake."""
        return bool(self._late)

    def pass_on_late(self, data: bytes, seconds: float) -> None:
        """Write to the other end after so long, behind all that came before."""
        self._late.append(data)
        asyncio.get_running_loop().call_later(seconds, lambda: self.pass_on(self._late.popleft()))

    def pass_on(self, data: bytes) -> None:
        """Write to the other end, or keep it until there is one."""
        if self.other is None:
            self._waiting.append(data)
        elif self.other._transport is not None and not self.other._transport.is_closing():
            self.other._transport.write(data)

    def cut(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
