"""The table as a whole: columns, marks, copies, exports, and rows that change under the person."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from textual.widgets import Input

import data
from core.model import replace
from core.query import Page, Query
from data.export import ExportFile
from tests.tui.desk import Desk, desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.exporting import WINDOW, CannotExport, export_all, refusal
from tui.remembered import Memory
from tui.screens.ask import AskScreen
from tui.screens.browse import BrowseScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.confirm import ConfirmScreen


def header(at: Desk) -> str:
    return at.line(0)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_columns_are_chosen_by_keyboard_and_remembered(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, size=size, memory=Memory(file)) as at:
        assert "Year" in header(at)
        await at.press("v")
        await at.until(lambda: isinstance(at.app.screen, ColumnsScreen) and "esc leave" in at.text)
        await at.press("space", "j", "space", "enter")
        await at.until(lambda: "Year" not in header(at) and "Genre" not in header(at))
        assert "Rating" in header(at)
    async with desk(tmp_path, size=size, memory=Memory(file)) as at:
        assert "Year" not in header(at)
        await at.press("v", "space", "escape")
        assert Memory(file).now.columns is not None
        assert "Year" not in header(at)


@pytest.mark.parametrize("size", [(60, 16), (120, 40)], ids=str)
async def test_columns_are_moved_by_keyboard_and_stay_where_they_were_put(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, size=size, memory=Memory(file)) as at:
        before = tuple(column.id for column in at.table.columns)
        assert before[:3] == ("year", "genres", "critic_rating")
        await at.press("v", "left_square_bracket", "down", "down", "shift+up", "K", "left_square_bracket")
        await at.until(lambda: isinstance(at.app.screen, ColumnsScreen))
        assert "[ ] move" in at.text
        assert "[ ] IMDb" in at.text, "told without colours, too"
        assert "[x] Rating" in at.text
        await at.press("down", "J", "up", "space", "right_square_bracket", "enter")
        await at.until(lambda: isinstance(at.app.screen, BrowseScreen))
        assert tuple(column.id for column in at.table.columns)[:2] == ("critic_rating", "year")
        assert "genres" not in (column.id for column in at.table.columns)
        assert at.line(0).index("Rating") < at.line(0).index("Year")
    async with desk(tmp_path, size=size, memory=Memory(file)) as at:
        assert tuple(column.id for column in at.table.columns) == tuple(Memory(file).now.columns or ())
        assert at.line(0).index("Rating") < at.line(0).index("Year")


async def test_marks_go_by_movie_and_survive_sorting_and_filters(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("j", "m", "m", "j", "m")
        assert at.table.cursor == 5
        marked = set(at.table.marked)
        assert len(marked) == 3
        await at.until(lambda: "3 marked · 1,000 movies" in at.text)
        await at.press("s")
        await at.until(lambda: not at.table.window.outdated and not at.table.window.waiting)
        assert set(at.table.marked) == marked
        await at.go_to(next(iter(marked)))
        assert "●" in at.line(1 + at.table.cursor - at.table.scroll_offset.y)
        await at.press("up", "down", "m")
        assert len(at.table.marked) == 2
        await at.press("M")
        await at.until(lambda: "marked" not in at.text and not at.table.marked)


async def test_a_movie_or_the_marked_ones_are_copied_as_json(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("Y")
        await at.until(lambda: "1 movie as JSON" in at.toasts())
        assert at.table.current is not None
        assert json.loads(at.app.clipboard)["id"] == at.table.current.id
        await at.press("m", "m", "Y")
        assert [json.loads(line)["id"] for line in at.app.clipboard.splitlines()] == list(at.table.marked)
        await at.press("s")
        await at.until(lambda: not at.table.window.outdated and not at.table.window.waiting)
        await at.press("ctrl+y")
        assert at.table.current is not None
        assert at.app.clipboard == str(at.table.current.year)


async def test_a_row_that_changes_under_the_person_stands_out_for_a_while(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        movie = at.table.current
        assert movie is not None
        await at.press("r")
        await at.until(lambda: not at.table.window.outdated)
        assert "*" not in at.line(1)[:8]
        at.catalogue.stock[movie.id] = replace(movie, runtime=1, version=movie.version + 1)
        await at.press("r")
        await at.until(lambda: "*" in at.line(1)[:8])
        await at.until(lambda: "*" not in at.line(1)[:8])


async def test_another_store_changes_no_row(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for id, movie in at.catalogue.stock.items():
            at.catalogue.stock[id] = replace(movie, version=movie.version + 5)
        await at.press("t", "2")
        await at.until(lambda: at.catalogue.store == "mongodb" and not at.table.window.outdated)
        assert not at.table._changed


async def exported(at: Desk, name: str) -> None:
    await at.press("E")
    await at.until(lambda: isinstance(at.app.screen, AskScreen))
    at.app.screen.query_one(Input).value = name
    await at.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_filter_is_exported_in_its_order_and_read_back(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press("slash", *"genre:horror", "enter", "s")
        await at.until(lambda: at.screen.query_now.sort == "year" and at.screen.query_now.genres)
        file = tmp_path / "horror.csv"
        await exported(at, str(file))
        await at.until(lambda: "Export: " in at.toasts() and file.exists())
        wanted = at.catalogue._answer(at.screen.query_now)
        assert len(wanted) > 100
        read = list(data.read(file))
        assert read == [replace(movie, version=0) for movie in wanted]


async def test_the_marked_movies_are_exported_as_json_lines(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("m", "m")
        file = tmp_path / "two.jsonl"
        await exported(at, str(file))
        await at.until(file.exists)
        assert [json.loads(line)["id"] for line in file.read_text("utf-8").splitlines()] == list(at.table.marked)


async def test_a_file_that_is_there_is_replaced_only_after_asking(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("precious")
    async with desk(tmp_path) as at:
        await exported(at, str(file))
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("n")
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        assert file.read_text() == "precious"
        await exported(at, str(file))
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: file.read_text() != "precious")


async def test_an_export_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    class Stuck(MemoryCatalogue):
        """Answers no second part of an export."""

        async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
            if limit == WINDOW and offset:
                await asyncio.Event().wait()
            return await super().browse(query, offset, limit, hurry=hurry)

    async with desk(tmp_path, catalogue=Stuck(movies(2_000))) as at:
        file = tmp_path / "stopped.csv"
        await exported(at, str(file))
        await at.until(lambda: "Exporting 500 of 2,000" in at.text)
        await at.press("escape")
        await at.until(lambda: "Stopped: no file was written." in at.toasts() and at.screen._export is None)
        assert not [name for name in os.listdir(tmp_path) if "stopped" in name]


async def test_an_export_whose_store_goes_away_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(2_000))
    asked = 0

    async def browse(query: Query, offset: int, limit: int) -> object:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ConnectionError("gone")
        return await catalogue.browse(query, offset, limit)

    with pytest.raises(CannotExport):
        await export_all(browse, Query(), tmp_path / "half.csv", lambda rows, total: None)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Type the name"),
        ("movies", "ends in .csv or .jsonl"),
        ("movies.xlsx", "ends in .csv or .jsonl"),
        ("/no/such/folder/movies.csv", "There is no folder"),
    ],
)
def test_a_name_that_cannot_be_written_to_is_refused(name: str, said: str) -> None:
    assert said in refusal(name)
    assert refusal("movies.csv") == ""


def test_a_bar_within_a_list_is_counted_for_csv_and_kept_by_json(tmp_path: Path) -> None:
    odd = replace(movies(1)[0], genres=("a|b", "c"))
    with ExportFile(tmp_path / "odd.csv") as file:
        file.write([odd])
        file.finish()
    assert file.replaced == 1
    assert "a/b|c" in (tmp_path / "odd.csv").read_text("utf-8")
    with ExportFile(tmp_path / "odd.jsonl") as file:
        file.write([odd])
        file.finish()
    assert "a|b" in (tmp_path / "odd.jsonl").read_text("utf-8")


async def test_a_title_is_gone_to_as_it_is_typed(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("s", "apostrophe")
        await at.until(lambda: at.screen.query_now.sort == "title")
        await at.press(*"movie 0005")
        await at.until(lambda: at.table.current is not None and at.table.current.title == "Movie 000500")
        await at.press("x")
        await at.until(lambda: "No title here begins with “movie 0005x”." in at.text)
        await at.press("backspace", "enter", "S", "apostrophe", *"movie 0005")
        await at.until(lambda: at.table.current is not None and at.table.current.title == "Movie 000599")


async def test_a_title_typed_in_one_go_with_enter_is_gone_to(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("apostrophe", *"movie 0005", "enter")
        await at.until(lambda: at.table.current is not None and at.table.current.title == "Movie 000500")
        await at.press("apostrophe", *"zzz", "enter")
        await at.until(lambda: "No title here begins with “zzz”." in at.toasts())
        assert at.table.has_focus


async def test_the_cursor_stays_with_its_movie_when_the_filter_is_cleared(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("slash", *"genre:horror", "enter")
        await at.until(lambda: at.screen.query_now.genres and not at.table.window.waiting)
        for _ in range(30):
            await at.press("down")
        movie = at.table.current
        assert movie is not None
        await at.press("escape")
        await at.until(lambda: at.table.window.total == 1_000)
        await at.until(lambda: at.table.current is not None and at.table.current.id == movie.id)
        assert at.table.cursor > 30
