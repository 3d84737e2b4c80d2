"""Sorted by views: what was looked at first, behind it all else by title, exact in every window."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Catalogue, Settings, open_catalogue, replace
from core.boards.trends import FIRST, HELD, Trend, Trends
from core.boards.views import MostViewed, Span, Views
from core.model import Movie
from core.query import TRENDS, Query, sort_key
from core.stores.base import SortKey, Window
from tests.core.cache.servers import OwnRedis
from tests.core.movies import movies
from tests.core.sources import ListSource
from tests.core.stores import reference
from tests.core.waiting import until


@given(
    st.lists(st.sampled_from("abcä"), min_size=0, max_size=12),
    st.lists(st.integers(0, 14), unique=True, max_size=8),
    st.booleans(),
    st.integers(1, 5),
)
def test_the_windows_make_up_the_whole_answer(
    titles: list[str], viewed: list[int], descending: bool, limit: int
) -> None:
    stock = [
        Movie(id=f"Q{n}", title=title, genres=("Drama",) if n % 3 else ("Horror",)) for n, title in enumerate(titles)
    ]
    trend = Trend({f"Q{n}": 100.0 - place for place, n in enumerate(viewed)}, "")

    async def asked(query: Query, offset: int, limit: int) -> Window:
        return reference.window(stock, query, offset, limit)

    async def keys(query: Query, ids: Sequence[str]) -> dict[str, SortKey]:
        among = {movie.id: movie for movie in stock if movie.id in ids and reference.matches(movie, query)}
        return {id: sort_key(movie, query.sort) for id, movie in among.items()}

    for query in (Query(sort="trending", descending=descending, genres=g) for g in ((), ("Drama",), ("Western",))):
        whole = reference.trending(stock, query, list(trend.views))
        for offset in range(len(whole) + 2):
            window = asyncio.run(trend.window(asked, keys, query, offset, limit))
            assert window == Window(tuple(whole[offset : offset + limit]), len(whole))


class Told(Views):
    """Views that are what a test says."""

    def __init__(self) -> None:
        self.counts = [("Q1", 2.0), ("Q2", 1.0)]

    async def most(self, span: Span, limit: int) -> MostViewed:
        return MostViewed(self.counts[:limit], "redis", "")


async def test_what_stands_first_is_held_still_while_somebody_reads_on() -> None:
    views, now = Told(), 0.0
    trends = Trends(views, lambda: now)
    assert not await trends.moved("day")
    held = await trends.at("day", 40)
    views.counts = [("Q2", 2.0), ("a\x00\ud800", 1.5), ("Q1", 1.0)]
    now += 60
    assert await trends.at("day", 40) == held
    assert await trends.moved("day")
    renewed = await trends.at("day", 0)
    assert list(renewed.views) == ["Q2", "Q1"]
    assert renewed.name != held.name
    assert not await trends.moved("day")
    views.counts = [("Q2", 1.0), ("Q1", 0.5)]
    now += HELD / 2
    assert await trends.at("day", 0) == renewed
    now += HELD
    halved = await trends.at("day", 0)
    assert halved.views != renewed.views
    assert halved.name == renewed.name, "the same rows are the same answer"
    views.counts = [(f"Q{n}", 1.0) for n in range(500)]
    now += 2 * HELD
    assert len((await trends.at("day", 0)).views) == FIRST


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("store", ["postgresql", "mongodb"])
async def test_real_answers_follow_views_and_edits_also_without_redis(
    store: str, postgres_url: str, mongo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.boards.trends.HELD", -1.0)
    async with OwnRedis() as redis:
        settings = Settings(
            redis_url=redis.url, postgres_url=postgres_url, mongo_url=mongo_url, store=store, state_dir=tmp_path
        )
        async with open_catalogue(settings) as here, open_catalogue(settings) as there:
            stock = {movie.id: movie for movie in movies(60)}
            await here.load(ListSource(list(stock.values())))
            for id, times in (("Q7", 4), ("Q3", 3), ("Q30", 2), ("Q404", 5), ("Q11", 1)):
                for copy in itertools.islice(itertools.cycle((here, there)), times):
                    copy.viewed(id)
            await told(here, there)
            viewed = ["Q7", "Q3", "Q30", "Q11"]

            async def right(copy: Catalogue) -> None:
                for sort, descending, genres in itertools.product(TRENDS, (True, False), ((), ("Horror",))):
                    query = Query(sort=sort, descending=descending, genres=genres)
                    whole = reference.trending(list(stock.values()), query, viewed)
                    for offset in range(0, len(whole) + 7, 7):
                        page = await copy.browse(query, offset, 7)
                        assert [movie.id for movie in page.movies] == whole[offset : offset + 7], (query, offset)
                        assert page.total == len(whole)
                        assert [views > 0 for views in page.views] == [m.id in viewed for m in page.movies]

            await right(here)
            await right(there)
            # Into the genre, and to the other end of the titles: at once, on both.
            for id in ("Q3", "Q20"):
                film = replace(await here.get(id), title="Zzz", genres=("Horror",))
                stock[id] = await here.save(film)
            await right(there)
            await here.use_strategy("no-cache")
            await right(here)
            await redis.stop()
            await there.browse(Query())
            viewed = [id for id, _ in (await there._binding.views.most("day", 10)).counts if id in stock]
            await right(there)


async def told(*catalogues: Catalogue) -> None:
    """Wait until copies have told each other of all views."""
    for catalogue in catalogues:
        await catalogue.watch()
    await until(lambda: not any(copy._binding.views._untold for copy in catalogues))
