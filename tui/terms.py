"""What the words on the screen mean, in one sentence each: for tooltips, and for the help of their panel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from tui.strategy_texts import STORE_TEXTS, STRATEGY_TEXTS

TERMS: Final[dict[str, str]] = {
    # Reads and writes
    "hit ratio": "The share of the records asked for that the cache had, within the window and since the start.",
    "hits": "Records that came from the cache, and how many a second.",
    "misses": "Records that the cache did not have: read from the store, then put into the cache.",
    "hit now": "The hit ratio of this strategy within the window.",
    "hit all": "The hit ratio of this strategy since the start.",
    "hit": "A read that the cache answered.",
    "miss": "A read that the cache could not answer, so that the store did.",
    "store read": "A read that the store answered, whether or not a cache was asked before.",
    "write": "A save, an addition or a removal, until the store had committed it and the cache knew.",
    "latency": "How long an operation took, as this program saw it: half of them took at most p50.",
    "p50": "The median: half of the operations took at most so long.",
    "p95": "95 of 100 operations took at most so long; the slowest five took longer.",
    "p99": "99 of 100 operations took at most so long: what the unlucky ones wait for.",
    "ratio": "The hit ratio of each second, the newest at the right; a gap is a second in which no cache was asked.",
    "100 %": "The hit ratio of each second, the newest at the right; a gap is a second in which no cache was asked.",
    # Strategies
    "strategy": "When the cache is filled and what a write does to it; c chooses another while everything runs.",
    "store": "The database that holds the movies; t chooses the other while everything runs.",
    "reads": "Records read under this strategy since the start, wherever they came from.",
    "queries": "Queries that this strategy sent to the store since the start.",
    "saved": "Store reads saved: queries that the store was spared because the cache had the answer.",
    "store reads avoided": "Store reads saved: queries that the store was spared because the cache had the answer.",
    "reads avoided": "Store reads saved: queries that the store was spared because the cache had the answer.",
    "ago": "How long this strategy has had nothing to do: its figures are of then, and stay to be compared with.",
    # Redis
    "Redis": "Whether the cache server is used; while it is away the store serves, and nothing old is shown.",
    "whole server": "Memory and keys of the Redis server, of all its clients together.",
    "evicted": "Entries that Redis threw out for want of memory, and those whose time was up.",
    "breaker": "A switch that opens when Redis fails, so that nobody waits for it; it closes once a probe is answered.",
    "refused": "Operations that the store failed, and saves that met an edit of somebody else.",
    "all copies": "What all running copies of the program counted by strategy, as each of them tells once a second.",
    # Consistency
    "races prevented": "Times that an outdated answer was about to be put into the cache, and was refused.",
    "the cache is": "Whether answers of the cache may be shown: not while a change could have passed it by.",
    "writes, after": "How old a write was when an outside observer compared the cache with the store.",
    "consistent": "The share of writes that the cache agreed with when an outside observer looked, so much later.",
    "looked at": "How many writes the outside observer has compared, at each age.",
    "change log": "The store's own record of changes: a relay carries it into the cache, whoever made the change.",
    "change log lag": "Relay lag: the time from a commit in the store until the relay had told the cache.",
    "carried in after": "Relay lag: the time from a commit in the store until the relay had told the cache.",
    "outdated for": "How long entries had been wrong when the change log removed them; writers tell the cache at once.",
    "last known": "What the cache last knew, served and marked as such because the store was away.",
    "entries by how long they were outdated": "Outdated entries that the change log removed, by how long they were so.",
    "FAULT": "Something is broken on purpose: x mends it, and leaving the program does too.",
    # Beyond the panels
    "soft TTL": "The age from which an entry is renewed; it is kept longer, to be shown, marked, with the store away.",
    "near tier": "What was read, kept in this program too: no round trip. Redis rings for changes; N switches it.",
    "near hit": "A read that this program answered from its own memory, without asking Redis.",
    "Redis hit": "A read that Redis answered.",
    "metrics": "Where monitoring systems find these figures, as --metrics and --otel asked.",
    "near": "Records that came from the near tier, this program's own memory, and how many a second.",
    "dropped": "What left the near tier: what changed, as Redis rang before the commit; or what was used least lately.",
    "order index": "The order of an answer, kept here so that its last row is as near as its first; made as you look.",
    "window": "How far back the figures look; w changes it.",
    "PAUSED": "Counters and log hold still, while counting goes on; p goes on.",
    "VISITORS": "Simulated visitors are part of these figures; V sends them away.",
    **{name: text.promise for name, text in STRATEGY_TEXTS.items()},
    **{name: text.promise for name, text in STORE_TEXTS.items()},
    **{text.name: text.promise for text in STORE_TEXTS.values()},
}
"""By the words as they stand on the screen."""

PANELS: Final[dict[str, str]] = {
    "movies": "The movies that the filter lets through, with where each row came from in the last column.",
    "stats": "What the cache did within the window and since the start, and what each strategy made of it.",
    "genres": "How many of the movies in the table are of each genre; choosing one filters by it.",
    "years": "How many of the movies in the table are of each year; y keeps some of them.",
    "log": "Each operation with who answered it, what came of it and how long it took, the newest at the bottom.",
    "consistency": "Whether the cache tells the truth, how soon it does after a change, and what kept it from lying.",
    "details": "The movie under the cursor in full, and where it came from.",
    "tabs": "The panels by their numbers, the one shown underlined; a number or a click shows another.",
    "filter": "The filters in force, and how many movies they let through; Esc takes the last one away.",
    "footer": "Keys that work here, the most needed first; ? shows all of them.",
    "strip": "The cache's figures in one line; 2 shows them all.",
    "status": "What is in force and how it does.",
    "bar": "The strategies and the stores, the ones in force marked, and the near tier; a click switches.",
}
"""What each part of the screen shows."""

COLUMNS: Final[dict[str, str]] = {
    "number": "The number of the row in the filter's answer; : goes to one.",
    "title": "The title; ' goes to the first that begins as you type.",
    "year": "The year in which it came out; y filters by years.",
    "genres": "The genres, as far as there is room; genre:horror filters by one.",
    "imdb_rating": "The rating by IMDb's users, from 0 to 10.",
    "imdb_votes": "How many of IMDb's users have voted.",
    "critic_rating": "The mean rating by critics, from 0 to 10.",
    "tomatometer": "The share of critics on Rotten Tomatoes who liked it.",
    "runtime": "How long it runs, in minutes.",
    "directors": "Who directed it; director:scott filters by a name.",
    "metacritic": "The score on Metacritic, from 0 to 100.",
    "score": "The critics' rating, where few reviews count for little, from 0 to 10; B says by which formula.",
    "critic_reviews": "How many reviews by critics the rating is of.",
    "box_office": "What it took at the box office, in US dollars.",
    "countries": "Where it was made.",
    "tier": "Where the row came from: h a hit in Redis, n the near tier, m a miss read from the store.",
}
"""What the columns of the movie table hold, by their ids; the row's number and the mark at its end too."""

