"""Score: how well critics rate a movie, where few reviews count for little.

It is the Bayesian mean that film rankings use: `(v·R + m·C) / (v + m)`, where R is the critics' rating and v the number
of their reviews, as if m reviews of the rating C had come before. m and C are fixed, about the median number of
reviews and the mean rating of the shipped movies. So the score of a movie depends on that movie alone, and an edit
moves one movie and no other.
"""

from __future__ import annotations

from typing import Final

import msgspec

from core.model import FIELD, Movie

PRIOR_REVIEWS: Final = 25
"""m."""
PRIOR_RATING: Final = 6.0
"""C."""
PARTS: Final = 1_000
"""Parts of a rating that are told apart. In whole numbers of them every engine computes the same."""
PRIOR_PARTS: Final = int(PRIOR_RATING * PARTS)
SHIFT: Final = 1 << 20
"""More than there may be reviews."""
BEST_RATING: Final = int(FIELD["critic_rating"].most or 0)
MOST_REVIEWS: Final = int(FIELD["critic_reviews"].most or 0)


class Ranked(msgspec.Struct, frozen=True):
    """A movie and its points: its score in thousandths times SHIFT, plus its reviews, which break ties. Exact in a
    double."""

    id: str
    points: int

    @property
    def score(self) -> float:
        """From 0 to 10."""
        return self.points // SHIFT / PARTS

    @property
    def reviews(self) -> int:
        """How many there are."""
        return self.points % SHIFT


def score_of(movie: Movie) -> float | None:
    """The score of a movie, from 0 to 10; None where it has no points."""
    points = points_of(movie)
    return None if points is None else Ranked(movie.id, points).score


def points_of(movie: Movie) -> int | None:
    """The points of a movie; None where it lacks rating or reviews, or they are none that a movie can have."""
    rating, reviews = movie.critic_rating, movie.critic_reviews
    if rating is None or reviews is None or not (0 <= rating <= BEST_RATING and 0 <= reviews <= MOST_REVIEWS):
        return None
    summed = reviews * round(rating * PARTS) + PRIOR_REVIEWS * PRIOR_PARTS
    return summed // (reviews + PRIOR_REVIEWS) * SHIFT + reviews
