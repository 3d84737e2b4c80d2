"""The catalogue that is being opened before there is a screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.catalogue import Catalogue
from core.errors import ServerFailed
from core.settings import Settings
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import screen_text
from tui.app import ReelcacheApp
from tui.screens.browse import BrowseScreen
from tui.screens.start import StartScreen
from tui.session import Session


async def begun(session: Session, settings: Settings) -> None:
    """Let it begin, and come as far as it gets at once."""
    session.start(settings)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_open_before_the_screen_is_shown_at_once(tmp_path: Path) -> None:
    catalogue, settings = MemoryCatalogue(movies(10)), Settings(state_dir=tmp_path)
    session = Session(opening(catalogue))
    await begun(session, settings)
    app = ReelcacheApp(settings, session=session)
    async with app.run_test() as pilot:
        while not isinstance(app.screen, BrowseScreen):
            await pilot.pause()
        assert not any(isinstance(screen, StartScreen) for screen in app.screen_stack)
    assert catalogue.closed


async def test_what_is_still_being_opened_is_told_and_then_shown(tmp_path: Path) -> None:
    catalogue, settings, told = MemoryCatalogue(movies(10)), Settings(state_dir=tmp_path), asyncio.Event()

    @asynccontextmanager
    async def slow(settings: Settings, **more: Any) -> AsyncIterator[Catalogue]:
        async with opening(catalogue)(settings, **more) as opened:
            await told.wait()
            yield opened

    session = Session(slow)
    await begun(session, settings)
    app = ReelcacheApp(settings, session=session)
    async with app.run_test() as pilot:
        while not ("Redis" in screen_text(app) and isinstance(app.screen, StartScreen)):
            await pilot.pause()
        told.set()
        while not isinstance(app.screen, BrowseScreen):
            await pilot.pause()
    assert catalogue.closed


async def test_what_failed_before_the_screen_is_told_there_and_tried_again(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    failure = ServerFailed("The cellar is flooded.", "Pump it out.")
    session = Session(opening(MemoryCatalogue([]), failure=failure))
    await begun(session, settings)
    app = ReelcacheApp(settings, session=session)
    async with app.run_test() as pilot:
        for _ in range(2):
            while "The cellar is flooded." not in screen_text(app):
                await pilot.pause()
            await pilot.press("r")
