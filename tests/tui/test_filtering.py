"""Filtering by keyboard: the language in its box, completion, recent filters, and every panel showing the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from core.model import replace
from core.query import SORTED_AS_TEXT, Counts, Query, Range
from core.score import score_of
from tests.tui.desk import Desk, desk
from tests.tui.memory_catalogue import GENRES, MemoryCatalogue, movies
from tests.tui.stage import type_text
from tui.columns import OPTIONAL, TITLE, TRENDING
from tui.remembered import Memory
from tui.widgets.filter_bar import FilterBar
from tui.widgets.genres import GenrePanel


async def typed(at: Desk, text: str) -> None:
    await at.press("slash")
    await at.until(lambda: at.screen.query_one(FilterBar).has_class("-open"))
    at.screen.query_one(Input).value = ""
    await type_text(at.pilot, text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_terms_filter_table_histogram_and_years_alike(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await typed(at, "movie genre:horror year:1960..1989 rating:>1")
        expected = Query(
            text="movie", genres=("Horror",), year_from=1960, year_to=1989, ranges=(Range("critic_rating", above=1),)
        )
        await at.until(lambda: at.screen.query_now == expected)
        await at.press("enter")
        await at.until(lambda: "“movie” · Horror · 1960-1989 · critic rating > 1" in at.text)
        total = at.table.window.total
        assert total
        await at.press("3")
        await at.until(lambda: f"of {total} movie" in at.text and "most 19" in at.text)
        genres = {count.name: count.count for count in await at.catalogue.genres(expected)}
        assert genres["Horror"] == total
        assert sum(year.count for year in await at.catalogue.years(expected)) == total


class Unread(MemoryCatalogue):
    """Does not tell its genres until it is released."""

    def __init__(self) -> None:
        super().__init__(movies(300))
        self.release = asyncio.Event()

    async def counts(self, field: str, query: Query) -> Counts:
        if not query.selective:
            await self.release.wait()
        return await super().counts(field, query)


async def test_a_genre_filtered_by_before_the_genres_are_known_is_spelt_right_once_they_are(tmp_path: Path) -> None:
    catalogue = Unread()
    async with desk(tmp_path, catalogue=catalogue) as at:
        await typed(at, "genre:horror year:1900..")
        await at.press("enter")
        await at.until(lambda: at.table.window.total == 0)
        catalogue.release.set()
        await at.until(lambda: at.screen.query_now == Query(genres=("Horror",), year_from=1900))
        await at.until(lambda: (at.table.window.total or 0) > 0 and "Horror" in at.text)


async def test_genres_that_nobody_has_counted_yet_are_not_said_to_be_none(tmp_path: Path) -> None:
    catalogue = Unread()
    async with desk(tmp_path, catalogue=catalogue) as at:
        await at.until(lambda: (at.table.window.total or 0) > 0)
        assert at.screen.query_one(GenrePanel).lines(40, 5) == [((" Counting…", "muted"),)]
        catalogue.release.set()
        await at.until(lambda: "Horror" in at.text)


async def test_the_first_rows_come_while_the_others_are_counted(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.counting.clear()
        await typed(at, "movie genre:horror")
        await at.until(lambda: f"the first {at.table.window.total}, counting…" in at.text)
        begun = at.table.window.total or 0
        assert at.table.rows_in_view < begun < 100, "as many as fill the screen"
        assert "searching…" in at.text
        first = [at.table.window.row(number) for number in range(begun)]
        assert all(row is not None and "Horror" in row.movie.genres for row in first)
        at.catalogue.counting.set()
        await at.until(lambda: "counting…" not in at.text and (at.table.window.total or 0) > 100)
        assert at.table.window.counted
        at.catalogue.counting.clear()
        await at.press("escape")
        await at.until(lambda: at.screen.query_now == Query() and "counting…" not in at.text)


@pytest.mark.parametrize("presses", [("end",), ("end", "up"), ("end", "home")])
async def test_end_goes_to_the_last_row_as_soon_as_that_is_known(tmp_path: Path, presses: tuple[str, ...]) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.counting.clear()
        await typed(at, "movie genre:horror")
        await at.press("enter")
        await at.until(lambda: "counting…" in at.text)
        begun = at.table.window.total or 0
        await at.press(*presses)
        at.catalogue.counting.set()
        await at.until(lambda: "counting…" not in at.text and not at.table.window.waiting)
        total = at.table.window.total or 0
        assert total > 100
        assert at.table.cursor == {"end": total - 1, "up": begun - 2, "home": 0}[presses[-1]]
        await at.until(lambda: at.table.current is not None)


async def test_a_wrong_term_is_named_and_the_last_right_answer_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await typed(at, "genre:horror")
        await at.until(lambda: at.screen.query_now.genres == ("Horror",))
        await at.press("space", *"yaer:1979")
        await at.until(lambda: "There is no term yaer: – did you mean year:?" in at.text)
        assert at.screen.query_now.genres == ("Horror",)
        await at.press("enter")
        assert at.screen.query_one(FilterBar).has_class("-open")
        await at.press("escape")
        await at.until(lambda: at.screen.query_now == Query())


async def test_tab_completes_names_and_values(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("slash", *"gen")
        await at.until(lambda: "Tab → genre:" in at.text)
        await at.press("tab", *"sci")
        await at.until(lambda: "Tab → Science Fiction" in at.text)
        await at.press("tab")
        assert at.screen.query_one(Input).value == 'genre:"Science Fiction" '
        await at.until(lambda: at.screen.query_now.genres == ("Science Fiction",))
        await at.press(*"director:31")
        await at.until(lambda: "Tab → Director 31" in at.text)
        await at.press("tab", "enter")
        await at.until(lambda: "directors “Director 31" in at.text)


async def test_earlier_filters_come_back_with_up(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "remembered.json")
    async with desk(tmp_path, memory=memory) as at:
        for text in ("year:1979", "genre:drama"):
            await typed(at, text)
            await at.press("enter")
            await at.until(lambda: not at.screen.query_one(FilterBar).has_class("-open"))
        await at.press("escape")
        await at.until(lambda: at.screen.query_now == Query())
        await at.press("slash", "up")
        box = at.screen.query_one(Input)
        assert box.value == "genre:drama"
        await at.press("up", "up")
        assert box.value == "year:1979"
        await at.press("down")
        assert box.value == "genre:drama"
        await at.press("down")
        assert box.value == ""
    assert Memory(tmp_path / "remembered.json").now.searches == ("genre:drama", "year:1979")


async def test_the_filter_and_the_order_are_there_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, memory=Memory(file)) as at:
        await typed(at, "genre:horror director:director")
        await at.press("enter", "s")
        await at.until(lambda: at.screen.query_now.sort == "year")
        before = at.screen.query_now
    async with desk(tmp_path, memory=Memory(file)) as at:
        assert at.screen.query_now == before
        await at.until(lambda: "Horror · directors “director”" in at.text)


async def test_a_remembered_filter_that_means_nothing_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.change(filter="year:x", sort="charm")
    async with desk(tmp_path, memory=memory) as at:
        assert at.screen.query_now == Query()


async def test_what_the_histogram_filters_by_stands_in_the_box(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("3", "enter")
        await at.until(lambda: at.screen.query_now.genres)
        await at.press("slash")
        genre = at.screen.query_now.genres[0]
        assert genre in GENRES
        assert at.screen.query_one(Input).value in (f"genre:{genre}", f'genre:"{genre}"')


async def test_escape_takes_one_filter_back_after_the_other(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await typed(at, "movie genre:horror year:1979.. director:director rating:>1 runtime:>1")
        await at.press("enter")
        await at.until(lambda: len(at.screen.query_now.ranges) == 2)
        left = []
        while at.screen.query_now.selective:
            await at.press("escape")
            query = at.screen.query_now
            left.append((len(query.ranges), len(query.within), bool(query.text), query.year_from, len(query.genres)))
        assert left == [
            (1, 1, True, 1979, 1),
            (0, 1, True, 1979, 1),
            (0, 0, True, 1979, 1),
            (0, 0, False, 1979, 1),
            (0, 0, False, None, 1),
            (0, 0, False, None, 0),
        ]


@pytest.mark.parametrize("size", [(80, 24), (250, 60)], ids=str)
async def test_every_column_can_be_sorted_by_and_is_shown_then(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        seen = set()
        for column in (TITLE, *OPTIONAL, *TRENDING.values()):
            sort = at.screen.query_now.sort
            await at.until(lambda: not at.table.window.waiting)
            assert (sort, column) == (column.sort, next(p.column for p in at.table.placed if p.column.sort == sort))
            assert f"{column.label} {'▲' if sort in SORTED_AS_TEXT else '▼'}" in at.line(0)
            seen.add(sort)
            await at.press("s")
        assert at.screen.query_now.sort == "title"
        assert {"genres", "directors", "score"} <= seen


async def test_the_best_rated_come_first_and_an_edit_moves_one_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        at.screen.change(sort="score", descending=True)
        await at.until(lambda: "9.670" in at.line(1))
        assert "score ▼" in at.text
        assert at.table.columns[0].id == "year", "the columns that are wanted stay as they are"
        stock = at.catalogue.stock
        stock["Q5"] = replace(stock["Q5"], critic_rating=10.0, critic_reviews=975, version=9)
        at.screen.action_reload()
        await at.until(lambda: "9.900" in at.line(1))
        await at.press("S")
        await at.until(lambda: "score ▲" in at.text and not at.table.window.waiting)
        lines = [at.line(number) for number in range(1, 8)]
        rows = [row for number in range(7) if (row := at.table.window.row(number))]
        points = [score for row in rows if (score := score_of(row.movie)) is not None]
        assert [f"{score:.3f}" in line for score, line in zip(points, lines, strict=True)] == [True] * 7
        assert points == sorted(points)
        await at.press("G")
        await at.until(lambda: at.table.current is not None)
        last = at.table.current
        assert last is not None
        assert score_of(last) is None
