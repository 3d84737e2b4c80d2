"""Rounds: variants of one measurement side by side, in shuffled order within each round."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping

Variant = Callable[[], Awaitable[float]]
"""Does its work once and returns what it took for each unit of it."""


async def in_rounds(variants: Mapping[str, Variant], rounds: int) -> dict[str, list[float]]:
    """What each variant took in each round, after one round that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for run in variants.values():
        await run()
    for _ in range(rounds):
        for name in random.sample(list(variants), len(variants)):
            taken[name].append(await variants[name]())
    return taken
