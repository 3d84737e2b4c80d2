"""Telemetry: what tells monitoring systems of a program, made ready before its screen and at work while a catalogue is
open.

Nothing of it is loaded where nobody asked for it.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from core.errors import ExtraMissing
from core.listening import LOOPBACK, Address, address_of, listening
from core.settings import Settings

if TYPE_CHECKING:
    from core.observe.otel import Export
    from core.observe.stats import Stats


class Telemetry:
    """The metrics endpoint and the OpenTelemetry export that the settings ask for.

    Enter it first: raises CannotListen, ExtraMissing, SettingsError. Then `of` a catalogue's counters.
    """

    def __init__(self, settings: Settings) -> None:
        self._wanted = settings
        self._listening: socket.socket | None = None
        self._export: Export | None = None

    def __enter__(self) -> Telemetry:
        if self._wanted.metrics is not None:
            self._listening = listening(address_of(self._wanted.metrics), lambda other: f"--metrics {_shortly(other)}")
        try:
            if self._wanted.otel:
                self._export = _export()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.close()

    @property
    def address(self) -> Address | None:
        """Where the metrics are served; None where they are not."""
        return None if self._listening is None else Address(*self._listening.getsockname()[:2])

    @property
    def where(self) -> dict[str, str]:
        """Where the metrics go, in short, each with a sentence."""
        found: dict[str, str] = {}
        if self.address is not None:
            found[str(self.address)] = f"Prometheus finds them at http://{self.address}/metrics."
        if self._export is not None:
            found["OTLP"] = f"They are pushed to {self._export.place}."
        return found

    @asynccontextmanager
    async def of(self, stats: Callable[[], Stats], failed: Callable[[str], object]) -> AsyncIterator[None]:
        """Serve and push these counters. `failed` is told where a collector does not take them."""
        async with AsyncExitStack() as stack:
            if self._listening is not None:
                from core.observe.endpoint import served

                await stack.enter_async_context(served(self._listening, stats))
            if self._export is not None:
                await stack.enter_async_context(self._export.running(stats, failed))
            yield


def _shortly(address: Address) -> str:
    return str(address.port) if address.host == LOOPBACK else str(address)


def _export() -> Export:
    try:
        from core.observe.otel import Export
    except ImportError as missing:
        raise ExtraMissing("OpenTelemetry export", "otel", missing.name) from None
    return Export()
