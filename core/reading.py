"""Reading: one movie as it was read, noted in the trace."""

from __future__ import annotations

import time
from collections.abc import Awaitable

import msgspec

from core.errors import MovieNotFound, StoreUnavailable
from core.model import Movie
from core.observe.counters import Observer
from core.query import Freshness, Tier
from core.strategies.base import Answer


class Reading(msgspec.Struct, frozen=True):
    """One movie as it was read: from which tier, how fresh, why so, and in how many seconds."""

    movie: Movie
    version: int
    tier: Tier
    freshness: Freshness
    reason: str
    seconds: float


async def noted(observer: Observer, strategy: str, id: str, answering: Awaitable[Answer], started: float) -> Reading:
    """What an answer of this strategy says. `started` as `time.perf_counter` tells. Raises as `Catalogue.get` does."""
    try:
        answer = await answering
    except StoreUnavailable:
        observer.error(strategy)
        raise
    seconds = time.perf_counter() - started
    observer.trace("get", id, strategy, answer.tier, answer.reason, answer.version, seconds, answer.steps)
    if answer.movie is None:
        raise MovieNotFound(id, tier=answer.tier, freshness=answer.freshness)
    return Reading(answer.movie, answer.version, answer.tier, answer.freshness, answer.reason, seconds)
