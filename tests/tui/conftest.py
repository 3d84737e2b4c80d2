"""What every test of the screen has: an app that is looked at only when it has come to rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import textual.app
import textual.pilot
from textual.notifications import Notification

_LOOK: Final = 0.02
"""Seconds of one look: more than a frame of Textual's, after which a change is drawn."""
_NOTHING: Final = 0.001
"""Seconds of work within a look that are none: a timer that found nothing to do."""
_SCHEDULED: Final = Path("/proc/thread-self/schedstat")


@pytest.fixture(autouse=True, scope="session")
def patient() -> Iterator[None]:
    """After a key, Textual's pilot waits until the app has nothing left to do, on a busy machine too; and what a toast
    says can be read as long as a test needs."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (textual.app, textual.pilot):
            patched.setattr(module, "wait_for_idle", rest)
        patched.setattr(Notification, "time_left", 3600.0)
        patched.setattr(Notification, "has_expired", False)
        yield


async def rest(min_sleep: float = _LOOK, max_sleep: float = 1.0) -> None:
    """Return once the loop has slept through a look because nothing was to be done, or after so many seconds.

    Textual's own looks at the processor time alone: an app that the system keeps from working is for it one that has no
    work, and tests asserted what a key does before it was done. Time without a processor counts for nothing here. Where
    there was more of it than a look is long, some timer of the app's is always due: half a look of sleep will do. A
    look of much longer sleep is one in which the machine stood still, maybe in the middle of some work: another one is
    needed, and it counts for no more seconds than the others.
    """
    spent = 0.0
    while spent < max_sleep:
        began, worked, awake, kept = time.monotonic(), time.process_time(), time.thread_time(), _kept_waiting()
        await asyncio.sleep(_LOOK)
        kept = _kept_waiting() - kept
        own = time.monotonic() - began - kept
        slept = own - (time.thread_time() - awake)
        worked = time.process_time() - worked
        spent += min(own, _LOOK + worked)
        idle = worked < _NOTHING or kept > _LOOK
        if spent > min_sleep and idle and _LOOK / 2 < slept < 2 * _LOOK:
            return


def _kept_waiting() -> float:
    """Seconds that this thread had work and no processor; 0 where the system does not tell."""
    try:
        return int(_SCHEDULED.read_text().split()[1]) / 1e9
    except OSError:
        return 0.0
