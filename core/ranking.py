"""Ranking: the boards with their movies, which are read by the strategy in force."""

from __future__ import annotations

from typing import Final

from core.binding import Binding
from core.boards.board import Board, BoardRow
from core.boards.views import HALF_LIFE, KEPT, Span
from core.errors import InvalidQuery
from core.observe.counters import Observer
from core.observe.failures import failures_counted
from core.query import Query
from core.strategies.base import Strategy
from core.strategies.no_cache import NoCache

MOST_RANKED: Final = 200
"""The longest board that one call may ask for."""
_AT_ONCE: Final = 100
"""Movies that are read together until enough of them are of the genre."""


async def top(binding: Binding, strategy: Strategy, observer: Observer, genre: str | None, limit: int) -> Board:
    """The movies that critics rate best, of a genre or of all. Raises InvalidQuery, StoreUnavailable."""
    _check(genre, limit)
    with failures_counted(observer, strategy.name):
        for _ in range(2):
            ranking = await binding.rated.best(genre, limit, asked=strategy.name != NoCache.name)
            answers = await strategy.read_many([row.id for row in ranking.rows])
            if all(answer.movie is not None for answer in answers):
                break  # else one was removed between the two looks: both once more
    rows = tuple(
        BoardRow(answer.movie, row.score, row.reviews)
        for row, answer in zip(ranking.rows, answers, strict=True)
        if answer.movie is not None
    )
    return Board(rows, ranking.source, ranking.why)


async def trending(
    binding: Binding, strategy: Strategy, observer: Observer, span: Span, genre: str | None, limit: int
) -> Board:
    """The movies that all running copies looked at most, decayed. Raises InvalidQuery, StoreUnavailable."""
    _check(genre, limit)
    if span not in HALF_LIFE:
        raise InvalidQuery(f"{span!r} is no span of a trend.", remedy=f"Choose: {', '.join(HALF_LIFE)}.")
    found, source, why = await binding.views.most(span, limit if genre is None else 2 * KEPT)
    rows: list[BoardRow] = []
    with failures_counted(observer, strategy.name):
        for start in range(0, len(found), _AT_ONCE):
            part = dict(found[start : start + _AT_ONCE])
            for (_, count), answer in zip(part.items(), await strategy.read_many(list(part)), strict=True):
                if answer.movie is not None and (genre is None or genre in answer.movie.genres):
                    rows.append(BoardRow(answer.movie, count))
            if len(rows) >= limit:
                break
    return Board(tuple(rows[:limit]), source, why)


def _check(genre: str | None, limit: int) -> None:
    if not 0 < limit <= MOST_RANKED:
        raise InvalidQuery(f"A board of {limit} rows cannot be had.", remedy=f"Ask for 1 to {MOST_RANKED} rows.")
    Query(genres=() if genre is None else (genre,))
