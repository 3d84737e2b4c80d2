"""`reelcache stats`: how full the store is, what Redis says of itself, and whether the cache is believed."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import msgspec
import typer

from core import Catalogue, Query, Settings, Stats, open_catalogue
from tui.figures import memory
from tui.formats import count, plural, visible

_PATIENCE: Final = 2.0
"""Seconds for the cache to be vouched for: a look at the store or two."""
_LOOKS: Final = 40
_LABEL_WIDTH: Final = 11


async def show_stats(settings: Settings, *, as_json: bool) -> int:
    """Print the figures; returns the exit code, 1 where the cache is not in use. Raises StoreUnavailable."""
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        movies = (await catalogue.browse(Query(), 0, 1)).total
        stats = await _settled(catalogue)
        found = as_object(stats, movies, catalogue.store_url, catalogue.redis_url)
    typer.echo(json.dumps(found) if as_json else "\n".join(as_lines(found)))
    return 0 if found["cache"]["used"] else 1


async def _settled(catalogue: Catalogue) -> Stats:
    """The figures once the cache is believed, or after a while the reason why it is not."""
    for _ in range(_LOOKS):
        stats = catalogue.stats()
        if stats.breaker != "closed" or stats.doubt is None:
            break
        await asyncio.sleep(_PATIENCE / _LOOKS)
    await catalogue.watch()
    return catalogue.stats()


def as_object(stats: Stats, movies: int, store_url: str, redis_url: str) -> dict[str, Any]:
    """The figures for a program: `store`, `store_url`, `movies`, `redis_url`, `redis` (None while it is away) with
    what the whole server counted, and `cache`: `used`, `why_not` and `pending` changes of the store.

    Hits, misses and latency are not among them: each copy of the program counts its own, where others cannot see them.
    """
    why_not = stats.cache_problem or stats.doubt
    return {
        "store": stats.store,
        "store_url": store_url,
        "movies": movies,
        "redis_url": redis_url,
        "redis": None if stats.redis is None else msgspec.structs.asdict(stats.redis),
        "cache": {"used": why_not is None, "why_not": why_not, "pending": stats.relay.pending},
    }


def as_lines(found: dict[str, Any]) -> list[str]:
    """The figures for a person."""
    cache, redis = found["cache"], found["redis"]
    shown = {"Store": f"{found['store']}, {plural(found['movies'], 'movie')}: {found['store_url']}"}
    if redis is None:
        shown["Redis"] = f"away: {found['redis_url']}"
    else:
        limit = f" of {memory(redis['max_memory'])}" if redis["max_memory"] else ", no limit"
        shown["Redis"] = f"version {redis['version']}: {found['redis_url']}"
        shown["  memory"] = f"{memory(redis['used_memory'])}{limit}"
        shown["  keys"] = (
            f"{count(redis['keys'])}, expired {count(redis['expired'])}, evicted {count(redis['evicted'])}"
        )
        shown["  clients"] = f"{count(redis['clients'])}, this command among them"
    shown["Cache"] = "believed" if cache["used"] else f"not used: {cache['why_not']}"
    if cache["pending"] is not None:
        shown["  pending"] = f"{plural(cache['pending'], 'change')} of the store not carried in yet"
    lines = [f"{label:<{_LABEL_WIDTH}}{visible(text)}" for label, text in shown.items()]
    return [
        *lines,
        "Hits, misses and latency are counted by each running copy for itself; they are not seen from here.",
    ]
