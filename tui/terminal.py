"""The terminal's end of life: it hangs up, or the system asks us to go."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

_ENDINGS: Final = ("SIGTERM", "SIGHUP", "SIGINT")


def hung_up(descriptor: int) -> bool:
    """Whether the other end of this terminal is gone. Costs one system call and never waits."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # POLLHUP and POLLERR are reported whether asked for or not
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def input_descriptor() -> int | None:
    """The descriptor that keys come from, a terminal or the web server's pipe; None where there is none."""
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else None
    except (ValueError, OSError):
        return None


class LastingOutput:
    """A terminal to write to, and nowhere once it is gone.

    Textual writes from a thread that dies of the first error; the event loop then stands still as soon as thirty more
    writes wait for it.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def fileno(self) -> int:
        """The descriptor written to."""
        return self._file.fileno()

    def write(self, text: str) -> None:
        """Write, if anybody is there."""
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Hand over what was written, if anybody is there."""
        with suppress(OSError):
            self._file.flush()


def silence() -> None:
    """Send to nowhere what is still written to a terminal that is gone: each such write would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for descriptor in (1, 2):
            if hung_up(descriptor):
                os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)


@contextmanager
def endings(loop: asyncio.AbstractEventLoop, leave: Callable[[int], None]) -> Iterator[None]:
    """While it lasts, a signal that asks us to end calls `leave` with the customary exit code, 128 and its number."""
    caught = []
    for name in _ENDINGS:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, leave, 128 + number)
        except (NotImplementedError, RuntimeError, ValueError):
            continue
        caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
