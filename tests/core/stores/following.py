"""A follower of a store's changes, as a test sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from core.stores.base import Changed, Store


class Follower:
    """What was handed out to one follower, in order."""

    def __init__(self) -> None:
        self.changes: list[Changed] = []
        self.batches: list[tuple[Changed, ...]] = []
        self._news = asyncio.Condition()

    async def apply(self, batch: Sequence[Changed]) -> None:
        """Note the batch."""
        async with self._news:
            self.batches.append(tuple(batch))
            self.changes.extend(batch)
            self._news.notify_all()

    async def until(self, holds: Callable[[list[Changed]], bool]) -> None:
        """Wait until this holds of all that was handed out."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: holds(self.changes))

    def of(self, id: str) -> list[Changed]:
        """The changes of one movie."""
        return [change for change in self.changes if change.id == id]


@asynccontextmanager
async def following(store: Store) -> AsyncIterator[Follower]:
    """A follower, while the body runs."""
    follower = Follower()
    task = asyncio.create_task(store.follow(follower.apply))
    try:
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
