"""Desk: the whole app over a small catalogue in memory, with the parts that tests ask about."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from core.settings import Settings
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import PATIENCE, screen_text
from tui.app import ReelcacheApp
from tui.remembered import Memory
from tui.screens.browse import BrowseScreen
from tui.widgets.movie_table import MovieTable


class Desk:
    """An app under test, with the parts that tests ask about."""

    def __init__(self, app: ReelcacheApp, pilot: Pilot[int], catalogue: MemoryCatalogue) -> None:
        self.app, self.pilot, self.catalogue = app, pilot, catalogue

    @property
    def screen(self) -> BrowseScreen:
        screen = self.app.screen_stack[-1]
        assert isinstance(screen, BrowseScreen)
        return screen

    @property
    def table(self) -> MovieTable:
        return self.screen.query_one(MovieTable)

    def line(self, y: int) -> str:
        return self.table.render_line(y).text

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the app run until something holds; fails when it never does."""
        deadline = time.monotonic() + PATIENCE
        await self.pilot.pause(0.01)
        while not holds():
            assert time.monotonic() < deadline, f"this never came to hold; the screen shows:\n{self.text}"
            await self.pilot.pause(0.01)

    async def go_to(self, id: str) -> None:
        """Put the cursor on a movie, as a person would."""
        await self.press("colon", *id, "enter")
        await self.until(lambda: self.table.current is not None and self.table.current.id == id)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def text(self) -> str:
        """What stands on the terminal."""
        return screen_text(self.app)

    def toasts(self) -> str:
        return "\n".join(f"{toast.title}: {toast.message}" for toast in self.app._notifications)


@asynccontextmanager
async def desk(
    tmp_path: Path,
    *,
    count: int = 1_000,
    size: tuple[int, int] = (120, 40),
    catalogue: MemoryCatalogue | None = None,
    memory: Memory | None = None,
    tooltips: bool = False,
) -> AsyncIterator[Desk]:
    catalogue = catalogue or MemoryCatalogue(movies(count))
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(catalogue), memory)
    async with app.run_test(size=size, notifications=True, tooltips=tooltips) as pilot:
        found = Desk(app, pilot, catalogue)
        await found.until(
            lambda: (
                isinstance(app.screen, BrowseScreen)
                and app.screen.whole.is_set()
                and found.table.window.total is not None
            )
        )
        yield found


def shown(at: Desk, pane: str) -> bool:
    return bool(at.screen.query_one(f"#{pane}").region)
