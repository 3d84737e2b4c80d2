"""Browsing: one window of a query's answer, its order and its movies, by the strategy in force."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from core.binding import Binding
from core.boards.trends import Trend
from core.filter_text import filter_text
from core.observe.counters import Observer
from core.observe.failures import failures_counted
from core.observe.stats import Step
from core.query import TRENDS, Freshness, Page, Query, Tier
from core.stores.base import Store, Window
from core.strategies.base import Answer, Question, Strategy
from core.strategies.codec import decode_window, encode_window

SOON: Final = 0.005
"""Seconds that somebody in a hurry waits for a whole answer before its first rows are asked for beside it."""
ALONE: Final = 0.05
"""Seconds that the first rows and their movies have the store for themselves before all rows are counted beside."""


async def browsed(
    binding: Binding, strategy: Strategy, observer: Observer, query: Query, offset: int, limit: int, *, hurry: int
) -> Page:
    """The window, noted in the trace. `hurry`: the first so many rows alone, where the store takes long to count
    them all.

    Raises StoreUnavailable."""
    store, orders = binding.store, binding.orders
    started = time.perf_counter()
    read = asyncio.Event()
    with failures_counted(observer, strategy.name):
        trend = await binding.trends.at(TRENDS[query.sort], offset) if query.sort in TRENDS else None
        question = _question(binding, query, offset, limit, trend)
        if hurry and trend is None and offset == 0 and query.selective:
            window, tier, freshness, counted = await _counted_or_begun(
                strategy, store, question, query, min(hurry, limit), read
            )
        else:
            (window, tier, freshness), counted = await strategy.answer(question), True
        listed = time.perf_counter()
        answers = await strategy.read_many(window.ids)
        read.set()
        steps = _legs(strategy.name, tier, freshness, listed - started, answers, time.perf_counter() - listed)
        if counted and any(answer.movie is None for answer in answers):
            # One was removed between the look at the window and the look at its movies: both once more.
            window, tier, freshness = await strategy.answer(question)
            answers = await strategy.read_many(window.ids)
            steps = ()
    seconds = time.perf_counter() - started
    if tier != "near" and freshness != "stale" and counted:
        orders.want(query if trend is None else query.by_title, offset, window.total)
    found = [(answer.movie, answer.tier) for answer in answers if answer.movie is not None]
    doubted = next((answer.reason for answer in answers if answer.freshness == "uncached"), None)
    verdict = f"{sum(tier != 'store' for _, tier in found)} of {len(found)} hit"
    if near := sum(tier == "near" for _, tier in found):
        verdict += f", {near} near"
    if freshness == "stale":
        verdict = f"last known state, {verdict}"
    elif doubted:
        verdict = f"{verdict}, {doubted}"
    what = f"{query.sort} {offset}+{limit} {filter_text(query)}".rstrip()
    observer.trace("browse", what, strategy.name, tier, verdict, None, seconds, steps)
    movies = tuple(movie for movie, _ in found)
    tiers = tuple(tier for _, tier in found)
    views = () if trend is None else tuple(trend.views.get(movie.id, 0.0) for movie in movies)
    bypassed = doubted is not None or freshness == "uncached"
    return Page(movies, window.total, offset, tiers, tier, freshness, seconds, counted, views, bypassed)


def _question(binding: Binding, query: Query, offset: int, limit: int, trend: Trend | None) -> Question[Window]:
    store, orders = binding.store, binding.orders
    question = Question(
        name=f"window {offset}+{limit} {msgspec.json.encode(query).decode()}",
        compute=partial(orders.asked, query, offset, limit),
        encode=encode_window,
        decode=decode_window,
        near=partial(orders.window, query, offset, limit),
    )
    if trend is None:
        return question
    return msgspec.structs.replace(
        question,
        name=f"{question.name} behind {trend.name}",
        compute=partial(trend.window, orders.asked, store.keys, query, offset, limit),
        near=None,
    )


async def _counted_or_begun(
    strategy: Strategy, store: Store, question: Question[Window], query: Query, rows: int, read: asyncio.Event
) -> tuple[Window, Tier, Freshness, bool]:
    """The whole answer if it comes soon; else the first rows, unless the whole one comes sooner than these.

    Where nobody keeps the answer, the store has a while for the first rows alone, until their movies are `read`:
    counting takes all its cores. First rows that are fewer than they might be are the whole answer."""
    beginning: asyncio.Task[tuple[str, ...]] | None = None
    begun = asyncio.Event()
    left = False

    async def rows_first() -> Window:
        nonlocal beginning
        if left:
            return await question.compute()
        # What was asked for before the cache had been looked at must not be kept in it.
        younger = beginning is None
        beginning = beginning or asyncio.create_task(store.first(query, rows))
        begun.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(ALONE):
                await asyncio.wait([beginning])
                if younger and (few := _few(beginning, rows)) is not None:
                    return few
                await read.wait()
        return await question.compute()

    whole = asyncio.ensure_future(strategy.answer(msgspec.structs.replace(question, compute=rows_first)))
    computing = asyncio.create_task(begun.wait())
    try:
        await asyncio.wait([whole, computing], timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
        if not whole.done():
            beginning = beginning or asyncio.create_task(store.first(query, rows))
            await asyncio.wait([whole, beginning], return_when=asyncio.FIRST_COMPLETED)
            if _few(beginning, rows) is not None:
                await asyncio.wait([whole], timeout=SOON)
        if beginning is None or whole.done() or beginning.exception() is not None:
            read.set()
            return *(await whole), True
        ids = beginning.result()
        return Window(ids, len(ids)), "store", "uncached", len(ids) < rows
    finally:
        # A flight that others may share goes on: the next call shares it.
        left = True
        tasks = [task for task in (whole, computing, beginning) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _few(beginning: asyncio.Task[tuple[str, ...]], rows: int) -> Window | None:
    """The whole answer, where that is less than was asked for."""
    if not beginning.done() or beginning.cancelled() or beginning.exception() is not None:
        return None
    ids = beginning.result()
    return Window(ids, len(ids)) if len(ids) < rows else None


def _legs(
    strategy: str, tier: Tier, freshness: Freshness, listing: float, answers: Sequence[Answer], reading: float
) -> tuple[Step, ...]:
    """A window's way: the order of its rows, then its movies. Only what one server did alone has a time."""
    asked = strategy != "no-cache"
    # Uncached answers may have come about without a look at Redis: then none is claimed.
    doubted = freshness == "uncached"
    steps = []
    if tier == "store":
        steps += [Step("redis", "no order")] if asked and not doubted else []
        steps.append(Step("store", "order", None if asked else listing))
    else:
        steps.append(Step("redis", "order" if tier == "redis" else "order kept here", listing))
    if answers:
        near = sum(answer.tier == "near" for answer in answers)
        held = sum(answer.tier == "redis" for answer in answers)
        sought = len(answers) - near
        lacking = sought - held
        doubted = any(answer.freshness == "uncached" for answer in answers)
        if near:
            steps.append(Step("near", f"{near} of {len(answers)}", None if sought else reading))
        if held or (lacking and asked and not doubted):
            steps.append(Step("redis", f"{held} of {sought}", None if lacking or near else reading))
        if lacking:
            steps.append(Step("store", f"{lacking} movies", None if asked else reading))
    return tuple(steps)
