"""What the first picture of the screen shows, and what is done before all of its parts are there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Region
from textual.strip import Strip

from core.settings import Settings
from tests.tui.desk import desk, shown
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import until
from tui.app import ReelcacheApp
from tui.remembered import Memory
from tui.screens.browse import BrowseScreen
from tui.session import Session
from tui.widgets.counters import CountersPanel
from tui.widgets.filter_bar import BoundedInput
from tui.widgets.movie_table import MovieTable


@pytest.mark.parametrize(("size", "alone"), [((120, 40), True), ((80, 24), False)], ids=["panels beside", "one pane"])
async def test_the_table_is_painted_before_the_panels_where_these_move_nothing(
    size: tuple[int, int], *, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[tuple[bool, Region]] = []
    render = MovieTable.render_lines

    def noted(table: MovieTable, crop: Region) -> list[Strip]:
        painted.append((bool(table.screen.query(CountersPanel)), table.region))
        return render(table, crop)

    monkeypatch.setattr(MovieTable, "render_lines", noted)
    async with desk(tmp_path, size=size) as at:
        assert painted[0] == (not alone, at.table.region)
        assert shown(at, "stats") is alone


async def test_a_box_that_is_asked_for_before_it_is_there_has_all_that_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = BrowseScreen.on_mount

    def typed(screen: BrowseScreen) -> None:
        mount(screen)
        assert not screen.query(BoundedInput)
        for key, character in [("slash", "/"), *zip("alien", "alien", strict=True)]:
            screen.app.post_message(events.Key(key, character))

    monkeypatch.setattr(BrowseScreen, "on_mount", typed)
    async with desk(tmp_path) as at:
        await at.until(lambda: at.screen.query_one(BoundedInput).value == "alien")
        assert at.app.screen is at.screen


async def test_a_panel_that_is_chosen_before_it_is_there_has_the_focus_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish = BrowseScreen._furnish

    async def chosen(screen: BrowseScreen) -> None:
        assert not screen.query(CountersPanel)
        screen.action_pane("stats")
        await furnish(screen)

    monkeypatch.setattr(BrowseScreen, "_furnish", chosen)
    async with desk(tmp_path) as at:
        await at.until(lambda: isinstance(at.screen.focused, CountersPanel))
        assert at.screen.pane == "stats"


async def test_a_catalogue_that_is_open_by_then_has_no_other_screen_below_its_own(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    memory = Memory(None)
    memory.change(theme="nord")
    session = Session(opening(MemoryCatalogue(movies(50))))
    session.start(settings)
    while session.catalogue is None:
        await asyncio.sleep(0)
    app = ReelcacheApp(settings, memory=memory, session=session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.catalogue is not None)
        assert [type(screen) for screen in app.screen_stack] == [BrowseScreen]
        assert app.theme == "nord"
        assert app.screen.query_one(MovieTable).window.total == 50
    assert session.catalogue is None
