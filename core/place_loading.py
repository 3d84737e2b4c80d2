"""Loading theaters: a stream of places into a store, batch by batch, with the geo sets kept honest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from itertools import islice
from typing import Final

from core.binding import Binding
from core.errors import CacheUnavailable, StoreUnavailable, UnreadableFile
from core.loading import RELAY_PATIENCE, Source
from core.model import LoadProgress, LoadReport, Progress
from core.place import Place
from core.strategies.keys import THEATERS_KEY

BATCH: Final = 1_000


async def load_places_into(
    binding: Binding, source: Source, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> LoadReport:
    """Store every theater that a source yields; a set `stop` ends it between two batches, with all before it stored.

    When it returns, no copy of the program finds the places of before. Raises UnreadableFile and StoreUnavailable."""
    read = stored = unchanged = rejected = 0
    started = time.monotonic()
    items, rejects = iter(source), source.rejects()

    def take() -> tuple[list[object], UnreadableFile | None]:
        batch: list[object] = []
        try:
            batch.extend(islice(items, BATCH))  # keeps what came before an exception
        except UnreadableFile as damaged:
            return batch, damaged
        return batch, None

    try:
        while not (stop and stop.is_set()):
            batch, damaged = await asyncio.to_thread(take)
            places = [item for item in batch if isinstance(item, Place)]
            for item in batch:
                if not isinstance(item, Place):
                    rejects.write(item)
            if places:
                result = await binding.store.load_theaters(places)
                stored += result.inserted + result.updated
                unchanged += result.unchanged
            read += len(batch)
            rejected += len(batch) - len(places)
            if progress:
                seconds = time.monotonic() - started
                progress(LoadProgress(read, stored, unchanged, rejected, seconds, source.fraction))
            if damaged:
                raise damaged
            if not batch:
                break
    finally:
        if isinstance(items, Generator):
            items.close()
        rejects.close()
        if stored:
            await _forget(binding)
    return LoadReport(
        read,
        stored,
        unchanged,
        rejected,
        str(rejects.path) if rejects.path else None,
        time.monotonic() - started,
        rejects_problem=rejects.problem,
        cancelled=bool(stop and stop.is_set()),
    )


async def _forget(binding: Binding) -> None:
    """The relay ends the geo sets, as it would had this program died; here it is waited for."""
    try:
        async with asyncio.timeout(RELAY_PATIENCE):
            await binding.store.settle()
            await binding.cache.heard()
    except (TimeoutError, StoreUnavailable, CacheUnavailable):
        await binding.trust.owe(THEATERS_KEY, 0, None)
