"""Instruments in a client: they note when a write was committed and who was given which lease, and crash the client."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final

from core.cache.keys import Key
from core.cache.protocol import FillVerdict
from core.cache.redis import Loaded, RedisCache
from core.cache.replies import Acquired
from core.model import Movie
from tests.faults.history import Committed, Filled, Journal, Leased, now

OPERATION: Final[ContextVar[int]] = ContextVar("operation", default=0)
"""The number of the operation that this task is at."""


def watch_commits(kind: type, journal: Journal, crash: float, dice: random.Random) -> None:
    """Note every commit of stores of this kind; with the probability `crash` it is the last thing this process does."""
    for name in ("insert", "update", "delete"):
        setattr(kind, name, _noting(getattr(kind, name), journal, crash, dice))


def _noting(
    method: Callable[..., Awaitable[Movie | int]], journal: Journal, crash: float, dice: random.Random
) -> Callable[..., Awaitable[Movie | int]]:
    async def noted(self: Any, *words: Any) -> Movie | int:
        result = await method(self, *words)
        if number := OPERATION.get():
            version = result if isinstance(result, int) else result.version
            journal.write(Committed(number, self.name, version, now()))
            if dice.random() < crash:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    return noted


def watch_leases(journal: Journal) -> None:
    """Note which reader holds which lease, and what became of it."""
    acquire, acquire_many = RedisCache.acquire, RedisCache.acquire_many
    fill, fill_many = RedisCache.fill, RedisCache.fill_many

    def note(cache: RedisCache, keys: Sequence[Key], token: str, acquired: Sequence[Acquired], began: int) -> None:
        for key, got in zip(keys, acquired, strict=True):
            if got.verdict == "token" and key.kind == "movie":
                journal.write(Leased(_store(cache), key.id, token, began, now()))

    async def acquire_noted(self: RedisCache, key: Key, token: str, lease: float, *, refresh: bool = False) -> Acquired:
        began = now()
        acquired = await acquire(self, key, token, lease, refresh=refresh)
        note(self, [key], token, [acquired], began)
        return acquired

    async def acquire_many_noted(
        self: RedisCache, keys: Sequence[Key], token: str, lease: float, *, refresh: bool = False
    ) -> list[Acquired]:
        began = now()
        acquired = await acquire_many(self, keys, token, lease, refresh=refresh)
        note(self, keys, token, acquired, began)
        return acquired

    async def fill_noted(
        self: RedisCache, key: Key, token: str, version: int, payload: bytes | None, *, load_ms: int = 0
    ) -> FillVerdict:
        began = now()
        verdict = await fill(self, key, token, version, payload, load_ms=load_ms)
        if key.kind == "movie":
            journal.write(Filled(_store(self), key.id, token, verdict, began, now()))
        return verdict

    async def fill_many_noted(self: RedisCache, token: str, items: Sequence[Loaded]) -> list[Any]:
        began = now()
        verdicts = await fill_many(self, token, items)
        for item, verdict in zip(items, verdicts, strict=True):
            if item.key.kind == "movie":
                journal.write(Filled(_store(self), item.key.id, token, verdict, began, now()))
        return verdicts

    RedisCache.acquire = acquire_noted  # type: ignore[method-assign]
    RedisCache.acquire_many = acquire_many_noted  # type: ignore[method-assign]
    RedisCache.fill = fill_noted  # type: ignore[method-assign]
    RedisCache.fill_many = fill_many_noted  # type: ignore[method-assign]


def _store(cache: RedisCache) -> str:
    return cache.namespace.store.partition("-")[0]
