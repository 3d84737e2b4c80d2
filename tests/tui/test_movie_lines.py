"""The table's lines: those that are kept are those that would be drawn, and none is painted before its time."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from textual.geometry import Region
from textual.strip import Strip

from core.query import Page, Query
from tests.tui.desk import Desk, desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies


def lines(at: Desk) -> list[Strip]:
    """The lines of the table as they are painted, its frame included."""
    return at.table.render_lines(Region(0, 0, *at.table.outer_size))


async def test_the_lines_that_are_kept_are_those_that_would_be_drawn(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(130, 40)) as at:

        async def light() -> None:
            at.app.theme = "textual-light"

        async def stale() -> None:
            at.screen.add_class("-stale")

        async def narrower() -> None:
            await at.pilot.resize_terminal(100, 35)

        seen = set()
        for step in ("down", "m", "pagedown", "end", "home", "right", "2", "1", "s", "S", "M", light, stale, narrower):
            await (at.press(step) if isinstance(step, str) else step())
            await at.until(lambda: not at.table.window.waiting and not at.table.window.blank)
            await at.pilot.pause()
            painted = lines(at)
            at.table.notify_style_update()
            at.table.refresh()
            assert painted == lines(at), step
            seen.add(repr(painted))
        assert len(seen) >= 12  # nearly each step shows


class Silent(MemoryCatalogue):
    """Answers no window from beyond row 500 until it is released."""

    def __init__(self) -> None:
        super().__init__(movies(5_000))
        self.released = asyncio.Event()

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        if offset > 500:
            await self.released.wait()
        return await super().browse(query, offset, limit, hurry=hurry)


async def test_a_leap_to_rows_that_do_not_come_shows_that_they_are_not_there(tmp_path: Path) -> None:
    catalogue = Silent()
    async with desk(tmp_path, catalogue=catalogue) as at:
        before = at.text
        await at.press("end")
        await at.until(lambda: "5,000  …" in at.text)
        assert before != at.text
        await at.press("up")  # and it goes on: the next key is not held back
        await at.until(lambda: at.table.cursor == 4_998)
        catalogue.released.set()
        await at.until(lambda: "Movie 004999" in at.text)


def total_is(at: Desk, total: int) -> bool:
    return at.table.window.total == total


def at_the_end(at: Desk, total: int) -> bool:
    return at.table.cursor == total - 1 and at.table.current is not None


async def test_the_scrollbar_is_as_long_as_the_answer_and_goes_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert at.table.show_vertical_scrollbar
        for text, total in (("Movie 0001", 100), ("Movie 00011", 10), ("Movie 000", 991)):
            await at.press("slash", *["ctrl+u"], *("space" if c == " " else c for c in text), "enter")
            await at.until(partial(total_is, at, total))
            await at.pilot.pause()
            assert at.table.show_vertical_scrollbar == (total > 50)
            if total > 50:
                assert at.table.vertical_scrollbar.window_virtual_size == total + 1
            await at.press("end")
            await at.until(partial(at_the_end, at, total))
