"""The rows in view follow what other copies write, whether or not the cache was believed when they were read."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import replace
from core.query import Page, Query
from tests.tui.desk import Desk, desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.messages import StatsSampled

DOUBT = "what Redis holds is still being looked at"


async def looked(at: Desk, generation: str | None, doubt: str | None = None, *, reads: int) -> None:
    """Have the screen look at the figures, and once more; by then it has read the rows so many times, and no more."""
    at.catalogue.generation, at.catalogue.doubt = generation, doubt
    for _ in range(2):
        at.screen.post_message(StatsSampled(at.catalogue.stats()))
        await at.pilot.pause()
        await at.until(lambda: len(at.catalogue.browsed) >= reads and not at.table.window.waiting)
    assert len(at.catalogue.browsed) == reads


async def test_what_was_read_in_doubt_is_read_once_more_when_the_cache_is_believed(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(50))
    catalogue.doubt = DOUBT
    async with desk(tmp_path, catalogue=catalogue) as at:
        await looked(at, None, DOUBT, reads=1)
        catalogue.stock["Q0"] = replace(catalogue.stock["Q0"], title="[REC] theirs", version=2)
        await looked(at, None, DOUBT, reads=1)  # nothing tells of it
        await looked(at, None, reads=2)
        await at.until(lambda: "[REC] theirs" in at.text)
        await looked(at, None, reads=2)  # a cache that is believed on tells nothing new
        await looked(at, "first", reads=2)  # it was made for the rows that stand here
        await looked(at, "second", reads=3)
        await looked(at, "second", DOUBT, reads=3)
        await looked(at, "second", reads=3)  # nobody wrote meanwhile
        await looked(at, None, reads=4)
        await looked(at, None, DOUBT, reads=4)
        await looked(at, None, reads=5)


async def test_a_generation_that_comes_with_the_belief_was_not_made_for_rows_read_in_doubt(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(50))
    catalogue.doubt = DOUBT
    async with desk(tmp_path, catalogue=catalogue) as at:
        await looked(at, None, DOUBT, reads=1)
        await looked(at, "another copy's", reads=2)


class Wavering(MemoryCatalogue):
    """Its cache is in doubt just while the first so many windows are read, and at no look at the figures."""

    doubted = 1

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        self.doubt = DOUBT if len(self.browsed) < self.doubted else None
        page = await super().browse(query, offset, limit, hurry=hurry)
        self.doubt = None
        return page


@pytest.mark.parametrize("doubted", [1, 1_000_000])
async def test_a_doubt_that_no_look_met_counts_too_and_one_without_end_costs_one_reading(
    tmp_path: Path, doubted: int
) -> None:
    catalogue = Wavering(movies(50))
    catalogue.doubted = doubted
    async with desk(tmp_path, catalogue=catalogue) as at:
        await looked(at, None, reads=2)
        await looked(at, None, reads=2)
