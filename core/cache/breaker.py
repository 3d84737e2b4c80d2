"""The circuit breaker: after enough failures stop asking, so that a server in trouble costs its callers nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal

BreakerState = Literal["closed", "open", "half-open"]

_CONSECUTIVE: Final = 5
_WINDOW: Final = 20
_SHARE: Final = 0.5


class Breaker:
    """Closed: calls run. Open: none does, until a probe is due. Half-open: one probe decides. Pure: no I/O, no clock.

    Opens after 5 failures in a row, when half of the last 20 calls failed, or at once by `trip`. Probes come after
    `backoff` seconds, doubled by each that fails up to `backoff_limit`, and shortened by up to half at random so that
    many processes do not probe together. `clock` is monotonic seconds, `random` uniform in [0, 1).
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        backoff: float = 0.2,
        backoff_limit: float = 5.0,
    ) -> None:
        self._clock = clock
        self._random = random
        self._backoff = backoff
        self._backoff_limit = backoff_limit
        self._state: BreakerState = "closed"
        self._problem: str | None = None
        self._delay = backoff
        self._probe_at = 0.0
        self._in_a_row = 0
        self._last: deque[bool] = deque(maxlen=_WINDOW)
        self._opened = 0
        self.entered: dict[BreakerState, int] = {"closed": 0, "open": 0, "half-open": 0}
        """How often it entered each state; it began closed."""

    @property
    def state(self) -> BreakerState:
        """Which of the three it is."""
        return self._state

    @property
    def problem(self) -> str | None:
        """Why it is not closed, in words; None while it is."""
        return self._problem

    @property
    def opened(self) -> int:
        """How often it went from closed to open."""
        return self._opened

    @property
    def wait(self) -> float:
        """Seconds until the next probe is due."""
        return max(0.0, self._probe_at - self._clock())

    def succeeded(self) -> None:
        """A call was answered. Counts only while closed: a late answer does not close an open breaker."""
        if self._state == "closed":
            self._in_a_row = 0
            self._last.append(True)

    def failed(self, problem: str) -> None:
        """A call was not answered; in half-open this ends the probe."""
        if self._state == "half-open":
            self._delay = min(self._delay * 2, self._backoff_limit)
            self._open(problem)
        elif self._state == "closed":
            self._in_a_row += 1
            self._last.append(False)
            too_many = len(self._last) == _WINDOW and self._last.count(False) >= _WINDOW * _SHARE
            if self._in_a_row >= _CONSECUTIVE or too_many:
                self.trip(problem)

    def trip(self, problem: str) -> None:
        """Open at once: the failure leaves no doubt."""
        if self._state == "half-open":
            self.failed(problem)
        elif self._state == "closed":
            self._opened += 1
            self._delay = self._backoff
            self._open(problem)

    def probe(self) -> bool:
        """Claim the one probe of half-open; False unless it is open and the probe due."""
        if self._state != "open" or self.wait > 0:
            return False
        self._enter("half-open")
        return True

    def close(self) -> None:
        """The probe was answered. Only from half-open."""
        if self._state == "half-open":
            self._enter("closed")
            self._problem = None
            self._in_a_row = 0
            self._last.clear()

    def _open(self, problem: str) -> None:
        self._enter("open")
        self._problem = problem
        self._probe_at = self._clock() + self._delay * (1 - self._random() / 2)

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self.entered[state] += 1
