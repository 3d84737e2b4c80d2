"""S10: the genre histogram as it is kept, and the one right after an edit of a movie's genres, beside a count anew."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from core import Catalogue, Query, replace
from core.errors import StoreUnavailable
from tests.bench.desk import at_size
from tests.bench.row import Row, Run, measured
from tests.core.waiting import until

SMALL: Final = 17_000
"""About as many as are shipped."""
GOAL: Final = 1e-3
_RARE: Final = "zorro"
_OTHERS: Final = (("Drama",), ("Horror", "Western"), ())


async def rows(run: Run) -> AsyncIterator[Row]:
    """Each store, at the size of what is shipped and at that of the run."""
    for store in run.stores:
        for size in (run.rows,) if run.short else (SMALL, run.rows):
            async with at_size(run, store, size) as catalogue:
                async for row in _histogram(catalogue, size, 5 if run.short else 30):
                    yield row


async def _histogram(catalogue: Catalogue, size: int, times: int) -> AsyncIterator[Row]:
    where, store, query = f"{size:,} rows, {catalogue.store}", catalogue._binding.store, Query()
    peer, counting = "counted by the store", list[float]()
    try:
        counting += [await _seconds(lambda: store.counts(query, "genres")) for _ in range(3)]
    except StoreUnavailable:
        peer = "the store gives up counting"
    in_redis = []
    genres = [value.name for value in await store.counts(Query(text=_RARE), "genres")]
    for name in genres[:times]:
        filtered = Query(text=_RARE, genres=(name,))
        await catalogue.genres(filtered)
        in_redis += [await _seconds(lambda asked=filtered: catalogue.genres(asked)) for _ in range(10)]  # type: ignore[misc]
    yield measured("S10", f"histogram of a filter, from Redis; {where}", in_redis, at_most=GOAL)

    began = time.perf_counter()
    while await _tier(catalogue) != "near":
        await until(lambda: not catalogue._binding.tallies.being_made, seconds=600)
    made = time.perf_counter() - began
    kept = [await _seconds(lambda: catalogue.genres(query)) for _ in range(10 * times)]
    yield measured(
        "S10",
        f"histogram, kept; {where}",
        kept,
        peer=peer,
        theirs=counting,
        paired=False,
        at_most=GOAL,
    )

    after, wrong, elsewhere = [], 0, 0
    for number in range(times):
        movie = await catalogue.get(f"sy{1 + number * (size // times):07}")
        await catalogue.save(replace(movie, genres=next(other for other in _OTHERS if other != movie.genres)))
        after.append(await _seconds(lambda: catalogue.genres(query)))
        elsewhere += await _tier(catalogue, look=False) != "near"
        if number % 5 == 0:
            wrong += bool(counting) and await catalogue.genres(query) != await store.counts(query, "genres")
    exact = f"WRONG {wrong} times" if wrong else "exact" if counting else "unchecked"
    yield measured(
        "S10",
        f"the first one after an edit, {exact}; {where}",
        after,
        peer=peer,
        theirs=counting,
        paired=False,
        at_most=GOAL if not wrong else 0.0,
    )
    tally = next(iter(catalogue._binding.tallies._kept.values())).what
    yield measured("S10", f"to make what is kept, behind the screen; {where}", [made])
    yield measured("S10", f"memory of what is kept; {where}", [tally.size / 1e6], unit="MB")


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _tier(catalogue: Catalogue, *, look: bool = True) -> str | None:
    """Where the last histogram came from; `look`: ask for one before."""
    if look:
        with suppress(StoreUnavailable):
            await catalogue.genres(Query())
    return next(line.tier for line in reversed(catalogue.stats().trace) if line.operation == "genres")
