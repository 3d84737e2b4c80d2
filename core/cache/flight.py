"""Single flight: in one process, at most one load of a key at a time, shared by everybody who asks for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Landed(NamedTuple, Generic[V]):
    """What a load brought. `certified`: proven current when it landed, not only when it began, as a fill that the
    cache accepted is; so it is good for those who came while it was under way."""

    value: V
    certified: bool


class SingleFlight(Generic[K, V]):
    """Shares each load as one task, awaited through a shield: no caller's cancellation reaches it.

    Who comes while a load is under way shares it, if it lands certified. Otherwise it may have read what was outdated
    before they came: then they all share one more load, begun after they came. A failure goes to all who wait and is
    not kept. A load runs on though all its callers left, since it may fill a cache; where `patience` is given, for so
    many seconds, and is cancelled when nobody came back. `coalesced` counts the callers who found a load under way.
    """

    def __init__(self, *, patience: float | None = None) -> None:
        self.coalesced = 0
        self._patience = patience
        self._waiting: Counter[asyncio.Task[Landed[V]]] = Counter()
        self._flights: dict[K, asyncio.Task[Landed[V]]] = {}
        self._tasks: set[asyncio.Task[Landed[V]]] = set()
        self._closed = False

    async def load(self, key: K, loader: Callable[[], Awaitable[Landed[V]]]) -> V:
        """The result of `loader`, or of a load of this key that others share. Raises what that load raises."""
        under_way = self._flights.get(key)
        if under_way is not None and not under_way.done():
            self.coalesced += 1
            landed = await self._landing(key, under_way)
            if landed.certified:
                return landed.value
        flight = self._flights.get(key)
        if flight is None or flight is under_way or flight.done():
            if self._closed:
                raise RuntimeError("this single flight is closed")
            flight = asyncio.ensure_future(_awaited(loader))
            self._flights[key] = flight
            self._tasks.add(flight)
            flight.add_done_callback(lambda done: self._landed(key, done))
        return (await self._landing(key, flight)).value

    async def _landing(self, key: K, flight: asyncio.Task[Landed[V]]) -> Landed[V]:
        self._waiting[flight] += 1
        try:
            return await asyncio.shield(flight)
        finally:
            self._waiting[flight] -= 1
            if not self._waiting[flight]:
                del self._waiting[flight]
                if self._patience is not None and not flight.done():
                    asyncio.get_running_loop().call_later(self._patience, self._given_up, key, flight)

    def _given_up(self, key: K, flight: asyncio.Task[Landed[V]]) -> None:
        if flight in self._waiting or flight.done():
            return
        if self._flights.get(key) is flight:  # who comes now must not share what is being cancelled
            del self._flights[key]
        flight.cancel()

    async def close(self) -> None:
        """Cancel every load and wait for its end."""
        self._closed = True
        self._flights.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _landed(self, key: K, task: asyncio.Task[Landed[V]]) -> None:
        self._tasks.discard(task)
        if self._flights.get(key) is task:  # else the next one is under way already
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as seen: every caller may have left before the failure came


async def _awaited(loader: Callable[[], Awaitable[Landed[V]]]) -> Landed[V]:
    return await loader()
