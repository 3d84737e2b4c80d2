"""The fault menu and what the screen says while something is broken or not believed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from core.errors import FaultRefused
from core.lab.faults import FAULTS
from core.servers.embedded import embedded_servers
from core.servers.process import suspended
from core.servers.state import StateFolder
from core.settings import Settings
from tests.core.servers.another_copy import another_copy, ready
from tests.tui.feed import Feed
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import screen_text, until
from tests.tui.terminal import Terminal
from tui.app import ReelcacheApp
from tui.screens.faults import FaultScreen
from tui.widgets.lines import line_width
from tui.widgets.movie_table import MovieTable
from tui.widgets.status import status_line

SIZES = [(80, 24), (120, 40), (200, 60)]
at_each_size = pytest.mark.parametrize("size", SIZES)


@asynccontextmanager
async def running(size: tuple[int, int]) -> AsyncIterator[tuple[Pilot[int], MemoryCatalogue]]:
    """The app over thirty movies in memory."""
    catalogue = MemoryCatalogue(movies(30))
    app = ReelcacheApp(Settings(), opening(catalogue))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: "[REC]" in screen_text(app))
        yield pilot, catalogue


@at_each_size
async def test_the_menu_lists_every_fault_and_switches_it_by_one_key(size: tuple[int, int]) -> None:
    async with running(size) as (pilot, catalogue):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, FaultScreen))
        menu = pilot.app.screen.query_one(OptionList)
        listed = [str(menu.get_option_at_index(n).prompt) for n in range(menu.option_count)]
        assert [text.split("\n")[0] for text in listed] == [
            *(f"{number}  {fault.title}" for number, fault in enumerate(FAULTS, 1)),
            f"{len(FAULTS) + 1}  Lift all faults",
        ]
        shown = screen_text(pilot.app)
        assert all(fault.title in shown for fault in FAULTS)
        assert "Lift all faults" in shown
        await pilot.press("1")
        await until(pilot, lambda: " FAULT: Redis paused " in screen_text(pilot.app))
        assert catalogue.memory_faults.switched[0][:2] == ("pause-redis", True)
        await pilot.press("x")
        await until(pilot, lambda: "1  Pause Redis  ● ON" in screen_text(pilot.app))
        await pilot.press("1")
        await until(pilot, lambda: "FAULT:" not in screen_text(pilot.app))
        assert catalogue.memory_faults.switched[-1] == ("pause-redis", False, None)


@at_each_size
async def test_all_faults_are_lifted_at_once(size: tuple[int, int]) -> None:
    async with running(size) as (pilot, catalogue):
        for key in ("1", "5"):
            await pilot.press("x", key)
            await until(pilot, lambda: not isinstance(pilot.app.screen, FaultScreen))
        await until(pilot, lambda: len(catalogue.faults.active) == 2)
        await pilot.press("x", "8")
        await until(pilot, lambda: not catalogue.faults.active and "FAULT:" not in screen_text(pilot.app))


async def test_the_movie_under_the_cursor_is_the_one_edited_behind_the_back() -> None:
    async with running((120, 40)) as (pilot, catalogue):
        await pilot.press("down")
        film = pilot.app.screen_stack[-1].query_one(MovieTable).current
        assert film is not None
        await pilot.press("x", "7")
        await until(pilot, lambda: catalogue.memory_faults.switched)
        assert catalogue.memory_faults.switched == [("edit-behind-the-back", True, film.id)]
        await until(pilot, lambda: "Edit behind the back is done." in screen_text(pilot.app))


async def test_a_refusal_is_said_in_words() -> None:
    async with running((120, 40)) as (pilot, catalogue):
        catalogue.memory_faults.refusing = FaultRefused("This Redis was given by URL.")
        await pilot.press("x", "1")
        await until(pilot, lambda: "This Redis was given by URL." in screen_text(pilot.app))
        await pilot.press("x", "escape")
        assert catalogue.memory_faults.switched == []


@at_each_size
async def test_the_last_known_state_is_dimmed_and_named_until_it_is_over(size: tuple[int, int]) -> None:
    async with running(size) as (pilot, catalogue):
        browse = pilot.app.screen
        catalogue.last_known = True
        await pilot.press("x", "6", "r")
        await until(pilot, lambda: "PostgreSQL is away: last known state" in screen_text(pilot.app))
        assert browse.has_class("-stale")
        await until(pilot, lambda: "FAULT:" in screen_text(pilot.app))
        catalogue.last_known = False
        await until(pilot, lambda: "away: last known state" not in screen_text(pilot.app))
        assert not browse.has_class("-stale")


@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_the_status_line_begins_with_the_fault_and_says_why_nothing_is_believed(width: int) -> None:
    feed = Feed()
    feed.faults = ("Redis paused", "store slower by 250 ms")
    feed.doubt = "another copy of the program cannot reach Redis, and has suspended the cache"
    feed.sample()
    line = status_line(feed.summary(), width)
    assert line_width(line) <= width
    assert line[0][1] == "fault"
    assert line[0][0].startswith(" FAULT: Redis")
    text = "".join(part for part, _ in line)
    assert ("Cache not believed: another copy" in text) == (width >= 80)
    assert "Redis ok" not in text


def test_without_a_fault_the_doubt_comes_first() -> None:
    feed = Feed()
    feed.doubt = "what Redis holds is still being looked at"
    feed.sample()
    text = "".join(part for part, _ in status_line(feed.summary(), 120))
    assert text.startswith(" Cache not believed: what Redis holds is still being looked at · cache-aside")
    feed.breaker, feed.problem = "open", "no answer"
    feed.sample()
    text = "".join(part for part, _ in status_line(feed.summary(), 120))
    assert text.startswith(" Redis away: reading from PostgreSQL")


def test_whoever_pauses_the_servers_and_is_asked_to_end_lets_them_go_first(state_dir: Path) -> None:
    with another_copy(state_dir, "redis", "postgresql") as keeper:
        ready(keeper, 2)
        servers = embedded_servers(StateFolder(state_dir))
        running = [found for server in servers.values() if (found := server.find()) is not None]
        command = [sys.executable, "-P", "-m", "tui", "--state-dir", str(state_dir)]
        known = {name: value for name, value in os.environ.items() if not name.startswith(("REELCACHE_", "REDIS_"))}
        with Terminal(command, {**known, "DATABASE_URL": ""}, (120, 40)) as terminal:
            terminal.until("x Faults", "17,472 movies", without="Loading", seconds=120)
            terminal.send("x6")
            terminal.until("FAULT: PostgreSQL paused")
            terminal.send("x1")
            terminal.until("FAULT: Redis paused, PostgreSQL paused")
            assert all(suspended(process) for process in running)
            terminal.process.terminate()
            assert terminal.until_ended() == 128 + signal.SIGTERM
        assert len(running) == 2
        assert not any(suspended(process) for process in running)
