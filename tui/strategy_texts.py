"""What each strategy and each store promises, and how a read and a write travel: words for the choosers."""

from __future__ import annotations

from typing import Final

import msgspec


class StrategyText(msgspec.Struct, frozen=True):
    """The one-line promise of a strategy, and the paths of its reads and writes as one line each."""

    promise: str
    read: str
    write: str


STRATEGY_TEXTS: Final[dict[str, StrategyText]] = {
    "cache-aside": StrategyText(
        "Filled on demand; the first read after a write pays for the store.",
        "app → Redis: hit ▸ done · miss → store → fill Redis",
        "app → hide the entry → store commits → drop the entry",
    ),
    "write-through": StrategyText(
        "A save fills the cache too: what was saved is a hit at once.",
        "app → Redis: hit ▸ done · miss → store → fill Redis",
        "app → hide the entry → store commits → put the new entry",
    ),
    "no-cache": StrategyText(
        "The baseline: every read asks the store. Shows what a cache is worth.",
        "app → store ▸ done",
        "app → store commits → drop what Redis still holds",
    ),
}


class StoreText(msgspec.Struct, frozen=True):
    """What a store is called, and in one line how it keeps the movies."""

    name: str
    promise: str


STORE_TEXTS: Final[dict[str, StoreText]] = {
    "postgresql": StoreText("PostgreSQL", "One table with real columns, indexed lists and a text search."),
    "mongodb": StoreText("MongoDB", "Documents in the shape of sample_mflix, edited in place."),
}
