"""Failures: what the store could not answer, counted for the strategy that asked it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import StoreUnavailable
from core.observe.counters import Observer


@contextmanager
def failures_counted(observer: Observer, strategy: str, *, write: bool = False) -> Iterator[None]:
    """Count a StoreUnavailable that leaves this context, and let it go on."""
    try:
        yield
    except StoreUnavailable:
        observer.error(strategy, write=write)
        raise
