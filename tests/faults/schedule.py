"""The schedule of a run's faults, derived from its seed alone."""

from __future__ import annotations

import random
from typing import Final

import msgspec

FAULTS: Final = (
    "redis-pause",
    "redis-kill",
    "redis-old-dump",
    "redis-flushall",
    "redis-client-kill",
    "redis-evict",
    "redis-full",
    "redis-script-flush",
    "partition",
    "store-restart",
    "store-kill",
    "store-stall",
    "strategy-switch",
    "store-switch",
)
"""What happens one after the other, each at least once before any comes again."""
FAILOVERS: Final = ("redis-failover", "redis-split")
"""Where a replica of Redis can be promoted: its primary dies, or serves on beside it for a while."""
CONTINUOUS: Final = ("client-kill", "crash", "edit")
"""What happens all the time beside them: kill -9 at any time, kill -9 right after a commit, edits behind the back."""
ALL: Final = (*FAULTS, *CONTINUOUS)

_SECONDS: Final[dict[str, tuple[float, float]]] = {
    "redis-pause": (0.3, 2.5),
    "redis-kill": (0.1, 1.5),
    "redis-old-dump": (0.8, 2.0),
    "redis-evict": (0.8, 2.0),
    "redis-full": (0.8, 2.0),
    "redis-failover": (0.2, 2.0),
    "redis-split": (0.2, 2.0),
    "partition": (0.5, 2.5),
    "store-restart": (0.0, 0.5),
    "store-kill": (0.0, 0.5),
    "store-stall": (0.2, 1.0),
}


class Fault(msgspec.Struct, frozen=True):
    """One fault: how long after the one before, which, for how long, and a number that decides its details."""

    after: float
    name: str
    seconds: float
    detail: int


def faults(seed: int, names: tuple[str, ...], count: int) -> tuple[Fault, ...]:
    """So many faults of these names."""
    dice = random.Random(f"{seed}/faults")
    deck: list[str] = []
    planned: list[Fault] = []
    known = [name for name in (*FAULTS, *FAILOVERS) if name in names]
    while known and len(planned) < count:
        if not deck:
            deck = dice.sample(known, len(known))
        name = deck.pop()
        seconds = dice.uniform(*_SECONDS.get(name, (0.0, 0.0)))
        planned.append(Fault(dice.uniform(0.2, 0.9), name, seconds, dice.randrange(1 << 30)))
    return tuple(planned)


def kills(seed: int, count: int) -> tuple[Fault, ...]:
    """So many kills of clients."""
    dice = random.Random(f"{seed}/kills")
    return tuple(Fault(dice.uniform(0.8, 2.5), "client-kill", 0.0, dice.randrange(1 << 30)) for _ in range(count))


def edits(seed: int, count: int) -> tuple[Fault, ...]:
    """So many edits behind the back."""
    dice = random.Random(f"{seed}/edits")
    return tuple(Fault(dice.uniform(0.1, 0.5), "edit", 0.0, dice.randrange(1 << 30)) for _ in range(count))
