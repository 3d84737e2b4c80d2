"""Invented movies for tests."""

from __future__ import annotations

import random

from core.model import Movie

GENRES = ("Drama", "Comedy", "Horror", "Sci-Fi", "Action", "Romance")
ODD_TITLES = ("[REC]", "[/x]", "300", "$", "8½", "+1", "'71", "Amélie", "東京物語", "¡Vivan!", 'Say "hello"', "a\\b")


def movie(number: int, **fields: object) -> Movie:
    """A movie that is the same for the same number."""
    choose = random.Random(number)
    known: dict[str, object] = {
        "id": f"Q{number}",
        "title": ODD_TITLES[number] if number < len(ODD_TITLES) else f"Movie {choose.randrange(10_000)}",
        "year": choose.choice([None, *range(1940, 2015)]),
        "runtime": choose.choice([None, *range(60, 200)]),
        "genres": tuple(sorted(choose.sample(GENRES, choose.randrange(4)))),
        "directors": (f"Director {choose.randrange(50)}",),
        "critic_rating": choose.choice([None, 5.5, 7.0, 8.1]),
        "tomatometer": choose.choice([None, *range(0, 101, 10)]),
        "type": "movie",
        "critic_reviews": choose.choice([None, 0, 30, 150]),
    }
    return Movie(**(known | fields))  # type: ignore[arg-type]  # each value fits its field, by the lines above


def movies(count: int) -> list[Movie]:
    """The first so many of them."""
    return [movie(number) for number in range(count)]
