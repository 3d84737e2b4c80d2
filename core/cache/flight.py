"""Single flight: in one process, at most one load of a key at a time, shared by everybody who asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Shares each load as one task, awaited through a shield: no caller's cancellation reaches it.

    A failure goes to all who wait and is not kept. A load runs on though all its callers left, since it may fill
    a cache. `coalesced` counts the callers who found a load under way.
    """

    def __init__(self) -> None:
        self.coalesced = 0
        self._flights: dict[K, asyncio.Task[V]] = {}
        self._tasks: set[asyncio.Task[V]] = set()
        self._closed = False

    async def load(self, key: K, loader: Callable[[], Awaitable[V]]) -> V:
        """The result of `loader`, or of the load of this key that is under way. Raises what that load raises."""
        if self._closed:
            raise RuntimeError("this single flight is closed")
        task = self._flights.get(key)
        if task is None or task.done():
            task = asyncio.ensure_future(_awaited(loader))
            self._flights[key] = task
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._landed(key, done))
        else:
            self.coalesced += 1
        return await asyncio.shield(task)

    def cut(self, key: K) -> None:
        """Let later callers begin a load of their own: what is under way may have read the past."""
        self._flights.pop(key, None)

    def cut_all(self) -> None:
        """The same for every key."""
        self._flights.clear()

    async def close(self) -> None:
        """Cancel every load and wait for its end."""
        self._closed = True
        self._flights.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _landed(self, key: K, task: asyncio.Task[V]) -> None:
        self._tasks.discard(task)
        if self._flights.get(key) is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as seen: every caller may have left before the failure came


async def _awaited(loader: Callable[[], Awaitable[V]]) -> V:
    return await loader()
