"""Totals: what all running copies of the program have counted by strategy, and how many copies run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from core.cache.redis import RedisCache
from core.cache.sums import Own, Sums
from core.observe.stats import SharedStats, StrategyStats, StrategyTotals
from core.settings import STRATEGIES

COUNTED: Final = StrategyTotals.__struct_fields__


class Totals:
    """This copy's part in them; `count` gives what it has counted so far, by strategy."""

    def __init__(self, cache: RedisCache, count: Callable[[], Mapping[str, StrategyStats]]) -> None:
        self._count = count
        self._told: Counter[str] = Counter()
        self._sums = Sums(cache, "totals", self._since, self._whole)

    async def report(self, *, running: bool = True) -> None:
        """Tell what was counted since the last report; `running` off says that this copy ends."""
        await self._sums.report(running=running)

    @property
    def stats(self) -> SharedStats:
        """What all have, as of the last report."""
        together = self._sums.together
        if together is None:
            return SharedStats(problem=self._sums.problem)
        found: dict[str, dict[str, int]] = {}
        for name, count in together.fields.items():
            strategy, _, counted = name.partition(":")
            if counted in COUNTED and strategy in STRATEGIES:  # others may write there, whatever it is
                found.setdefault(strategy, {})[counted] = count
        return SharedStats(together.copies, {name: StrategyTotals(**counts) for name, counts in found.items()})

    def _since(self) -> Own:
        before, self._told = self._told, self._now()
        return Own(self._told - before)

    def _whole(self) -> Own:
        self._told = self._now()
        return Own(self._told)

    def _now(self) -> Counter[str]:
        counts = self._count()
        return Counter(
            {f"{name}:{counted}": getattr(stats, counted) for name, stats in counts.items() for counted in COUNTED}
        )
