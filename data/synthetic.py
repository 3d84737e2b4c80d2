"""Invented movies, as many as are asked for: what the program is to bear more of than the shipped catalogue holds.

Titles are walks through the words of real ones, people are a first name of one and a last name of another; genres,
countries and languages come together as they do in a real movie. Nothing of it is a fact, and each movie says so: its
type is FICTIONAL, its id begins with `sy`, which no format gives, and it has no IMDb id.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random
from typing import Final

from core.errors import InvalidQuery
from core.model import Movie
from data.apart import MANY, Batch, read_apart
from data.rejects import RejectsFile
from data.source import shipped

FICTIONAL: Final = "fictional movie"
"""The type of every invented movie."""
MOST: Final = 9_999_999
"""Movies that there can be ids for."""
_PEOPLE: Final = 40_000
_LONGEST_WALK: Final = 7
_ENDINGS: Final = frozenset(
    ["a", "an", "and", "at", "by", "for", "from", "in", "my", "of", "on", "or", "the", "to", "with"]
)
"""Words that no title ends with."""


class Synthetic:
    """`count` invented movies, the same ones for the same seed; each iteration makes them anew, one at a time.

    Of more with the same seed they are the first ones. Their popularity is Zipf's: reviews and takings of the n-th most
    popular one fall with a power of n. Raises InvalidQuery on a count that ids do not suffice for.
    """

    format = "invented movies"
    warnings: tuple[str, ...] = ()
    warning_count = 0

    def __init__(self, count: int, seed: int) -> None:
        if not 0 < count <= MOST:
            raise InvalidQuery(f"{count:,} invented movies cannot be made.", remedy=f"Ask for 1 to {MOST:,}.")
        self.count = count
        self.seed = seed
        self.path = Path(f"synthetic-{count}-seed-{seed}")
        """What they are called where a file has a path."""
        self._made = 0

    @property
    def fraction(self) -> float:
        """How many of them the last iteration has made, from 0 to 1."""
        return self._made / self.count

    def rejects(self) -> RejectsFile:
        """Where refused rows would go: there are none."""
        return RejectsFile(self.path)

    def __iter__(self) -> Generator[Movie]:
        return self._apart() if self.large else self.here()

    def _apart(self) -> Generator[Movie]:
        with closing(self.batches()) as batches:
            for batch in batches:
                yield from batch.records

    @property
    def large(self) -> bool:
        """Whether they are worth a process."""
        return self.count >= MANY

    def batches(self) -> Generator[Batch]:
        """The same in batches, as a process of their own sends them."""
        self._made = 0
        with closing(read_apart(str(self.path), ("synthetic", str(self.count), str(self.seed)))) as batches:
            for batch in batches:
                self._made = round(batch.fraction * self.count)
                yield batch

    def runs(self) -> Generator[Movie]:
        """The same as the reading process asks any source for its rows."""
        return self.here()

    def here(self) -> Generator[Movie]:
        """The same, made in this process."""
        self._made = 0
        models = [movie for movie in shipped() if isinstance(movie, Movie)]
        chance = Random(self.seed)
        successors = _successors(models)
        people = _people(models, chance)
        for number in range(1, self.count + 1):
            yield _movie(f"sy{number:07}", models, successors, people, chance)
            self._made = number


def _movie(id: str, models: list[Movie], successors: dict[str, list[str]], people: list[str], chance: Random) -> Movie:
    draw = chance.random
    kind = models[int(draw() * len(models))]
    when = models[int(draw() * len(models))]
    score = models[int(draw() * len(models))]
    # What is drawn so has the ranks of Zipf's law (Newman, Power laws, Contemporary Physics 2005).
    year, popularity = when.year or 2000, 1 / (1 - draw())
    directors = _some(people, 1 if draw() < 0.93 else 2, chance)
    return Movie(
        id=id,
        title=_title(successors, chance),
        year=year,
        released=date(year, 1 + int(draw() * 12), 2 + int(draw() * 27)) if draw() < 0.35 else None,
        runtime=None if kind.runtime is None else max(40, kind.runtime + int(draw() * 21) - 10),
        rated=kind.rated,
        genres=kind.genres,
        countries=kind.countries,
        languages=kind.languages,
        directors=directors,
        writers=directors if draw() < 0.4 else _some(people, int(draw() * 3), chance),
        cast=_some(people, 2 + int(draw() * 7), chance),
        metacritic=score.metacritic,
        tomatometer=score.tomatometer,
        critic_rating=score.critic_rating,
        critic_reviews=int(8 * popularity**0.35),
        oscars_won=kind.oscars_won,
        oscar_nominations=kind.oscar_nominations,
        box_office=int(2e5 * popularity**0.7) if draw() < 0.16 else None,
        type=FICTIONAL,
    )


def _title(successors: dict[str, list[str]], chance: Random) -> str:
    words: list[str] = []
    word = ""
    while True:
        following = successors[word]
        word = following[int(chance.random() * len(following))]
        if word and len(words) < _LONGEST_WALK:
            words.append(word)
            continue
        while len(words) > 1 and words[-1].lower() in _ENDINGS:
            words.pop()
        return " ".join(words)


def _successors(models: list[Movie]) -> dict[str, list[str]]:
    """The words that follow each word in real titles, as often as they do; "" stands for the beginning and the end."""
    found: dict[str, list[str]] = {}
    for movie in models:
        before = ""
        for word in movie.title.replace("(", "").replace(")", "").split():
            found.setdefault(before, []).append(word)
            before = word
        found.setdefault(before, []).append("")
    return found


def _people(models: list[Movie], chance: Random) -> list[str]:
    names = dict.fromkeys(name for movie in models for name in (*movie.directors, *movie.cast))
    pairs = [pair for pair in (name.rsplit(" ", 1) for name in names) if len(pair) == 2]
    firsts, lasts = [pair[0].split()[0] for pair in pairs], [pair[1] for pair in pairs]
    made = (
        f"{firsts[int(chance.random() * len(pairs))]} {lasts[int(chance.random() * len(pairs))]}"
        for _ in range(_PEOPLE)
    )
    return [name for name in dict.fromkeys(made) if name not in names]


def _some(people: list[str], count: int, chance: Random) -> tuple[str, ...]:
    """Different ones, the first of the list far more often than the last."""
    return tuple({people[int(len(people) * chance.random() ** 3)]: None for _ in range(count)})
