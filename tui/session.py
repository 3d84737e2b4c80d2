"""Session: the open catalogue and the one task that opens it and takes it down again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress

from textual.message import Message

from core.catalogue import Catalogue
from core.settings import Settings
from core.telemetry import Telemetry
from tui.messages import CatalogueFailed, CatalogueOpened, ServerReported, TelemetryFailed

Opener = Callable[..., AbstractAsyncContextManager[Catalogue]]


class Session:
    """Enters and leaves the catalogue's context in one task of its own, as its parts demand; nobody waits for it."""

    def __init__(
        self, opener: Opener | None, tell: Callable[[Message], object], telemetry: Telemetry | None = None
    ) -> None:
        self._opener = opener
        self._telemetry = telemetry
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._opened = False

    def start(self, settings: Settings) -> None:
        """Begin to open the catalogue; a message tells how that ended."""
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._hold(settings), name="catalogue")

    async def close(self) -> None:
        """Take the catalogue down, or give up opening it, and wait until that is done."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._opened:
            self._leave.set()
        else:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _hold(self, settings: Settings) -> None:
        self._opened = False
        try:
            async with self._open(settings) as catalogue, self._telling(catalogue):
                self._opened = True
                self._tell(CatalogueOpened(catalogue))
                await self._leave.wait()
        except Exception as error:
            self._tell(CatalogueFailed(error))

    def _telling(self, catalogue: Catalogue) -> AbstractAsyncContextManager[None]:
        """Metrics of this catalogue, for whom they were asked for."""
        if self._telemetry is None:
            return nullcontext()
        return self._telemetry.of(catalogue.stats, lambda problem: self._tell(TelemetryFailed(problem)))

    def _open(self, settings: Settings) -> AbstractAsyncContextManager[Catalogue]:
        opener = self._opener
        if opener is None:
            # Here, not above: it brings the servers and all that they need, and the first screen need not wait.
            from core.open import open_catalogue

            opener = open_catalogue
        return opener(settings, report=lambda step: self._tell(ServerReported(step)))
