"""What the commonest tasks cost in keys and seconds: `python -m tests.bench.tasks` does them in a real terminal.

`program` is from the first key to the screen that ends the task, the keys sent without a pause; `person` adds what an
average typist takes for the keys, 0.28 s each (Card, Moran and Newell, The Keystroke-Level Model, 1980), without the
time to think. Nothing is asserted: what a machine takes is its own affair.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tui.terminal import Terminal

KEY_SECONDS: Final = 0.28
ENTER, TAB, ESCAPE, SAVE = "\r", "\t", "\x1b", "\x13"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person waits to see before the next key."""

    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task, its keys in the order pressed, and what then stands on the screen (and what no longer does)."""

    name: str
    keys: tuple[str | Seen, ...]
    ends_with: tuple[str, ...]
    without: str | None = None
    undo: tuple[tuple[str, str], ...] = ()
    """Pressed afterwards, uncounted, for the next task to begin where this one did; what each leads to."""


ALL: Final = "17,472 movies · title"
TASKS: Final = (
    Task("go to the last movie", ("G",), ("17,472  ",), undo=(("g", "!Women Art"),)),
    Task(
        "find a film by words of its title",
        ("/", *"resurrec", ENTER),
        ("Alien Resurrection", " 9 movies"),
        undo=((ESCAPE, ALL),),
    ),
    Task("go to a title", ("'", *"blade run", ENTER), ("Blade Runner",), undo=(("g", "!Women Art"),)),
    Task(
        "filter by genre and years",
        ("/", *"genre:hor", TAB, *" year:1979..1989", ENTER),
        ("Horror · 1979-1989  ",),
        without=ALL,
        undo=((ESCAPE, "1,922 movies · title"), (ESCAPE, ALL)),
    ),
    Task("sort by year, newest first", ("s",), ("17,472 movies · year ▼",)),
    Task("see a film in full", (ENTER,), ("Details · ",), undo=((ESCAPE, "1 Movies"),)),
    Task(
        "change a title",
        ("e", Seen("Edit · "), "!", SAVE, Seen("enter save"), ENTER),
        ("is saved in",),
        without="Edit · ",
    ),
    Task("take the change back", ("u", Seen("enter undo"), ENTER), ("Undone",)),
    Task(
        "switch the strategy",
        ("c", "2"),
        ("▸write-through", "write-through · Po"),
        without="Caching strategy",
    ),
    Task("export what the filter shows", ("E", Seen("enter done"), ENTER), ("movies.csv.",)),
)


def main() -> None:
    """Do every task once on the shipped movies, PostgreSQL behind Redis, and print what it took."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    environment = {**os.environ, "HOME": str(folder)}
    environment["PYTHONPATH"] = os.getcwd()
    command = [sys.executable, "-P", "-m", "tui", "--state-dir", str(folder / "s")]
    os.chdir(folder)  # exports go there
    with Terminal(command, environment, (120, 40)) as terminal:
        began = time.perf_counter()
        terminal.until("1 Movies", "title ▲", seconds=60)
        _say("first rows, everything to be made", 0, time.perf_counter() - began)
        terminal.until("17,472 movies · title ▲", without="Loading", seconds=90)
        for task in TASKS:
            began = time.perf_counter()
            for key in task.keys:
                if isinstance(key, Seen):
                    terminal.until(key.text)
                else:
                    terminal.send(key)
            terminal.until(*task.ends_with, without=task.without)
            _say(task.name, sum(isinstance(key, str) for key in task.keys), time.perf_counter() - began)
            for key, then in task.undo:
                terminal.send(key)
                terminal.until(then, without=task.ends_with[0])
        terminal.send("q")
        terminal.until_ended()
    shutil.rmtree(folder)


def _say(name: str, keys: int, took: float) -> None:
    sys.stdout.write(f"{name:40}{keys:4} keys{took:8.2f} s program{took + keys * KEY_SECONDS:8.1f} s person\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
