"""The table sorted by views: with a column of its own, and following what others look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.query import TRENDS
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.messages import StatsSampled


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_s_comes_to_the_sorts_by_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("tui.screens.browse._VIEWS_SECONDS", 0.0)
    catalogue = MemoryCatalogue(movies(300))
    catalogue.views.update(Q250=3, Q9=2)
    async with desk(tmp_path, catalogue=catalogue, size=size) as at:
        sorts = ["title"]
        while sorts[-1] != "trending":
            await at.press("s")
            assert at.screen.query_now.sort not in sorts
            sorts.append(at.screen.query_now.sort)
        await at.until(lambda: at.table.current is not None and at.table.current.id == "Q250")
        assert "Views today ▼" in at.text
        assert "trending ▼" in at.text
        assert [row.views for n in range(3) if (row := at.table.window.row(n))] == [3, 2, 0]
        assert " 3.0 " in at.text
        await at.press("ctrl+y")
        assert at.app.clipboard == "3.0"

        # What is looked at meanwhile moves up, and the cursor stays at the top; nothing is read where nothing moved.
        read = len(catalogue.browsed)
        at.screen.post_message(StatsSampled(catalogue.stats()))
        await at.pilot.pause()
        await at.until(lambda: not at.table.window.waiting)
        assert len(catalogue.browsed) == read
        catalogue.views.update(Q9=2)
        at.screen.post_message(StatsSampled(catalogue.stats()))
        await at.until(lambda: at.table.current is not None and at.table.current.id == "Q9")

        await at.press("S")
        await at.until(lambda: at.table.current is not None and at.table.current.id == "Q250")
        await at.press("s")
        await at.until(lambda: "Views this hour ▼" in at.text)
        await at.press("s")
        await at.until(lambda: "Title ▲" in at.text)
        assert not any(placed.column.sort in TRENDS for placed in at.table.placed)
