"""Filling: an empty embedded store gets the shipped movies when it is first opened, behind the screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.binding import Binding
from core.model import LoadProgress, LoadReport

if TYPE_CHECKING:
    from core.intake import Source


class Fillings:
    """The first fillings, one a store, by the store's name."""

    def __init__(self) -> None:
        self._so_far: dict[str, LoadProgress] = {}
        self._tasks: dict[str, asyncio.Task[LoadReport]] = {}

    def so_far(self, store: str) -> LoadProgress | None:
        """How far it has come; None when none is under way."""
        return self._so_far.get(store)

    async def ended(self, store: str) -> None:
        """Wait for its end, where there was or is one; raises what it met."""
        if task := self._tasks.get(store):
            await asyncio.shield(task)

    def begin(self, binding: Binding, source: Source, note: tuple[str, str]) -> None:
        """Begin to load a source into an empty store; `note` (name, text) marks it as done."""
        from core.loading import load_into  # most stores were filled long ago

        name = binding.store.name

        def progress(so_far: LoadProgress) -> None:
            self._so_far[name] = so_far

        async def run() -> LoadReport:
            try:
                report = await load_into(binding, source, progress)
                await binding.store.set_note(*note)
                return report
            finally:
                self._so_far.pop(name, None)

        self._so_far[name] = LoadProgress(0, 0, 0, 0, 0.0, 0.0)
        task = asyncio.create_task(run())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks[name] = task

    async def close(self) -> None:
        """Stop what still fills."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
