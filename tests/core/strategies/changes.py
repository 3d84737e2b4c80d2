"""Changes of a small collection, as those make them who edit it."""

from __future__ import annotations

from random import Random

from core import Catalogue, replace
from core.model import Movie
from tests.core.movies import GENRES, movie

COUNT = 300
"""Movies that are there in the beginning."""


async def change(catalogue: Catalogue, choose: Random) -> None:
    """Edit, remove or add a movie."""
    number = choose.randrange(COUNT + 20)
    present = (await catalogue._binding.store.get_many([f"Q{number}"])).get(f"Q{number}")
    if present is None:
        await catalogue.add(movie(number))
    elif choose.random() < 0.2:
        await catalogue.remove(present.id, version=present.version)
    else:
        await catalogue.save(edited(present, choose))


def edited(present: Movie, choose: Random) -> Movie:
    names = tuple(f"Director {choose.randrange(50)}" for _ in range(choose.randrange(2)))
    return replace(
        present,
        title=f"Movie {choose.randrange(10_000)}",
        year=choose.choice([None, 1950, 1999]),
        runtime=choose.choice([None, 90, 91, 92]),
        critic_rating=choose.choice([None, 5.5, 8.1]),
        genres=tuple(choose.sample(GENRES, choose.randrange(3))),
        directors=names,
        critic_reviews=choose.choice([None, 0, 31]),
    )
