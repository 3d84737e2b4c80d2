"""Panels that are put away, brought back, and given the whole screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.desk import desk, shown
from tui.remembered import Memory
from tui.widgets.key_footer import KeyFooter
from tui.widgets.pane_tabs import PANES

NUMBERS = {pane: str(number) for number, pane in enumerate(PANES, 1)}
OTHERS = [pane for pane in PANES if pane != "movies"]


@pytest.mark.parametrize("pane", OTHERS)
async def test_a_panel_is_put_away_for_the_next_run_too_and_its_number_brings_it_back(
    tmp_path: Path, pane: str
) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, size=(200, 60), memory=Memory(file)) as at:
        await at.press(NUMBERS[pane], "H")
        await at.until(lambda: not shown(at, pane))
        assert at.table.has_focus
        assert f"put away: {NUMBERS[pane]} brings it back" in at.toasts()
    async with desk(tmp_path, size=(200, 60), memory=Memory(file)) as at:
        assert not shown(at, pane)
        await at.press(NUMBERS[pane])
        await at.until(lambda: shown(at, pane))
        assert at.app.focused is at.screen.query_one(f"#{pane}")
    assert Memory(file).now.hidden == ()


async def test_keys_that_arrive_in_one_go_leave_pane_and_footer_where_the_focus_is(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.screen.action_pane("genres")
        at.screen.action_hide()
        await at.pilot.pause(0.2)
        assert at.table.has_focus
        assert at.screen.pane == "movies"
        assert at.screen.query_one(KeyFooter).place == "movies"


async def test_the_table_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("H")
        assert shown(at, "movies")
        assert "The table stays" in at.toasts()


@pytest.mark.parametrize("size", [(60, 16), (120, 32), (200, 60)], ids=str)
@pytest.mark.parametrize("pane", PANES)
async def test_each_number_shows_its_panel_and_f_gives_it_the_whole_width(
    tmp_path: Path, pane: str, size: tuple[int, int]
) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press(NUMBERS[pane])
        await at.until(lambda: shown(at, pane))
        assert at.app.focused is at.screen.query_one(f"#{pane}")
        before = at.screen.query_one(f"#{pane}").region
        await at.press("f")
        await at.until(lambda: at.screen.query_one(f"#{pane}").region.width == size[0])
        await at.press("f")
        await at.until(lambda: at.screen.query_one(f"#{pane}").region == before)


async def test_with_all_put_away_the_table_has_the_whole_width_until_all_are_shown_again(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(200, 60)) as at:
        for pane in OTHERS:
            await at.press(NUMBERS[pane], "H")
        await at.press("3", "H")
        await at.until(lambda: at.table.region.width == 200)
        at.screen.action_show_all()
        await at.until(lambda: all(shown(at, pane) for pane in ("stats", "genres", "details", "log")))


async def test_what_a_panel_put_away_leaves_is_for_its_neighbour(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("2", "H")
        await at.until(lambda: not shown(at, "stats"))
        assert shown(at, "genres")
        await at.press("3", "H")
        await at.until(lambda: at.table.region.width == 120)


async def test_a_hidden_panel_that_has_the_screen_gives_it_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("2", "f", "H")
        await at.until(lambda: shown(at, "movies") and not shown(at, "stats"))
        assert not at.screen.alone


@pytest.mark.parametrize("pane", ["movies", "consistency", "details"])
async def test_the_whole_screen_is_given_to_the_panel_in_the_next_run_and_at_any_size(
    tmp_path: Path, pane: str
) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, memory=Memory(file)) as at:
        await at.press("2", "f", NUMBERS[pane])
    async with desk(tmp_path, memory=Memory(file)) as at:
        assert at.app.focused is at.screen.query_one(f"#{pane}")
        for size in ((120, 40), (80, 24), (50, 10), (200, 60)):
            await at.pilot.resize_terminal(*size)
            await at.until(lambda: at.screen.query_one(f"#{pane}").region.width == size[0])  # noqa: B023
        await at.press("f")
        await at.until(lambda: at.screen.query_one(f"#{pane}").region.width < 200)
    async with desk(tmp_path, memory=Memory(file)) as at:
        assert at.table.has_focus
        assert not at.screen.alone
    memory = Memory(None)
    memory.change(full="holograms")
    async with desk(tmp_path, memory=memory) as at:
        assert at.table.has_focus
        assert not at.screen.alone


async def test_the_details_are_read_where_their_number_shows_them(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        await at.press("6")
        await at.until(lambda: "why: held" in at.text)


async def test_the_memory_of_panels_that_are_no_more_does_no_harm(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.change(hidden=("movies", "holograms", "log"))
    async with desk(tmp_path, memory=memory) as at:
        assert shown(at, "movies")
        assert not shown(at, "log")
