"""What every store must answer, as pure Python over a list of movies: the contract of `Query` made executable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.model import GenreCount, Movie, Query, Value, fold, movie_words, value_of
from core.stores.base import Window


def matches(movie: Movie, query: Query) -> bool:
    """Whether the movie is in the query's answer."""
    words = movie_words(movie)
    if not all(any(word.startswith(start) for word in words) for start in query.words):
        return False
    if not set(query.genres) <= set(movie.genres):
        return False
    if query.year_from is None and query.year_to is None:
        return True
    if movie.year is None:
        return False
    return (query.year_from is None or query.year_from <= movie.year) and (
        query.year_to is None or movie.year <= query.year_to
    )


def answer(movies: Iterable[Movie], query: Query) -> list[str]:
    """The ids of the whole answer, in order."""
    found = [movie for movie in movies if matches(movie, query)]
    known = [movie for movie in found if _sort_value(movie, query.sort) is not None]
    unknown = [movie for movie in found if _sort_value(movie, query.sort) is None]
    known.sort(key=lambda movie: (_sort_value(movie, query.sort), movie.id), reverse=query.descending)
    unknown.sort(key=lambda movie: movie.id, reverse=query.descending)
    return [movie.id for movie in known + unknown]


def window(movies: Iterable[Movie], query: Query, offset: int, limit: int) -> Window:
    """One window of the answer."""
    ids = answer(movies, query)
    return Window(ids=tuple(ids[offset : offset + limit]), total=len(ids))


def genres(movies: Iterable[Movie], query: Query) -> tuple[GenreCount, ...]:
    """The histogram of the answer."""
    counts = Counter(genre for movie in movies if matches(movie, query) for genre in movie.genres)
    return tuple(GenreCount(name, count) for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0])))


def _sort_value(movie: Movie, sort: str) -> Value:
    return fold(movie.title) if sort == "title" else value_of(movie, sort)
