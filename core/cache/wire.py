"""What the cache asks of a way to Redis, so that our own lanes and redis-py fit behind it alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

Command = tuple[bytes | str | int, ...]
Reply = Any
"""bytes, int, None, a list of these, or the `Refused` with which the server answered the command."""
Identify = Callable[[bytes], None]
"""Told what a new connection's server says of itself (INFO); raises CacheUnavailable for a stranger."""


class Refused(Exception):
    """The server's own words for why it did not carry out one command, with its code in front (NOSCRIPT, OOM, …)."""

    @property
    def code(self) -> str:
        """The first word."""
        return str(self).partition(" ")[0]


class NotRedis(Exception):
    """What came is not the Redis protocol."""


class Overdue(TimeoutError):
    """No answer within the budget. `innocent`: the server is not to blame, and this is why, or an empty text."""

    def __init__(self, innocent: str | None = None) -> None:
        super().__init__()
        self.innocent: Final = innocent


class Keeper(Protocol):
    """Who is to keep what a read brings, while it is parsed: nothing that came later has been parsed by then."""

    def keep(self, name: bytes, value: bytes) -> None:
        """The value that the server had under this name."""


class Batch(Protocol):
    """Plain reads that travel together, and who is told of what they bring."""

    def names(self) -> Sequence[bytes]:
        """What to read. Asked once, when it leaves."""

    def landed(self, values: Sequence[bytes | None]) -> None:
        """The values in the order of the names, told while the reply is parsed: nothing that came later has been."""

    def failed(self, error: Exception) -> None:
        """There will be no values."""

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Nobody may keep what it will bring of these, or with None of anything: it may be outdated."""


class Wire(Protocol):
    """A way to one server. Every call ends within the budget that the wire was made with; a call whose caller is
    cancelled harms nobody else's. Raises OSError (Overdue), NotRedis, Refused while logging in, CacheUnavailable."""

    def call(self, commands: Sequence[Command], patience: float = 0.0) -> Awaitable[list[Reply]]:
        """The replies in the order of the commands, refusals among them. `patience`: seconds beyond the budget."""

    def get(self, name: bytes, keeper: Keeper | None = None) -> Awaitable[bytes | None]:
        """The value under a name, read together with what else is asked for in the same tick of the event loop.
        Raises what the server refused, too."""

    def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> Awaitable[list[bytes | None]]:
        """The values in the order of the names; as `get`."""

    def read(self, batch: Batch) -> None:
        """Read a batch, which leaves at the end of this tick of the event loop; it is told all that `get` raises."""

    async def drop(self) -> None:
        """Close what is connected and give up the calls under way; the next call connects anew."""
