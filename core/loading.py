"""Loading: a stream of movies into a store, batch by batch, with the cache kept honest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from core.binding import Binding
from core.errors import CacheUnavailable, StoreUnavailable, UnreadableFile
from core.model import LoadProgress, LoadReport, Movie, Progress
from core.stores.base import Stored
from core.strategies.keys import COLLECTION

FIRST_BATCH: Final = 250
"""Small, so that the first page of movies is on the screen while the rest still loads."""
BATCH: Final = 5_000
AT_ONCE: Final = 2
"""Batches that the store is given at once: it is at one while another waits for its turn or for the disk."""
RELAY_PATIENCE: Final = 2.0
"""Seconds for the relay to carry a load into the cache; then the cache is suspended until it has done so."""


class Rejects(Protocol):
    """Where refused rows go. `path` is None while nothing was refused, `problem` says why they could not be written."""

    path: Path | None
    problem: str

    def write(self, reject: Any) -> None:
        """Keep one refused row."""

    def close(self) -> None:
        """End the file."""


class Source(Protocol):
    """A file being read: yields movies, and whatever is no movie is a refused row."""

    def __iter__(self) -> Iterator[object]: ...

    @property
    def fraction(self) -> float | None:
        """How much of it has been read, 0 to 1."""

    def rejects(self) -> Rejects:
        """Where its refused rows go."""


async def load_into(
    binding: Binding, source: Source, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> LoadReport:
    """Store everything that a source yields; a set `stop` ends it between two batches, with all before it stored.

    Raises UnreadableFile and StoreUnavailable; what was stored before stays, and loading again goes on from there.
    """
    read = stored = unchanged = rejected = 0
    fraction: float | None = None
    started = time.monotonic()
    items, rejects = iter(source), source.rejects()

    def take(size: int) -> tuple[list[object], UnreadableFile | None, float | None]:
        batch: list[object] = []
        try:
            batch.extend(islice(items, size))  # keeps what came before an exception
        except UnreadableFile as damaged:
            return batch, damaged, source.fraction
        return batch, None, source.fraction

    def now() -> LoadProgress:
        return LoadProgress(read, stored, unchanged, rejected, time.monotonic() - started, fraction)

    async def finish(size: int, storing: asyncio.Task[Stored]) -> None:
        nonlocal read, stored, unchanged
        result = await storing
        read += size
        stored += result.inserted + result.updated
        unchanged += result.unchanged
        if result.inserted or result.updated:
            await _new_generation(binding)
        if progress:
            progress(now())

    under_way: deque[tuple[int, asyncio.Task[Stored]]] = deque()

    async def drop() -> None:
        for _, storing in under_way:
            storing.cancel()
        if under_way:
            await asyncio.wait([storing for _, storing in under_way])

    taking = asyncio.create_task(asyncio.to_thread(take, FIRST_BATCH))
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(drop)
            while not (stop and stop.is_set()):
                batch, damaged, fraction = await taking
                if not batch and not damaged:
                    break
                # The next one is read while the store is at this one.
                taking = asyncio.create_task(asyncio.to_thread(take, BATCH))
                movies = [item for item in batch if isinstance(item, Movie)]
                for item in batch:
                    if not isinstance(item, Movie):
                        rejects.write(item)
                rejected += len(batch) - len(movies)
                under_way.append((len(batch), asyncio.create_task(binding.store.load(movies))))
                first = not read
                while under_way and (first or damaged or len(under_way) >= AT_ONCE):
                    await finish(*under_way.popleft())
                if damaged:
                    reason = f"{damaged.reason} {_kept(now(), rejects)}"
                    raise UnreadableFile(damaged.path, reason, remedy=damaged.remedy)
                if first and len(batch) == FIRST_BATCH and fraction:
                    await stack.enter_async_context(binding.store.bulk(round(read / fraction)))
                    stack.push_async_callback(drop)
            while under_way:
                await finish(*under_way.popleft())
    finally:
        # Its thread goes on to the end of its batch whatever happens to the task.
        await asyncio.wait([taking])
        if isinstance(items, Generator):
            items.close()
        rejects.close()
        if stored:
            await _forget_everything(binding)
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


def _kept(before: LoadProgress, rejects: Rejects) -> str:
    kept = f"What stands before that is in the store ({before.stored:,} stored, {before.unchanged:,} unchanged)."
    return f"{kept} Rejected rows: {rejects.path}" if rejects.path else kept


async def _new_generation(binding: Binding) -> None:
    try:
        await binding.cache.cut_journal()
        await binding.cache.invalidate(COLLECTION, 0, force=True)
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
