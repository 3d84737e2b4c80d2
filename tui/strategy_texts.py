"""What each strategy and each store promises, and how a read and a write travel: words for the choosers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StrategyText:
    """The one-line promise of a strategy, and the paths of its reads and writes as one line each."""

    promise: str
    read: str
    write: str


STRATEGY_TEXTS: Final[dict[str, StrategyText]] = {
    "cache-aside": StrategyText(
        "Fill on demand: only what is read takes memory; the first read after a write pays.",
        "app → Redis: hit ▸ done · miss → store → fill Redis",
        "app → hide the entry → store commits → drop the entry",
    ),
    "write-through": StrategyText(
        "Write both: the next read of what was saved is a hit; every write pays for the cache.",
        "app → Redis: hit ▸ done · miss → store → fill Redis",
        "app → hide the entry → store commits → put the new one into Redis",
    ),
    "no-cache": StrategyText(
        "The baseline: every read goes to the store. Shows what the cache is worth.",
        "app → store ▸ done",
        "app → store commits ▸ done (entries in Redis are still dropped)",
    ),
}


@dataclass(frozen=True, slots=True)
class StoreText:
    """What a store is called, and in one line how it keeps the movies."""

    name: str
    promise: str


STORE_TEXTS: Final[dict[str, StoreText]] = {
    "postgresql": StoreText(
        "PostgreSQL", "One table with real columns, arrays with GIN indexes, a text-search column."
    ),
    "mongodb": StoreText("MongoDB", "Documents in the shape of sample_mflix, with change streams; edited in place."),
}
