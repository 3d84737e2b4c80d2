from __future__ import annotations

import pytest

from core.query import SORTS, TRENDS, Page, Query
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.locate import locate


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", [*SORTS, *TRENDS])
async def test_finds_every_movie_in_every_order(sort: str, descending: bool) -> None:
    catalogue = MemoryCatalogue(movies(120))
    catalogue.views.update({f"Q{number * 2}": number + 1 for number in range(7)})
    query = Query(sort=sort, descending=descending)
    whole = (await catalogue.browse(query, 0, 200)).movies

    async def browse(query: Query, offset: int, limit: int) -> Page:
        return Page(whole[offset : offset + limit], len(whole), offset)

    for number, movie in enumerate(whole):
        assert await locate(browse, query, movie) == number


async def test_takes_few_steps_and_says_none_for_what_is_filtered_out() -> None:
    catalogue = MemoryCatalogue(movies(4_000))
    catalogue.browsed.clear()
    horror = Query(genres=("Horror",))
    movie = next(m for m in catalogue.stock.values() if "Horror" not in m.genres)
    assert await locate(catalogue.browse, horror, movie) is None
    assert len(catalogue.browsed) < 16
