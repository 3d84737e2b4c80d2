"""The boards as a person looks at them; what all copies counted in the panel; and a record field by field."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StoreUnavailable
from core.model import replace
from core.observe.stats import SharedStats, StrategyTotals
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.screens import boards
from tui.screens.boards import BoardsScreen
from tui.screens.browse import BrowseScreen


@pytest.fixture
def catalogue() -> MemoryCatalogue:
    """Movies of which Q4 is the best rated, and the best of its genres."""
    found = MemoryCatalogue(movies(400))
    found.stock["Q4"] = replace(found.stock["Q4"], critic_rating=9.9, critic_reviews=399)
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_the_best_rated_follow_an_edit_and_enter_goes_there(
    tmp_path: Path, size: tuple[int, int], catalogue: MemoryCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "EVERY", 0.05)
    async with desk(tmp_path, size=size, catalogue=catalogue) as at:
        await at.until(lambda: at.screen.known_genres)
        known = at.screen.known_genres
        await at.press("B")
        await at.until(lambda: "From Redis: every save of any copy is in it." in at.text)
        assert "score = (v·R + m·C) / (v + m), m = 25 reviews, C = 6.0" in at.text
        assert "  1  9.670    399 reviews  8½" in at.text

        # Somebody else's edit moves a film while one looks.
        catalogue.stock["Q0"] = replace(catalogue.stock["Q0"], critic_rating=10, critic_reviews=5000)
        await at.until(lambda: "  1  9.980  5,000 reviews  [REC]" in at.text)
        await at.press("right")
        genre = known[0]
        await at.until(lambda: f"← {genre} →" in at.text and at.text.count(genre) > 3)
        await at.press("left")
        await at.until(lambda: "← all movies →" in at.text and "  1  9.980  5,000 reviews" in at.text)
        await at.press("down", "enter")
        await at.until(lambda: at.table.current is not None and at.table.current.id == "Q4")


async def test_trends_show_what_was_opened_and_where_that_is_known_from(
    tmp_path: Path, catalogue: MemoryCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "EVERY", 0.05)
    async with desk(tmp_path, size=(80, 24), catalogue=catalogue) as at:
        await at.press("B", "2")
        await at.until(lambda: "Nothing was looked at yet." in at.text)
        await at.press("q")
        for _ in range(2):
            await at.press("enter")
            await at.until(lambda: not isinstance(at.app.screen, BrowseScreen))
            await at.press("escape")
            await at.until(lambda: isinstance(at.app.screen, BrowseScreen))
        opened = at.table.current
        assert opened is not None
        assert catalogue.views == {opened.id: 2}
        await at.press("B", "tab")
        await at.until(lambda: "  1    2.0 views  " in at.text and "half after an hour" in at.text)
        await at.press("tab")
        await at.until(lambda: "half after a day" in at.text)
        catalogue.cache_problem = "nobody listens at redis://x."
        await at.until(lambda: "From this copy alone: nobody listens at redis://x." in at.text)
        await at.press("shift+tab", "shift+tab")
        await at.until(lambda: "From the store: nobody listens at redis://x." in at.text)
        catalogue.failing = StoreUnavailable("PostgreSQL", "no answer.")
        await at.until(lambda: "PostgreSQL: no answer." in at.text and "9.670" in at.text)
        catalogue.failing = None
        await at.press("escape")
        # A genre that is filtered by is the one looked at first.
        genre = catalogue.stock["Q4"].genres[0]
        await at.press("slash", *"genre", "colon", *genre.lower(), "enter")
        await at.until(lambda: at.screen.query_now.genres == (genre,))
        await at.press("B")
        await at.until(lambda: isinstance(at.app.screen, BoardsScreen) and f"← {genre} →" in at.text)


async def test_what_all_copies_counted_stands_beside_what_this_one_did(
    tmp_path: Path, catalogue: MemoryCatalogue
) -> None:
    async with desk(tmp_path, size=(80, 24), catalogue=catalogue) as at:
        await at.press("2")
        assert "all copies" not in at.text
        totals = {"cache-aside": StrategyTotals(hits=90, misses=10, writes=3), "no-cache": StrategyTotals()}
        catalogue.shared = SharedStats(3, totals)
        await at.press("end")
        await at.until(lambda: "3 run" in at.text and "90.0 % hit, 100 reads, 3 writes" in at.text)
        catalogue.shared = SharedStats(problem="nobody listens")
        await at.until(lambda: "not known: above is this copy alone" in at.text)


async def test_a_record_is_shown_field_by_field(tmp_path: Path, catalogue: MemoryCatalogue) -> None:
    async with desk(tmp_path, size=(80, 24), catalogue=catalogue) as at:
        await at.press("enter")
        await at.until(lambda: "Read 1" in at.text)
        await at.press("f")
        await at.until(lambda: "fields known" in at.text and "directors" in at.text)
        assert "(unknown)" in at.text
        await at.press("f")
        await at.until(lambda: "fields known" not in at.text)
