"""Audit: an outside observer that compares the cache with the store, in the spirit of Meta's Polaris.

It trusts no part of the protocol: some time after a write it reads the store and the cache as any client would, and
counts whether the cache still held something older. What it reports is the share of writes that were consistent within
0.1, 1 and 10 seconds (Cache made consistent, Meta Engineering, 2022).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from core.cache.entry import Entry
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.model import Movie
from core.observe.counters import Observer
from core.observe.stats import AUDIT_AGES
from core.stores.base import Store
from core.strategies.codec import CODEC, decode_movie
from core.strategies.keys import movie_key

MOST_WAITING: Final = 1_000
"""Writes that wait to be looked at; beyond that a write is not sampled."""
_TICK: Final = 0.1
_TOGETHER: Final = 200

Finding = Literal["absent", "equal", "outdated", "unequal", "unread"]
"""What the cache holds of a movie, against the store: nothing, the same, an older state, or something that the store
never had under this version. `unread`: what is there is none of ours."""


def compared(entry: Entry | None, movie: Movie | None) -> Finding:
    """Judge an entry by what the store held before the entry was read."""
    if entry is None:
        return "absent"
    if entry.codec != CODEC:
        return "unread"
    if not entry.known:
        return "equal" if movie is None else "outdated"
    if movie is None or entry.version < movie.version:
        return "outdated"
    if entry.version > movie.version:
        return "equal"  # written between the two looks: newer than what the store said is never outdated
    try:
        return "equal" if decode_movie(entry.payload) == movie else "unequal"
    except msgspec.MsgspecError:
        return "unread"


class Auditor:
    """Looks at each sampled write again when it is 0.1, 1 and 10 seconds old, and counts what it finds."""

    def __init__(
        self, store: Store, cache: RedisCache, observer: Observer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._cache = cache
        self._observer = observer
        self._clock = clock
        self._waiting: tuple[deque[tuple[float, str]], ...] = tuple(deque() for _ in AUDIT_AGES)

    def wrote(self, id: str) -> None:
        """This movie was just written, by whomever."""
        if len(self._waiting[-1]) < MOST_WAITING:
            now = self._clock()
            for waiting in self._waiting:
                waiting.append((now, id))

    async def run(self) -> None:
        """Look at what is due, until cancelled. What cannot be looked at because a server is away is not counted."""
        while True:
            await asyncio.sleep(_TICK)
            for age, waiting in zip(AUDIT_AGES, self._waiting, strict=True):
                due: list[str] = []
                while waiting and waiting[0][0] + age <= self._clock() and len(due) < _TOGETHER:
                    due.append(waiting.popleft()[1])
                if due:
                    try:
                        findings = await compare(self._store, self._cache, due)
                    except (CacheUnavailable, StoreUnavailable):
                        continue
                    wrong = sum(finding in ("outdated", "unequal") for finding in findings.values())
                    self._observer.audited(age, len(findings), wrong)


async def compare(store: Store, cache: RedisCache, ids: Sequence[str], *, patient: bool = False) -> dict[str, Finding]:
    """What the cache holds of these movies, against the store. Raises CacheUnavailable, StoreUnavailable.

    The store is read first: an entry older than that is outdated beyond doubt. `patient` waits for a Redis that is
    slower than any reader would wait for.
    """
    unique = list(dict.fromkeys(ids))
    movies = await store.get_many(unique)
    read = cache.look_many if patient else cache.get_many
    entries = await read([movie_key(id) for id in unique])
    findings = {id: compared(entry, movies.get(id)) for id, entry in zip(unique, entries, strict=True)}
    removed = [id for id, finding in findings.items() if finding == "outdated" and id not in movies]
    if removed:
        # Or added between the two looks: then it is there now.
        findings |= dict.fromkeys(await store.get_many(removed), "equal")
    return findings


class Check(msgspec.Struct, frozen=True):
    """The result of comparing every movie in the cache with the store: how many were looked at, and which were wrong
    after so many seconds (those that were right at once are not looked at again)."""

    entries: int
    wrong: dict[float, tuple[str, ...]]


async def check(store: Store, cache: RedisCache, ages: Sequence[float] = AUDIT_AGES) -> Check:
    """Compare every movie in the cache with the store, and what differs again later: a change on its way is not a lie,
    a difference that stays is one. Raises CacheUnavailable, StoreUnavailable."""
    movie_kind = movie_key("").kind
    entries = 0
    suspects: list[str] = []
    began = time.monotonic()
    async for keys in cache.keys():
        ids = [key.id for key in keys if key.kind == movie_kind]
        findings = await compare(store, cache, ids, patient=True) if ids else {}
        entries += sum(finding != "absent" for finding in findings.values())
        suspects += _wrong(findings)
    wrong: dict[float, tuple[str, ...]] = {}
    for age in ages:
        if suspects:
            await asyncio.sleep(max(0.0, began + age - time.monotonic()))
            suspects = _wrong(await compare(store, cache, suspects, patient=True))
        wrong[age] = tuple(suspects)
    return Check(entries, wrong)


def _wrong(findings: dict[str, Finding]) -> list[str]:
    return [id for id, finding in findings.items() if finding in ("outdated", "unequal")]
