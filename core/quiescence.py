"""Quiescence: the moment at which nothing of before is under way, which a switch waits for within reason."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec

from core.cache.background import Background

PATIENCE: Final = 5.0
"""Seconds that a switch waits for running writes before it goes on beside them: both modes overlap safely."""


class Unfinished(msgspec.Struct, frozen=True):
    """What a switch still waits for: running writes, and what earlier operations still put into the cache."""

    writes: int = 0
    puts: int = 0

    def __str__(self) -> str:
        counted = ((self.writes, "running write"), (self.puts, "cache update"))
        return " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted if count)


class Quiescence:
    """The writes that run, and whether others may begin.

    What is put into the cache behind the writes' backs is counted by the Background that does it.
    """

    def __init__(self) -> None:
        self.settling = False
        """Whether somebody only waits for what is unfinished."""
        self._writes = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._admitted = asyncio.Event()
        self._admitted.set()

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """One write, which begins when writes may."""
        await self._admitted.wait()
        self._writes += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._writes -= 1
            if not self._writes:
                self._quiet.set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Within it no write begins."""
        self._admitted.clear()
        try:
            yield
        finally:
            self._admitted.set()

    def unfinished(self, background: Background) -> Unfinished:
        """What runs at this moment."""
        return Unfinished(self._writes, len(background))

    async def settle(self, background: Background) -> str:
        """Wait, within reason, for what runs; say for how much."""
        unfinished, started = self.unfinished(background), time.perf_counter()
        self.settling = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._quiet.wait()
            late = not self._quiet.is_set()
            late |= not await background.drain(within=PATIENCE)
        finally:
            self.settling = False
        if not str(unfinished):
            return "nothing to wait for"
        waited = f"waited {time.perf_counter() - started:.3f} s for {unfinished}"
        return f"{waited}, not to the end" if late else waited
