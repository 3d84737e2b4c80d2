"""Background: owned tasks whose callers do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Keeps a strong reference to every task it starts, until the task ends or the owner closes."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run it without waiting. Its failure is its own: work that can fail reports it itself."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, within: float | None = None) -> bool:
        """Wait for what runs now; False when some of it still runs after so many seconds."""
        if not (running := set(self._tasks)):
            return True
        _, late = await asyncio.wait(running, timeout=within)
        return not late

    async def close(self) -> None:
        """Cancel what still runs, and wait for its end."""
        running = set(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
