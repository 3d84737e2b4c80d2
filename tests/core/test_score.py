"""The score that boards rank by, and the decay of views, against their definitions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.boards.decay import DecayedCounts
from core.model import Movie
from core.score import MOST_REVIEWS, SHIFT, Ranked, points_of

RATINGS = st.floats(0, 10) | st.integers(0, 10_000).map(lambda tenths: tenths / 1_000)
REVIEWS = st.integers(0, MOST_REVIEWS) | st.integers(0, 60)


def rated(rating: float | None, reviews: int | None) -> int | None:
    return points_of(Movie(id="Q1", title="Rated", critic_rating=rating, critic_reviews=reviews))


@given(rating=RATINGS, reviews=REVIEWS)
def test_the_score_is_the_bayesian_mean_cut_to_thousandths(rating: float, reviews: int) -> None:
    points = rated(rating, reviews)
    assert points is not None
    assert 0 < points < 2**53
    ranked = Ranked("Q1", points)
    mean = (reviews * Fraction(round(rating * 1000), 1000) + 25 * 6) / (reviews + 25)
    assert Fraction(round(ranked.score * 1000), 1000) <= mean < Fraction(round(ranked.score * 1000) + 1, 1000)
    assert ranked.reviews == reviews


@given(rating=RATINGS, reviews=REVIEWS, more=st.floats(0, 10), fewer=REVIEWS)
def test_a_better_rating_never_ranks_lower_and_reviews_break_ties(
    rating: float, reviews: int, more: float, fewer: int
) -> None:
    low, high = sorted((rated(rating, reviews) or 0, rated(max(rating, more), reviews) or 0))
    assert (low, high) == (rated(rating, reviews), rated(max(rating, more), reviews))
    few, many = sorted((reviews, fewer))
    one, other = rated(6, few) or 0, rated(6, many) or 0
    assert one // SHIFT == other // SHIFT == 6000
    assert (one < other) == (few < many)


def test_without_rating_or_reviews_there_is_none() -> None:
    assert [rated(None, 5), rated(5, None), rated(11, 5), rated(5, MOST_REVIEWS + 1), rated(5, -1)] == [None] * 5
    assert rated(9.7, 132) == ((132 * 9700 + 25 * 6000) // 157) * SHIFT + 132


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 2_000)), max_size=40))
def test_counts_decay_as_if_each_were_weighed_by_its_age(views: list[tuple[str, float]]) -> None:
    clock = Clock()
    counts = DecayedCounts(10, 100, clock)
    seen: list[tuple[str, float]] = []
    for member, pause in views:
        clock.now += pause
        counts.add(member)
        seen.append((member, clock.now))
    clock.now += 3
    found = dict(counts.heaviest())
    for member in "abcd":
        exact = sum(0.5 ** ((clock.now - at) / 10) for one, at in seen if one == member)
        assert abs(found.get(member, 0.0) - exact) < 0.001 + 1e-9 * exact
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_least_seen_are_forgotten() -> None:
    counts = DecayedCounts(10, 5, Clock())
    for number in range(11):
        counts.add(f"m{number:02}", number + 1)
    assert [member for member, _ in counts.heaviest()] == ["m10", "m09", "m08", "m07", "m06"]
    assert counts.heaviest(1) == [("m10", 11)]
