"""Rough use: signals, stops, closed terminals, tiny sizes, huge pastes and hammered keys, in the screen's states."""

from __future__ import annotations

import os
import random
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from textual import events

from core.errors import StoreUnavailable
from core.query import LONGEST_TEXT
from tests.tui.desk import desk
from tests.tui.terminal import Terminal
from tui.problems import LOG_NAME
from tui.screens.browse import BrowseScreen
from tui.screens.confirm import ConfirmScreen
from tui.widgets.field_input import FieldInput
from tui.widgets.filter_bar import BoundedInput

ESC, ENTER = "\x1b", "\r"
C, S, U, Z = "\x03", "\x13", "\x15", "\x1a"
CHANGED: Final = (("e", "Nothing changed yet"), (f"{U}Changed", "1 change"))
EXPORT: Final = "Exporting 500 of 2,000"
REVIEWED: Final = (*CHANGED, (S, "enter save"))
STATES: Final[dict[str, tuple[str, Sequence[tuple[str, str]]]]] = {
    "opening": ("opening", [("", "starting")]),
    "failing": ("failing", [("", "it is away")]),
    "filter typed": ("", [("", "2,000 movies"), ("/movie 00001", "of 2,000 match")]),
    "saving": ("saving", [("", "2,000 movies"), *REVIEWED, (ENTER, "Saving")]),
    "conflict": ("conflict", [("", "2,000 movies"), *REVIEWED, (ENTER, "Another title")]),
    "visitors": ("", [("", "2,000 movies"), ("V", "Visitors")]),
    # In one go, as over a slow line: what is typed must come behind the old name, not before it.
    "exporting": (
        "exporting",
        [("", "2,000 movies"), ("E", "The name of a file"), (f"{U}FOLDER/a.csv{ENTER}", EXPORT)],
    ),
}


def program(state: str = "") -> Terminal:
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_THEME"}
    return Terminal([sys.executable, "-m", "tests.tui.program", state], environment, (120, 40))


def unforeseen(folder: Path) -> bool:
    """Whether an error was met that has no words of its own."""
    return (folder / LOG_NAME).exists()


def undone(terminal: Terminal) -> list[str]:
    return [what for what, restored in terminal.restored.items() if not restored]


@pytest.mark.parametrize("name", STATES)
def test_whoever_ends_it_finds_the_terminal_restored(name: str, tmp_path: Path) -> None:
    state, steps = STATES[name]
    with program(state) as ended, program(state) as cut:
        for terminal in (ended, cut):
            for keys, shows in steps:
                terminal.send(keys.replace("FOLDER", str(tmp_path)))
                terminal.until(shows)
        ended.resize(20, 5)
        ended.until_drawn()
        ended.resize(120, 40)
        ended.until(steps[-1][1])
        ended.process.send_signal(signal.SIGTERM)
        ended.process.send_signal(signal.SIGCONT)  # as whoever ends what may be stopped does
        cut.hang_up()
        assert ended.until_ended() == 128 + signal.SIGTERM
        assert cut.until_ended() == 128 + signal.SIGHUP
        assert undone(ended) == []
        assert "Traceback" not in ended.text
    assert list(tmp_path.iterdir()) == [], "no export is left half written"


def test_it_can_be_stopped_and_brought_back_in_the_middle_of_an_edit() -> None:
    command = shlex.join((sys.executable, "-m", "tests.tui.program"))
    with Terminal(["bash", "--norc", "-i"], {**os.environ, "PS1": "ready> "}, (120, 40)) as terminal:
        terminal.until("ready>")
        terminal.send(f"{command}\r")
        terminal.until("2,000 movies")
        for keys, shows in CHANGED:
            terminal.send(keys)
            terminal.until(shows)
        terminal.send(Z)
        terminal.until("Stopped", "ready>")
        assert set(undone(terminal)) <= {"settings"}, "which the shell has its own of"
        terminal.send("fg\r")
        terminal.until("1 change", without="Stopped")
        terminal.send(" again")
        terminal.until("Changed again")
        terminal.send(Z)
        terminal.until("Stopped", "ready>")
        terminal.send("clear; bg; until jobs | grep S[t]opped; do sleep 0.1; done\r")
        terminal.until("Stopped", "ready>")
        terminal.send("clear; set -b; kill %%\r")
        terminal.until("Exit 143")
        assert set(undone(terminal)) <= {"settings"}
        terminal.send("exit\r")
        terminal.until_ended()


