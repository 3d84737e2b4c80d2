"""Provenance: where an answer came from, in one word, as the header X-Cache says it."""

from __future__ import annotations

from typing import Final

from core.query import Freshness, Page, Tier

X_CACHE: Final = "X-Cache"
WORDS: Final = {
    "near": "this process's own memory, kept right by Redis",
    "hit": "Redis",
    "miss": "the store, and Redis was filled with it",
    "stale": "Redis, past its soft TTL, or the last known state while the store is away",
    "bypass": "no cache was filled or asked: no-cache, Redis not believed, a write, or nothing that is cached",
}
"""The words of X-Cache, and what each stands for."""


def cache_word(tier: Tier, freshness: Freshness) -> str:
    """The word for one answer. An absence that a cache knew of counts like a presence."""
    if freshness == "stale":
        return "stale"
    if tier == "store":
        return "bypass" if freshness == "uncached" else "miss"
    return "near" if tier == "near" else "hit"


def page_word(page: Page) -> str:
    """The word for a window: of its order and its movies, the one that came from furthest off."""
    tiers = {page.window_tier, *page.tiers}
    if page.freshness == "stale":
        return "stale"
    if page.bypassed:
        return "bypass"
    return "miss" if "store" in tiers else "hit" if "redis" in tiers else "near"