HERE: Final[dict[str, tuple[str, ...]]] = {
    "movies": ("hit", "miss", "near tier", "order index"),
    "stats": (
        "hit ratio",
        "latency",
        "p95",
        "p99",
        "strategy",
        "store reads avoided",
        "races prevented",
        "breaker",
        "evicted",
        "near tier",
        "window",
    ),
    "genres": (),
    "log": ("hit", "miss", "races prevented", "window"),
    "consistency": (
        "the cache is",
        "breaker",
        "consistent",
        "change log",
        "carried in after",
        "outdated for",
        "races prevented",
        "last known",
        "soft TTL",
    ),
    "details": ("soft TTL", "near tier"),
}
"""The words that the help of a panel explains."""


_STRATEGIES: Final = tuple(STRATEGY_TEXTS)
_STORES: Final = (*STORE_TEXTS, *(text.name for text in STORE_TEXTS.values()))


def _words(*words: str, **others: str) -> dict[str, str]:
    """Words with what they mean; `others` are short for a term of another name."""
    return {word: TERMS[word] for word in words} | {word: TERMS[term] for word, term in others.items()}


WORDS: Final[dict[str, dict[str, str]]] = {
    "stats": _words(
        *("hit ratio", "hits", "misses", "ratio", "100 %", "latency", "p50", "p95", "p99"),
        *("near", "near tier", "near hit", "Redis hit", "dropped"),
        *("hit", "miss", "store read", "write", "strategy", "hit now", "hit all", "reads", "queries", "saved", "ago"),
        *_STRATEGIES,
        *("store reads avoided", "reads avoided", "races prevented", "Redis", "whole server", "evicted", "refused"),
        *("consistent", "change log lag", "all copies"),
    ),
    "strip": _words("hits", "misses", "saved", "near", "Redis", hit="hit ratio", races="races prevented"),
    "status": _words(
        *("p95", "Redis", "near", "metrics", "PAUSED", "VISITORS", "FAULT", *_STRATEGIES, *_STORES), hit="hit ratio"
    ),
    "bar": _words("near tier", *_STRATEGIES, *_STORES, Strategy="strategy", Store="store"),
    "consistency": _words(
        *("FAULT", "the cache is", "Redis", "breaker", "writes, after", "consistent", "looked at", "change log", "p50"),
        *("p95", "p99", "carried in after", "outdated for", "races prevented", "last known"),
        "entries by how long they were outdated",
    ),
}
"""The words that stand in a part of the screen, with what they mean there."""


def word_at(text: str, cell: int, words: Iterable[str]) -> str | None:
    """The word that a place in a line belongs to: the last one that begins there or before it.

    Left of the first one it is the first. None in a line that has none."""
    found = None
    for match in _pattern(tuple(words)).finditer(text):
        if found is not None and match.start() > cell:
            break
        found = match.group()
    return found


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")
