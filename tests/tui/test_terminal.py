from __future__ import annotations

import asyncio
import os
import pty
import signal
from pathlib import Path

from textual import events

from core.errors import StoreUnavailable
from core.settings import Settings
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tui.app import ReelcacheApp
from tui.problems import Problems
from tui.terminal import endings, hung_up
from tui.widgets.movie_table import MovieTable


def test_a_terminal_hangs_up_when_its_other_end_closes() -> None:
    master, slave = pty.openpty()
    try:
        assert not hung_up(slave)
        os.close(master)
        assert hung_up(slave)
    finally:
        os.close(slave)


async def test_a_signal_to_end_leaves_with_its_customary_code() -> None:
    left: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    before = signal.getsignal(signal.SIGTERM)
    with endings(asyncio.get_running_loop(), left.set_result):
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(left, 60) == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_same_problem_is_told_once_in_thirty_seconds(tmp_path: Path) -> None:
    problems = Problems(tmp_path)
    away = StoreUnavailable("PostgreSQL", "refused", remedy="Start it.")
    first = problems.notice(away, "read the movies", 100.0)
    assert first is not None
    assert first.text == "PostgreSQL: refused. Start it."
    assert problems.notice(away, "count the genres", 110.0) is None
    assert problems.notice(away, "read the movies", 131.0) is not None


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    notice = Problems(tmp_path / "file").notice(RuntimeError("x"), "read", 0.0)
    assert notice is not None
    assert "could not be written" in notice.text


async def test_a_table_that_comes_while_the_window_is_in_the_background_takes_the_first_key(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(50))
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(catalogue))
    catalogue.delay = 0.2
    async with app.run_test() as pilot:
        app.post_message(events.AppBlur())
        async with asyncio.timeout(60):
            while not any(table.window.total for table in app.screen.query(MovieTable)):
                await pilot.pause(0.01)
        table = app.screen.query_one(MovieTable)
        assert not app.app_focus
        await pilot.press("down")
        await pilot.pause()
        assert table.has_focus
        assert table.cursor == 1
