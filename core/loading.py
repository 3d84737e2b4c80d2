"""Loading: a stream of movies into a store, batch by batch, with the cache kept honest."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Final

from core.binding import Binding
from core.errors import CacheUnavailable, StoreUnavailable
from core.intake import Intake, Source
from core.model import LoadReport, Movie, Progress
from core.stores.base import Stored
from core.strategies.keys import COLLECTION

FIRST_BATCH: Final = 250
"""Small, so that the first page of movies is on the screen while the rest still loads."""
BATCH: Final = 5_000
AT_ONCE: Final = 2
"""Batches that the store is given at once: it is at one while another waits for its turn or for the disk."""
RELAY_PATIENCE: Final = 2.0
"""Seconds for the relay to carry a load into the cache; then the cache is suspended until it has done so."""


async def load_into(
    binding: Binding, source: Source, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> LoadReport:
    """Store every movie that a source yields; a set `stop` ends it between two batches, with all before it stored.

    Raises UnreadableFile and StoreUnavailable; what was stored before stays, and loading again goes on from there.
    """
    intake = Intake(source, Movie, FIRST_BATCH)

    async def finish(rows: int, storing: asyncio.Task[Stored]) -> None:
        result = await storing
        intake.took(rows, result)
        if result.inserted or result.updated:
            await _new_generation(binding)
        if progress:
            progress(intake.so_far)

    under_way: deque[tuple[int, asyncio.Task[Stored]]] = deque()

    async def drop() -> None:
        for _, storing in under_way:
            storing.cancel()
        if under_way:
            await asyncio.wait([storing for _, storing in under_way])

    try:
        async with intake, contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(drop)
            first = True
            while not (stop and stop.is_set()) and (batch := await intake.batch(BATCH)) is not None:
                under_way.append((batch.rows, asyncio.create_task(binding.store.load(batch.records))))
                while under_way and (first or batch.damaged or len(under_way) >= AT_ONCE):
                    await finish(*under_way.popleft())
                if batch.damaged:
                    raise intake.broken(batch.damaged)
                if first and batch.rows >= FIRST_BATCH and intake.fraction:
                    await stack.enter_async_context(binding.store.bulk(round(batch.rows / intake.fraction)))
                    stack.push_async_callback(drop)
                first = False
            while under_way:
                await finish(*under_way.popleft())
    finally:
        if intake.stored:
            await _forget_everything(binding)
    return intake.report(stopped=bool(stop and stop.is_set()))


async def _new_generation(binding: Binding) -> None:
    try:
        await binding.cache.cut_journal()
        await binding.cache.forget(COLLECTION)
    except CacheUnavailable:
        await binding.trust.owe(COLLECTION, 0, None)


async def _forget_everything(binding: Binding) -> None:
    """A load changes too many movies to invalidate them one by one: no entry and no lease of the store survives it.

    The relay removes them, as it would had this program died; here it is waited for."""
    try:
        async with asyncio.timeout(RELAY_PATIENCE):
            await binding.store.settle()
            await binding.cache.heard()
    except (TimeoutError, StoreUnavailable, CacheUnavailable):
        await binding.trust.owe_everything()
