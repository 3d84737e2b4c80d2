"""Counting: how many movies of a query's answer have each value of a field, by the strategy in force."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from core.binding import Binding
from core.errors import InvalidQuery, StoreUnavailable
from core.filter_text import filter_text
from core.observe.counters import Observer
from core.observe.failures import failures_counted
from core.query import COUNTED, WITHIN, Counts, Query, ValueCount, words_of
from core.strategies.base import Question, Strategy
from core.strategies.codec import decode_counts, encode_counts


async def counted(
    binding: Binding, strategy: Strategy, observer: Observer, query: Query, field: str, *, operation: str | None = None
) -> Counts:
    """The counts, most first, noted in the trace as an operation of this name; without one, of the field's.

    Raises InvalidQuery on a field that is none of COUNTED, StoreUnavailable."""
    _check(field, "to count")
    store, tallies = binding.store, binding.tallies
    unordered = query.by_title
    question: Question[tuple[ValueCount, ...]] = Question(
        name=f"counts {field} {msgspec.json.encode(unordered).decode()}",
        compute=partial(store.counts, unordered, field),
        encode=encode_counts,
        decode=decode_counts,
        near=partial(tallies.counts, unordered, field),
    )
    started = time.perf_counter()
    try:
        with failures_counted(observer, strategy.name):
            counts, tier, freshness = await strategy.answer(question)
    except StoreUnavailable:
        tallies.want(unordered, field, None)
        raise
    if tier != "near" and freshness == "fresh":
        tallies.want(unordered, field, counts)
    verdict = "last known state" if freshness == "stale" else "hit" if tier != "store" else "computed"
    seconds = time.perf_counter() - started
    name = operation or ("years" if field == "year" else field)
    observer.trace(name, filter_text(query) or "all", strategy.name, tier, verdict, None, seconds)
    return Counts(counts, tier, freshness, seconds)


async def completed(
    count: Callable[[Query], Awaitable[Counts]], field: str, beginning: str, limit: int, among: Query
) -> tuple[ValueCount, ...]:
    """The values of a list field in which some word begins so, those of most movies of an answer first. `count` counts
    the field's values in a query's answer.

    Raises InvalidQuery on a field that is none of COUNTED, StoreUnavailable."""
    _check(field, "to choose from")
    starts = Query(text=beginning).words
    if field in WITHIN and starts:
        among = msgspec.structs.replace(among, within=(*among.within, (field, beginning)))
    counts = await count(among)
    begun = (
        value
        for value in counts.values
        if all(any(word.startswith(start) for word in words_of(value.name)) for start in starts)
    )
    return tuple(itertools.islice(begun, limit))


def _check(field: str, purpose: str) -> None:
    if field not in COUNTED:
        raise InvalidQuery(f"{field!r} has no values {purpose}.", remedy=f"Choose: {', '.join(COUNTED)}.")
