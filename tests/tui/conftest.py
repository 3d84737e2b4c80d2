"""A pilot that goes by what the app has left to do."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Final

import pytest

_MOMENT: Final = 0.02
"""Seconds within which a timer counts as part of what a key set off: Textual redraws by one of a sixtieth."""


async def idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the event loop has nothing to run, and no timer that was about to end when this began."""
    # asyncio has no public way to ask for either.
    loop: Any = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + max_sleep:
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # what sockets had to say was looked for meanwhile
        if loop._ready:
            continue
        due = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=math.inf)
        if due > began + _MOMENT:
            return
        await asyncio.sleep(due - loop.time())


@pytest.fixture(autouse=True)
def pilots_wait_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own pilot sleeps 20 ms, twice a key, until the process took less than one of them in CPU time."""
    monkeypatch.setattr("textual.app.wait_for_idle", idle)
    monkeypatch.setattr("textual.pilot.wait_for_idle", idle)
