"""Job control: Ctrl-Z gives the terminal back and stops the program; the shell's `fg` brings it back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any, Final

from tui.terminal import hung_up

_BACKGROUND_SECONDS: Final = 0.1
_TOUCHING: Final = ("write", "disable_input", "stop_application_mode")
"""What of the driver reaches for the terminal while the program runs or ends."""


def has_shell() -> bool:
    """Whether somebody could bring the program back once it is stopped: a process of this session outside its group."""
    import psutil  # a megabyte, paid by who stops the program

    for parent in psutil.Process().parents():
        try:
            if os.getpgid(parent.pid) != os.getpgrp():
                return os.getsid(parent.pid) == os.getsid(0)
        except OSError:
            return False
    return False


class JobControl:
    """Answers SIGTSTP and SIGCONT in the place of Textual's driver, in the event loop, until it is closed.

    The driver takes each SIGCONT for the end of a stop. But one comes with every hang-up and, from many who end
    programs, right behind SIGTERM: the driver then starts its threads twice, and never ends.
    """

    def __init__(self, driver: Any, descriptor: int, is_ending: Callable[[], bool]) -> None:
        """`driver` is Textual's of this `descriptor`; `is_ending` says whether the program was asked to end."""
        self._driver = driver
        self._descriptor = descriptor
        self._is_ending = is_ending
        self._stopped = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGTSTP, self._stop)
        # In the loop, where a SIGTERM or SIGHUP that came before is known.
        self._loop.add_signal_handler(signal.SIGCONT, self._go_on)

    def close(self) -> None:
        """Answer no more."""
        for number in (signal.SIGTSTP, signal.SIGCONT):
            self._loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        if self._is_ending() or hung_up(self._descriptor):
            return
        if os.tcgetpgrp(self._descriptor) == os.getpgrp():
            # After a SIGSTOP, which nobody sees coming, the terminal may be in any state.
            self._give_back()
            self._take()
        elif self._stopped:
            # Not at once: of two signals sent to a process that stands still, the second may be read first.
            self._loop.call_later(_BACKGROUND_SECONDS, self._stay_stopped)

    def _stay_stopped(self) -> None:
        """In the background nothing can be shown, so stop again, unless the program ends."""
        if self._stopped and not self._is_ending():
            os.kill(os.getpid(), signal.SIGSTOP)

    def _give_back(self) -> None:
        """Leave the terminal as it was before, and alone: who touches it from the background is stopped."""
        if not self._stopped:
            self._stopped = True
            self._driver.suspend_application_mode()
            for touching in _TOUCHING:
                setattr(self._driver, touching, _nothing)

    def _take(self) -> None:
        self._stopped = False
        for touching in _TOUCHING:
            delattr(self._driver, touching)
        self._driver.resume_application_mode()


def _nothing(*_: object) -> None:
    pass
