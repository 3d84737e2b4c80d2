"""Session: the open catalogue and the one task that opens it and takes it down again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import NamedTuple

from core.catalogue import Catalogue
from core.settings import Settings
from core.telemetry import Telemetry

Opener = Callable[..., AbstractAsyncContextManager[Catalogue]]


class Reported(NamedTuple):
    """A server came one step further while it starts. `step` has server, state, detail and seconds."""

    step: object


class Opened(NamedTuple):
    """The catalogue is open."""

    catalogue: Catalogue


class Failed(NamedTuple):
    """The catalogue could not be opened."""

    error: Exception


class Untold(NamedTuple):
    """A collector did not take the metrics."""

    problem: str


Told = Reported | Opened | Failed | Untold


class Session:
    """Enters and leaves the catalogue's context in one task of its own, as its parts demand; nobody waits for it.

    It may begin before there is a screen, and knows none: what it has to tell is kept until somebody listens."""

    def __init__(self, opener: Opener | None = None, telemetry: Telemetry | None = None) -> None:
        self._opener = opener
        self._telemetry = telemetry
        self._kept: list[Told] = []
        self._listener: Callable[[Told], object] | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self.catalogue: Catalogue | None = None
        """That which is open."""

    @property
    def begun(self) -> bool:
        """Whether the catalogue is being opened, or was."""
        return self._task is not None

    def start(self, settings: Settings) -> None:
        """Begin to open the catalogue; it is told how that ended."""
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._hold(settings), name="catalogue")

    def listen(self, listener: Callable[[Told], object]) -> list[Told]:
        """Tell this one from now on; returns what was there to tell so far."""
        self._listener = listener
        kept, self._kept = self._kept, []
        return kept

    async def close(self) -> None:
        """Take the catalogue down, or give up opening it, and wait until that is done."""
        task, self._task = self._task, None
        if task is None:
            return
        if self.catalogue is not None:
            self._leave.set()
        else:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _hold(self, settings: Settings) -> None:
        try:
            async with self._open(settings) as catalogue, self._telling(catalogue):
                self.catalogue = catalogue
                self._tell(Opened(catalogue))
                await self._leave.wait()
        except Exception as error:
            self._tell(Failed(error))
        finally:
            self.catalogue = None

    def _tell(self, told: Told) -> None:
        if self._listener is None:
            self._kept.append(told)
        else:
            self._listener(told)

    def _telling(self, catalogue: Catalogue) -> AbstractAsyncContextManager[None]:
        """Metrics of this catalogue, for whom they were asked for."""
        if self._telemetry is None:
            return nullcontext()
        return self._telemetry.of(catalogue.stats, lambda problem: self._tell(Untold(problem)))

    def _open(self, settings: Settings) -> AbstractAsyncContextManager[Catalogue]:
        opener = self._opener
        if opener is None:
            # Here, not above: it brings the servers and all that they need.
            from core.open import open_catalogue

            opener = open_catalogue
        return opener(settings, report=lambda step: self._tell(Reported(step)))
