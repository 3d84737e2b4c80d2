"""Where one movie stands in a sorted answer, found by halving: some fifteen windows of one row, not the whole list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.boards.trends import FIRST
from core.model import Movie
from core.query import TRENDS, Page, Query, fold, sort_key

Browse = Callable[[Query, int, int], Awaitable[Page]]


async def locate(browse: Browse, query: Query, movie: Movie) -> int | None:
    """The number of the row that holds this movie, the first being 0; None where the query's answer has it not.

    Trusts the order that `Query` promises; where a row proves it wrong, the answer is None, never another row.
    """
    least = 0
    if query.sort in TRENDS:
        # What was looked at stands first, the others by title.
        page = await browse(query, 0, FIRST)
        for number, found in enumerate(page.movies):
            if found.id == movie.id:
                return number
        least, titled = len(page.movies), query.by_title
    else:
        titled = query
    number = await _first(browse, query, lambda row: not comes_before(titled, row, movie), least)
    page = await browse(query, number, 1)
    return number if page.movies and page.movies[0].id == movie.id else None


async def first_titled(browse: Browse, query: Query, beginning: str) -> int | None:
    """The number of the first row whose title begins so, in an answer sorted by title; None where there is none."""
    start = fold(beginning)

    def reached(row: Movie) -> bool:
        key = fold(row.title)
        return key[: len(start)] <= start if query.descending else key >= start

    number = await _first(browse, query, reached)
    page = await browse(query, number, 1)
    return number if page.movies and fold(page.movies[0].title).startswith(start) else None


async def _first(browse: Browse, query: Query, reached: Callable[[Movie], bool], least: int = 0) -> int:
    """The number of the first row, from the least on, that has reached a place in the order; or that of the end."""
    page = await browse(query, 0, 1)
    low, high = least, page.total
    while low < high:
        middle = (low + high) // 2
        page = await browse(query, middle, 1)
        if not page.movies:
            high = min(middle, page.total)
        elif reached(page.movies[0]):
            high = middle
        else:
            low = middle + 1
    return low


def comes_before(query: Query, one: Movie, other: Movie) -> bool:
    """Whether one movie stands before another in the query's order."""
    mine, theirs = _key(query, one), _key(query, other)
    if mine is None or theirs is None:
        if (mine is None) != (theirs is None):
            return theirs is None
    elif mine != theirs:
        return (mine > theirs) if query.descending else (mine < theirs)
    return (one.id > other.id) if query.descending else (one.id < other.id)


def _key(query: Query, movie: Movie) -> tuple[float, str] | None:
    key = sort_key(movie, query.sort)
    if key is None:
        return None
    return (0.0, key) if isinstance(key, str) else (float(key), "")
