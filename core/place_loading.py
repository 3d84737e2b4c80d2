"""Loading theaters: a stream of places into a store, batch by batch, with the geo sets kept honest."""

from __future__ import annotations

import asyncio
from typing import Final

from core.binding import Binding
from core.errors import CacheUnavailable, StoreUnavailable
from core.intake import Intake, Source
from core.loading import RELAY_PATIENCE
from core.model import LoadReport, Progress
from core.place import Place
from core.stores.base import Stored
from core.strategies.keys import THEATERS_KEY

BATCH: Final = 1_000


async def load_places_into(
    binding: Binding, source: Source, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> LoadReport:
    """Store every theater that a source yields; a set `stop` ends it between two batches, with all before it stored.

    When it returns, no copy of the program finds the places of before. Raises UnreadableFile and StoreUnavailable."""
    intake = Intake(source, Place, BATCH)
    try:
        async with intake:
            while not (stop and stop.is_set()) and (batch := await intake.batch(BATCH)) is not None:
                store = binding.store
                intake.took(batch.rows, await store.load_theaters(batch.records) if batch.records else Stored(0, 0, 0))
                if progress:
                    progress(intake.so_far)
                if batch.damaged:
                    raise intake.broken(batch.damaged)
    finally:
        if intake.stored:
            await _forget(binding)
    return intake.report(stopped=bool(stop and stop.is_set()))


async def _forget(binding: Binding) -> None:
    """The relay ends the geo sets, as it would had this program died; here it is waited for."""
    try:
        async with asyncio.timeout(RELAY_PATIENCE):
            await binding.store.settle()
            await binding.cache.heard()
    except (TimeoutError, StoreUnavailable, CacheUnavailable):
        await binding.trust.owe(THEATERS_KEY, 0, None)
