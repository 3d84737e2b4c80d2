"""The tour: one visit to the real program in a real terminal, from the first start to the last key."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tui.terminal import Terminal

HOME, END, PAGE_DOWN, ESCAPE, ENTER = "\x1b[H", "\x1b[F", "\x1b[6~", "\x1b", "\r"
CTRL_S = "\x13"
WHEEL_UP = "\x1b[<64;20;10M"


def servers_of(state_dir: Path) -> dict[str, psutil.Process]:
    """The servers that run in a state folder, by the name of their program."""
    return {
        process.info["name"]: process
        for process in psutil.process_iter(["name", "cmdline"])
        if str(state_dir / "servers") in " ".join(process.info["cmdline"] or ())
    }


@pytest.fixture
def terminal(state_dir: Path) -> Iterator[Terminal]:
    """The program in a terminal of 120 columns and 40 rows, on an empty state folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REELCACHE_", "REDIS_", "MONGO_", "TEXTUAL"))
        and name not in ("DATABASE_URL", "NO_COLOR")
    }
    command = [sys.executable, "-P", "-m", "tui", "--state-dir", str(state_dir)]
    with Terminal(command, environment, (120, 40)) as terminal:
        yield terminal
    for server in servers_of(state_dir).values():
        server.kill()
        server.wait()


def test_the_tour(terminal: Terminal, state_dir: Path) -> None:
    at = terminal
    # What stands there for a moment is looked for in all that was written: nobody may look at that moment.
    at.until_written(b"Reelcache")
    at.until_written(b"Loading the shipped catalogue", seconds=120)
    at.until("1 Movies", "cache-aside · PostgreSQL", "17,472 movies · title ▲", without="Loading", seconds=240)

    at.send(END)
    at.until("17,472  ")
    at.send(WHEEL_UP * 20)
    at.until("1 Movies", without="17,472  ")
    at.send(HOME)
    at.until("!Women Art Revolution")

    at.send("/alien")  # in one go, as over a slow line
    at.until("Filter  alien", "Filter “alien”", "of 17,472 match", "Alien Resurrection")
    at.send(ENTER)
    at.until("/ Filter")
    at.until("of 24 movies")
    at.click("Sci-Fi      17")
    at.until("Filter “alien” · Sci-Fi  ", without="Alien Girl")
    at.send("y1979-1986" + ENTER)
    at.until("Filter “alien” · Sci-Fi · 1979-1986", "Aliens", without="Alien Resurrection")
    for left in ("Filter Sci-Fi · 1979-1986  ", "Filter Sci-Fi  ", "title ▲"):
        at.send(ESCAPE)
        at.until(left)
    at.until("17,472 movies", without="Esc clears")
    at.send("s")
    at.until("17,472 movies · year ▼")
    at.click("Year ▼")
    at.until("17,472 movies · year ▲")

    at.send("c")
    at.until("Caching strategy", "◂ in force")
    at.send("2")
    at.until("write-through · PostgreSQL", "▸write-through", without="Caching strategy")
    at.send("t")
    at.until("Documents in the shape of sample_mflix")
    switched = at.written
    at.send("2")
    at.until("write-through · MongoDB", "▸mongodb", seconds=240)
    # The rows of before stand there until the first of the new store are read.
    at.until_written(b"Loading the shipped catalogue", since=switched)
    at.until("17,472 movies · year ▲", without="Loading", seconds=240)

    at.send(":Q103569" + ENTER)
    at.until("Alien  ", without="Enter Keep")
    at.send(ENTER)
    at.until("Details · Alien (1979)", "Ridley Scott")
    at.send("e")
    at.until("Edit · Alien", "Nothing changed yet.")
    at.send("!")
    at.until("1 change", "was Alien", "ctrl+s saves 1 change")
    at.send(CTRL_S)
    at.until("→", "enter save")
    at.send(ENTER)
    at.until_written("“Alien!” is saved in MongoDB.".encode())
    at.until("Alien!  ", without="Edit · Alien")

    servers_of(state_dir)["redis-server"].kill()
    at.send(PAGE_DOWN)
    at.until_written(b"Redis away: reading from MongoDB")
    at.send(PAGE_DOWN + END)
    at.until("17,472  ")
    at.until("Redis ok")

    at.send("q")
    assert at.until_ended() == 0
    assert all(at.restored.values()), at.restored
    assert servers_of(state_dir) == {}
