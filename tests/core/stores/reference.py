"""What every store must answer, as pure Python over a list of movies: the contract of `Query` made executable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from core.model import Movie, Value, value_of
from core.query import Query, ValueCount, fold, words_of
from core.score import Ranked
from core.stores.base import Window


def matches(movie: Movie, query: Query) -> bool:
    """Whether the movie is in the query's answer."""
    if query.text and not _begun(words_of(movie.title, *movie.directors, *movie.cast), Query(text=query.text).words):
        return False
    for field, text in query.within:
        listed = value_of(movie, field)
        assert isinstance(listed, tuple)
        several = [part for part in text.split("|") if Query(text=part).words]
        asked = several if len(several) > 1 else [text]
        if not any(_begun(words_of(*listed), Query(text=one).words) for one in asked):
            return False
    if not set(query.genres) <= set(movie.genres):
        return False
    for limits in query.ranges:
        value = value_of(movie, limits.field)
        if not isinstance(value, int | float):
            return False
        if (limits.least is not None and value < limits.least) or (limits.most is not None and value > limits.most):
            return False
        if (limits.above is not None and value <= limits.above) or (limits.below is not None and value >= limits.below):
            return False
    if query.year_from is None and query.year_to is None:
        return True
    if movie.year is None:
        return False
    return (query.year_from is None or query.year_from <= movie.year) and (
        query.year_to is None or movie.year <= query.year_to
    )


def _begun(words: Iterable[str], starts: Iterable[str]) -> bool:
    return all(any(word.startswith(start) for word in words) for start in starts)


def answer(movies: Iterable[Movie], query: Query) -> list[str]:
    """The ids of the whole answer, in order."""
    found = [movie for movie in movies if matches(movie, query)]
    known = [movie for movie in found if _sort_value(movie, query.sort) is not None]
    unknown = [movie for movie in found if _sort_value(movie, query.sort) is None]
    known.sort(key=lambda movie: (_sort_value(movie, query.sort), movie.id), reverse=query.descending)
    unknown.sort(key=lambda movie: movie.id, reverse=query.descending)
    return [movie.id for movie in known + unknown]


def trending(movies: Sequence[Movie], query: Query, viewed: Sequence[str]) -> list[str]:
    """The ids of an answer by views: these movies, most viewed first, and behind them the others by title."""
    titled = answer(movies, query.by_title)
    first = [id for id in viewed if id in titled]
    return [*(first if query.descending else first[::-1]), *(id for id in titled if id not in first)]


def window(movies: Iterable[Movie], query: Query, offset: int, limit: int) -> Window:
    """One window of the answer."""
    ids = answer(movies, query)
    return Window(ids=tuple(ids[offset : offset + limit]), total=len(ids))


def counts(movies: Iterable[Movie], query: Query, field: str) -> tuple[ValueCount, ...]:
    """The histogram of the answer."""
    found = [value_of(movie, field) for movie in movies if matches(movie, query)]
    counted = Counter(name for value in found for name in (value if isinstance(value, tuple) else (value,)))
    named = ((str(name), count) for name, count in counted.items() if name is not None)
    return tuple(ValueCount(name, count) for name, count in sorted(named, key=lambda c: (-c[1], c[0])))


def _sort_value(movie: Movie, sort: str) -> Value:
    if sort == "score":
        return _points(movie)
    value = value_of(movie, sort)
    if isinstance(value, tuple):
        value = value[0] if value else None
    return fold(value) if isinstance(value, str) else value


def ranked(movies: Iterable[Movie], query: Query, limit: int) -> tuple[Ranked, ...]:
    """The movies of the answer with most points, computed in fractions."""
    found = [(points, movie.id) for movie in movies if matches(movie, query) and (points := _points(movie)) is not None]
    return tuple(Ranked(id, points) for points, id in sorted(found, reverse=True)[:limit])


def _points(movie: Movie) -> int | None:
    if movie.critic_rating is None or movie.critic_reviews is None:
        return None
    thousandths, reviews = round(movie.critic_rating * 1000), movie.critic_reviews
    return math.floor(Fraction(reviews * thousandths + 25 * 6000, reviews + 25)) * 2**20 + reviews
