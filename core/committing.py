"""Committing: one write of a movie, by the strategy in force, and what has to be told of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial

from core.binding import Binding
from core.errors import EditConflict
from core.model import Movie
from core.observe.counters import Observer
from core.observe.failures import failures_counted
from core.stores.base import Store
from core.strategies.base import Change, Strategy, Written

Commit = Callable[[Store, Awaitable[None]], Awaitable[Written]]
"""Changes the store, once the write has been announced."""


async def committed(
    binding: Binding, strategy: Strategy, observer: Observer, operation: str, id: str, commit: Commit
) -> Written:
    """What the write left, noted in the trace. Raises what the store does, counted."""
    started = time.perf_counter()
    try:
        with failures_counted(observer, strategy.name, write=True):
            written = await strategy.write(Change(id, partial(commit, binding.store)))
            binding.tallies.wrote(written)
    except EditConflict:
        observer.conflict(strategy.name)
        observer.trace(operation, id, strategy.name, None, "conflict", None, time.perf_counter() - started)
        raise
    seconds = time.perf_counter() - started
    observer.write(strategy.name, seconds)
    binding.auditor.wrote(id)
    binding.rated.changed()
    observer.trace(operation, id, strategy.name, "store", "committed", written.version, seconds, written.steps)
    return written


def update(movie: Movie) -> Commit:
    """Replaces the movie whose version is still `movie.version`."""

    async def commit(store: Store, announced: Awaitable[None]) -> Written:
        saved = await store.update(movie, announced)
        return Written(saved, saved.version)

    return commit


def insert(movie: Movie) -> Commit:
    """Adds a movie."""

    async def commit(store: Store, announced: Awaitable[None]) -> Written:
        await announced
        added = await store.insert(movie)
        return Written(added, added.version)

    return commit


def delete(id: str, version: int) -> Commit:
    """Removes the movie whose version is still this."""

    async def commit(store: Store, announced: Awaitable[None]) -> Written:
        await announced
        return Written(None, await store.delete(id, version))

    return commit
