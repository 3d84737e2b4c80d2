"""Verdicts: what each word in the log means, in a sentence or two."""

from __future__ import annotations

import re
from typing import Final

from core.observe.stats import LatencyStats, TraceLine
from core.observe.trace import NEAR_HIT

_BY_VERDICT: Final = {
    "hit": "Redis held the answer and it was fresh: the store was not asked.",
    NEAR_HIT: "This program had kept it since Redis last gave it, and Redis has rung for no change: nobody was asked.",
    "hit past its soft TTL: being refreshed": (
        "Redis held an answer older than its soft TTL. It was given at once and is being loaded anew."
    ),
    "known to be absent": "Redis knew that there is no such movie: the store was not asked.",
    "miss: loaded and filled": (
        "Redis did not hold it. The store was asked, under the lease that one reader has at a time; Redis was filled."
    ),
    "computed": "No answer of the present generation was in Redis: the store computed it, and Redis keeps it.",
    "last known state": "The store is away: this is what Redis last knew, and it is labelled so.",
    "committed": "The store committed the write; every reader sees it from then on.",
    "conflict": "The movie had moved on since it was read for editing: nothing was written.",
    "used again": "Redis answers, and is believed again.",
}
_BY_BEGINNING: Final = {
    "not cached: another writer": "A write of the same movie was under way, so the answer was not put into Redis.",
    "not cached: another reader or writer": (
        "Others were loading or writing some of these movies, so those were not put into Redis."
    ),
    "no-cache:": "This strategy asks the store for every read: the cache is left aside.",
    "not cached: another reader": "Another reader was loading the same movie, so this answer was not put into Redis.",
    "not cached:": "The answer came from the store and was not put into Redis, for the reason that the verdict names.",
    "the last known state": "The store is away: this is what Redis last knew, and it is labelled so.",
    "last known state": "The store is away: these rows are what Redis last knew, and they are labelled so.",
    "not used:": "Redis is left aside from here on: reads go to the store, writes say so in the store.",
}
_BY_OPERATION: Final = {
    "browse": "One window of the table: how many of its movies the cache held, and where their order came from.",
    "switch": "The strategy, the store or the near tier was switched while everything ran.",
    "fault": "Something was broken or mended on purpose.",
    "cache": "The program's view of Redis changed.",
}
_OF_PROTOCOL: Final = re.compile(r"\b(?:lease_lost|below_floor|token_lost)\b")
"""The protocol's verdicts of two words. In what servers say, such as redis_url or ssl_ca_certs, each _ counts."""
_TIERS: Final = {
    "near": "this program's own memory",
    "redis": "Redis",
    "store": "the store",
    None: "–",
}


def explain(line: TraceLine) -> str:
    """What the verdict of an operation means; empty where the verdict says it all."""
    if line.verdict in _BY_VERDICT:
        return _BY_VERDICT[line.verdict]
    for beginning, text in _BY_BEGINNING.items():
        if line.verdict.startswith(beginning):
            return text
    return _BY_OPERATION.get(line.operation, "")


def in_words(verdict: str) -> str:
    """The verdict as a person reads it."""
    return _OF_PROTOCOL.sub(lambda found: found[0].replace("_", " "), verdict)


def tier_in_words(line: TraceLine) -> str:
    """Where the answer came from."""
    return _TIERS[line.tier]


def rank(latency: LatencyStats, seconds: float, bounds: tuple[float, ...]) -> float | None:
    """The share of the durations counted that were shorter, to the width of a bucket; None without any."""
    if not latency.count:
        return None
    shorter = sum(count for bound, count in zip(bounds, latency.buckets, strict=False) if bound < seconds)
    return shorter / latency.count
