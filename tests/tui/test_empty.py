"""An empty table says why it is empty, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StoreUnavailable
from core.model import LoadProgress
from core.settings import Settings
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import screen_text, until
from tui.app import ReelcacheApp


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_a_filter_without_a_match_says_how_to_get_out_of_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press("slash", *"zzz", "enter")
        await at.until(lambda: "No movie matches this filter." in at.text)
        assert "Esc takes its last part away." in at.text
        await at.press("escape")
        await at.until(lambda: at.table.window.total == 1_000)
        assert "No movie matches" not in at.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_an_empty_store_says_how_to_fill_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size, count=0) as at:
        await at.until(lambda: "There is no movie in PostgreSQL yet." in at.text)
        assert "`reelcache load FILE`" in at.text
        at.catalogue.stock = {movie.id: movie for movie in movies(3)}
        await at.press("r")
        await at.until(lambda: at.table.window.total == 3)
        assert "no movie in" not in at.text


async def test_a_store_that_is_away_at_first_says_why_and_what_to_do(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(3))
    catalogue.failing = StoreUnavailable("PostgreSQL", "the connection was refused", remedy="Start it again.")
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(catalogue))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "It is asked again by itself" in screen_text(app))
        assert "Start it again." in screen_text(app)
        catalogue.failing = None
        await until(pilot, lambda: "3 movies" in screen_text(app))
        assert "asked again" not in screen_text(app)


async def test_a_store_that_is_being_filled_says_so(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue([])
    catalogue.progress = LoadProgress(0, 0, 0, 0, 0.0, 0.1)
    async with desk(tmp_path, catalogue=catalogue) as at:
        await at.until(lambda: "The shipped movies are being loaded." in at.text)
        catalogue.progress = None
        await at.until(lambda: "There is no movie in PostgreSQL yet." in at.text)