def test_without_a_shell_it_stays() -> None:
    with program() as terminal:
        terminal.until("2,000 movies")
        terminal.send(f"e{Z}")
        terminal.until("There is no shell here", "Nothing changed yet")
        terminal.send(C)
        terminal.until("Esc goes back, then q quits.")
        terminal.send(ESC)
        terminal.until("2,000 movies", without="Nothing changed yet")
        with terminal.taken_again():  # What was typed before that is thrown away.
            os.kill(terminal.process.pid, signal.SIGSTOP)
            os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.send("q")
        assert terminal.until_ended() == 0
        assert undone(terminal) == []


def test_a_megabyte_pasted_and_many_dialogs_at_once() -> None:
    with program() as terminal:
        terminal.until("2,000 movies")
        terminal.send("/")
        terminal.until("words, or genre:horror")
        terminal.send(f"\x1b[200~{'x y' * 350_000}\x1b[201~")
        terminal.until("Only the beginning of 1,050,000", seconds=120)  # it takes ten of one core
        terminal.send(ESC)
        terminal.until("2,000 movies")
        terminal.send("ec?Vx:'LE/ty")
        assert left(terminal) == 0
        assert undone(terminal) == []


def left(terminal: Terminal) -> int:
    """Leave the program by keyboard, whatever boxes it shows: some may still be opening, and take the next key.

    Returns its exit code."""
    deadline, way_out = time.monotonic() + 120, ESC
    while not terminal.ended:
        assert time.monotonic() < deadline, f"there is no way out of\n{terminal.text}"
        if "keep editing" in terminal.text:
            terminal.send("y")
        elif "2,000 movies" in terminal.text and "esc " not in terminal.text:
            terminal.send(way_out)
            way_out = "q" if way_out == ESC else ESC  # a box that opened meanwhile takes the q for text
        else:
            terminal.send(ESC)
        terminal.until_drawn()  # an Esc that is followed at once is another key
    return terminal.until_ended()


@pytest.mark.parametrize("opener", ["slash", "colon", "apostrophe", "y", "L", "E", "e"])
async def test_a_paste_that_does_not_fit_says_so_in_every_box(tmp_path: Path, opener: str) -> None:
    async with desk(tmp_path) as at:
        await at.press(opener)
        await at.until(lambda: isinstance(at.app.focused, BoundedInput | FieldInput))
        box = at.app.focused
        assert isinstance(box, BoundedInput | FieldInput)
        box.post_message(events.Paste("\x1b[2J abc\n" * 125_000))
        said = "took no paste of 1,125,000 characters" if opener == "e" else "Only the beginning of 1,125,000"
        await at.until(lambda: said in at.text)
        assert len(box.value) <= LONGEST_TEXT
        assert "\x1b" not in box.value
        at.app.clear_notifications()
        if isinstance(box, BoundedInput):
            box.value = ""
            box.post_message(events.Paste("abc\ndef"))
            await at.until(lambda: box.value == "abc def")
            assert at.toasts() == ""


async def test_keys_hammered_while_the_store_is_away(tmp_path: Path) -> None:
    names = {":": "colon", "'": "apostrophe", "/": "slash", "?": "question_mark"}
    letters = (names.get(letter, letter) for letter in "jkgGhlvmMYE:'eaDu/ysSctxV123456fHwpCLr?nb")
    keys = [*letters, "enter", "escape", "tab", "pagedown", "f1"]
    chosen = random.Random(4)
    async with desk(tmp_path) as at:
        at.catalogue.failing = StoreUnavailable("PostgreSQL", "it is away", remedy="Start it.")
        at.catalogue.cache_problem = "no answer"
        await at.pilot.press(*chosen.choices(keys, k=120))
        at.catalogue.failing = at.catalogue.cache_problem = None
        for _ in range(30):
            if isinstance(at.app.screen, BrowseScreen) and not isinstance(at.app.focused, BoundedInput):
                break
            await at.press("escape")
            if isinstance(at.app.screen, ConfirmScreen):
                await at.press("y")
        await at.press("r")
        await at.until(lambda: at.table.window.total is not None and not at.screen.has_class("-stale"))
    assert not unforeseen(tmp_path)
