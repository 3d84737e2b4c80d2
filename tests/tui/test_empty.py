"""An empty table says why it is empty, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import LoadProgress
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies


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


async def test_a_store_that_is_being_filled_says_so(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue([])
    catalogue.progress = LoadProgress(0, 0, 0, 0, 0.0, 0.1)
    async with desk(tmp_path, catalogue=catalogue) as at:
        await at.until(lambda: "The shipped movies are being loaded." in at.text)
        catalogue.progress = None
        await at.until(lambda: "There is no movie in PostgreSQL yet." in at.text)
