"""Visitors: as uneven as promised, by the mix that was asked for, and gone when they are sent away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from types import SimpleNamespace

import pytest

from core.errors import EditConflict, MovieNotFound, StoreUnavailable
from core.lab.visitors import WINDOW, Plan, Visitors
from core.lab.zipf import Zipf
from core.model import Movie, replace
from core.query import Page, Query
from tests.core.movies import movies

RANKS = 1_000


@pytest.mark.parametrize("skew", [0.2, 0.8, 1.0, 1.5])
def test_ranks_come_up_in_proportion_to_the_power_of_their_number(skew: float) -> None:
    zipf, draws = Zipf(RANKS, skew, Random(1)), 200_000
    seen = Counter(zipf.draw() for _ in range(draws))
    assert 0 <= min(seen) <= max(seen) < RANKS
    weights = [(rank + 1) ** -skew for rank in range(RANKS)]
    for first, last in ((0, 1), (1, 2), (2, 10), (10, 100), (100, RANKS)):
        expected = draws * sum(weights[first:last]) / sum(weights)
        assert abs(sum(seen[rank] for rank in range(first, last)) - expected) < 5 * expected**0.5 + 1


def test_one_rank_is_always_drawn_and_none_cannot_be() -> None:
    zipf = Zipf(1, 1.0, Random(1))
    assert {zipf.draw() for _ in range(100)} == {0}
    with pytest.raises(ValueError, match="no 0 ranks"):
        Zipf(0, 1.0, Random(1))


class Shelf:
    """A catalogue of two hundred movies that counts what it is asked; `failing` is raised by each call."""

    def __init__(self) -> None:
        self.stock = {movie.id: replace(movie, critic_reviews=10) for movie in movies(200)}
        self.asked: Counter[str] = Counter()
        self.failing: Exception | None = None

    def _count(self, call: str) -> None:
        self.asked[call] += 1
        if self.failing is not None:
            raise self.failing

    async def browse(self, query: Query, offset: int = 0, limit: int = 50) -> Page:
        self._count("browse")
        found = tuple(self.stock.values())
        return Page(found[offset : offset + limit], len(found), offset)

    async def read(self, id: str) -> SimpleNamespace:
        self._count("read")
        return SimpleNamespace(movie=self.stock[id])

    def viewed(self, id: str) -> None:
        self.asked["viewed"] += 1

    async def save(self, movie: Movie) -> Movie:
        self._count("save")
        self.stock[movie.id] = movie
        return movie


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def visitors(shelf: Shelf) -> AsyncIterator[Visitors]:
    """Visitors who think for no time at all."""
    found = Visitors(shelf, random=Random(3), pause=lambda _: asyncio.sleep(0))
    yield found
    await found.stop()


async def busy(visitors: Visitors, operations: int) -> None:
    """Wait until the visitors have done so much more."""

    def total() -> int:
        return sum(getattr(visitors.done, name) for name in ("browsed", "read", "failed"))

    wanted = total() + operations
    async with asyncio.timeout(60):
        while total() < wanted:
            await asyncio.sleep(0)


async def test_they_browse_read_and_edit_in_the_shares_asked_for(shelf: Shelf, visitors: Visitors) -> None:
    visitors.start(Plan(visitors=4, browses=20, edits=10))
    await busy(visitors, 20_000)
    await visitors.stop()
    done = visitors.done
    operations = done.browsed + done.read
    assert abs(done.browsed / operations - 0.20) < 0.02
    assert abs(done.edited / operations - 0.10) < 0.02
    counted = {"browse": done.browsed, "read": done.read, "viewed": done.read, "save": done.edited}
    assert shelf.asked == counted
    assert {movie.critic_reviews for movie in shelf.stock.values()} <= {10, 11}


async def test_without_a_share_of_edits_nothing_is_changed(shelf: Shelf, visitors: Visitors) -> None:
    visitors.start(Plan())
    await busy(visitors, 3_000)
    assert not shelf.asked["save"]


async def test_they_are_gone_once_sent_away_and_come_anew(shelf: Shelf, visitors: Visitors) -> None:
    assert not visitors.present
    visitors.start(Plan())
    await busy(visitors, 100)
    await visitors.stop()
    asked = shelf.asked.total()
    assert not visitors.present
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "visitor"]
    visitors.start(Plan(visitors=1))
    assert visitors.done.read == 0
    await busy(visitors, 10)
    assert shelf.asked.total() > asked


async def test_another_number_of_them_is_there_at_once(visitors: Visitors) -> None:
    for number in (8, 2, 5):
        visitors.start(Plan(visitors=number))
        await busy(visitors, 10)
        present = [task for task in asyncio.all_tasks() if task.get_name() == "visitor"]
        assert len(present) == number


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("PostgreSQL", "no answer"), MovieNotFound("Q1"), EditConflict(Movie(id="Q1", title="x"), 1)],
    ids=lambda error: type(error).__name__,
)
async def test_what_they_meet_is_counted_and_ends_nobody(shelf: Shelf, visitors: Visitors, error: Exception) -> None:
    visitors.start(Plan())
    await busy(visitors, 100)
    shelf.failing = error
    await busy(visitors, 100)
    assert visitors.done.failed >= 50
    shelf.failing = None
    read = visitors.done.read
    await busy(visitors, 500)
    assert visitors.done.read > read


async def test_an_empty_catalogue_is_browsed_until_there_is_something(shelf: Shelf, visitors: Visitors) -> None:
    stock, shelf.stock = shelf.stock, {}
    visitors.start(Plan())
    await busy(visitors, 50)
    assert set(shelf.asked) == {"browse"}
    shelf.stock = stock
    await busy(visitors, 500)
    assert shelf.asked["read"]


async def test_popular_movies_are_spread_over_the_windows(shelf: Shelf, visitors: Visitors) -> None:
    visitors.start(Plan(browses=0))
    await busy(visitors, 2_000)
    assert len(visitors._ids) > WINDOW


async def test_a_save_under_way_is_waited_for(shelf: Shelf, visitors: Visitors) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done = False

    async def slow(movie: Movie) -> Movie:
        nonlocal done
        begun.set()
        await go_on.wait()
        done = True
        return movie

    shelf.save = slow  # type: ignore[method-assign]  # the store takes its time
    visitors.start(Plan(visitors=1, browses=0, edits=100))
    async with asyncio.timeout(60):
        await begun.wait()
        stopping = asyncio.create_task(visitors.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        go_on.set()
        await stopping
    assert done
