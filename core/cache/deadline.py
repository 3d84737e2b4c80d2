"""A time budget for the current task that blames the other side only for its own share of the time."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

_STALL: Final = 0.005


class Deadline:
    """Cancels the task in its `with` block after `seconds`, and turns that cancellation into TimeoutError.

    A cancellation by somebody else stays one. Where the event loop itself stood still past the deadline (the timer
    comes more than 5 ms late), the answer may lie unread in the socket: the block gets half the time again.
    `asyncio.timeout` would fail such a call, and a slow repaint would look like a dead server.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False
        self._cancelling = 0
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._arm(loop, self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._timer is not None
        assert self._task is not None
        self._timer.cancel()
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _arm(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        due = loop.time() + seconds
        self._timer = loop.call_at(due, self._fire, loop, due)

    def _fire(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        assert self._task is not None
        if loop.time() - due > _STALL:
            self._arm(loop, self._seconds / 2)
        else:
            self._expired = True
            self._task.cancel()
