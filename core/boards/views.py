"""Views: how often each movie was looked at, by all running copies, where an hour or a day ago counts half.

They are derived from no store, only from the copies: each counts its own views and tells them once a second
(`core/cache/sums.py`). When Redis lost them each tells its own again; those of copies that have ended are gone then.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Final, Literal, NamedTuple, get_args

from core.boards.decay import DecayedCounts
from core.cache.redis import RedisCache
from core.cache.sums import Decaying, Own, Sums
from core.errors import CacheUnavailable

Span = Literal["hour", "day"]
HALF_LIFE: Final[dict[Span, float]] = {"hour": 3_600.0, "day": 86_400.0}
"""Seconds after which a view counts half."""
KEPT: Final = 1_000
"""Movies that are remembered of each span, here and in Redis; up to twice as many before the least seen are dropped."""
SPANS: Final[tuple[Span, ...]] = get_args(Span)


class MostViewed(NamedTuple):
    """Movies and how often they were looked at, decayed; who knows that, and what is wrong with it."""

    counts: list[tuple[str, float]]
    source: Literal["redis", "memory"]
    why: str


class Views:
    """The views of one store's movies."""

    def __init__(self, cache: RedisCache) -> None:
        self._own = {span: DecayedCounts(HALF_LIFE[span], KEPT, time.monotonic) for span in SPANS}
        self._untold: Counter[str] = Counter()
        sets = tuple(Decaying(span, HALF_LIFE[span], KEPT) for span in SPANS)
        self._sums = Sums(cache, "views", self._since, self._whole, sets)

    def viewed(self, id: str) -> None:
        """Count a look at a movie."""
        self._untold[id] += 1
        for counts in self._own.values():
            counts.add(id)

    async def report(self) -> None:
        """Tell the other copies what was looked at since the last report."""
        await self._sums.report()

    async def most(self, span: Span, limit: int) -> MostViewed:
        """The movies most looked at by all copies, as of their last reports; or by this one alone."""
        try:
            found = await self._sums.heaviest(span, limit)
        except CacheUnavailable as problem:
            return MostViewed(self._own[span].heaviest(limit), "memory", problem.told)
        if found is None:
            why = "Redis has lost the views, and is told them again"
            return MostViewed(self._own[span].heaviest(limit), "memory", self._sums.problem or why)
        why = f"what was looked at here is not in it yet: {self._sums.problem}" if self._sums.problem else ""
        return MostViewed(found, "redis", why)

    def _since(self) -> Own:
        told, self._untold = self._untold, Counter()
        return Own({}, tuple(dict(told) for _ in SPANS))

    def _whole(self) -> Own:
        self._untold = Counter()
        return Own({}, tuple(dict(self._own[span].heaviest()) for span in SPANS))
