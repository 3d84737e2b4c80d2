"""Help: the keys of what is in focus first, in panels, in the filter's box and in every dialog."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.binding import Binding
from textual.screen import ModalScreen

import tui.screens
from core.observe.stats import TraceLine
from tests.tui.desk import desk
from tests.tui.movies import ALIEN
from tests.tui.stage import Shelf, Stage, screen_text, until
from tui.actions import ACTIONS
from tui.keys_help import box_help, panel_help, panel_title
from tui.screens.ask import AskScreen
from tui.screens.edit import EditScreen
from tui.screens.help import HelpedScreen, HelpScreen, help_lines
from tui.screens.operation import OperationScreen
from tui.screens.strategies import StoreScreen
from tui.terms import HERE, TERMS
from tui.widgets.pane_tabs import PANES

SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "slash": "/",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "shift+up": "Shift+↑",
    "shift+down": "Shift+↓",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "ctrl+s": "^s",
    "ctrl+r": "^r",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "question_mark": "?",
    "exclamation_mark": "!",
    "f1": "F1",
}


def dialogs() -> list[type[ModalScreen[Any]]]:
    """Every dialog there is."""
    found = []
    for module in pkgutil.iter_modules(tui.screens.__path__, "tui.screens."):
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(kind, ModalScreen) and kind.__module__ == module.name:
                found.append(kind)
    return [kind for kind in found if kind not in (HelpScreen, HelpedScreen)]


def text_of(pane: str, width: int = 74) -> str:
    return "\n".join(line.plain for line in help_lines(panel_help(pane), width))


@pytest.mark.parametrize("pane", PANES)
def test_the_help_of_a_panel_begins_with_it_and_holds_every_key_once(pane: str) -> None:
    text = " ".join(text_of(pane).split())
    for action in ACTIONS:
        if action.shown and action.where != "start":
            assert text.count(f"{action.shown} {action.help}") == 1, action.id
    assert all(TERMS[word] in text for word in HERE[pane])
    assert text.index("Keys here") < text.index("Everywhere ·")


@pytest.mark.parametrize("width", [34, 54, 74, 100])
def test_no_line_of_help_is_too_long_and_sentences_stay_beside_their_keys(width: int) -> None:
    for pane in PANES:
        sections = (*panel_help(pane), *box_help())
        lines, headings = [line.plain for line in help_lines(sections, width)], [one.heading for one in sections]
        assert all(cell_len(line) <= width for line in lines)
        keys = lines[lines.index("Keys here") :]
        assert all(line.startswith("  ") or line in ("", *headings) for line in keys)


@pytest.mark.parametrize("kind", dialogs(), ids=lambda kind: kind.__name__)
def test_every_dialog_explains_each_of_its_keys(kind: type[ModalScreen[Any]]) -> None:
    assert issubclass(kind, HelpedScreen)
    assert kind.KEYS_OF
    explained = " ".join(f"{shown} {meaning}" for shown, meaning in kind.KEYS)
    words = explained.replace(".", " ").replace(";", " ").replace(":", " ").split()
    for binding in kind.__dict__.get("BINDINGS", ()):
        assert isinstance(binding, Binding)
        for key in binding.key.split(","):
            shown = SHOWN.get(key, key)
            assert shown in words or (shown.isdigit() and "… 9" in explained), (key, explained)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_question_mark_shows_the_keys_of_the_panel_in_focus(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        for number, pane in enumerate(PANES, 1):
            await at.press(str(number), "question_mark")
            await at.until(lambda: "Keys here" in at.text)
            assert panel_title(pane) in at.text
            await at.press("question_mark")
            assert at.app.focused is at.screen.query_one(f"#{pane}")
        await at.press("slash", *"al", "f1")
        await at.until(lambda: "Keys of the filter box" in at.text)
        await at.press("escape", *"i?")
        await at.until(lambda: "ali?" in at.text)


async def test_dialogs_show_their_own_keys_and_a_typed_question_mark_is_text() -> None:
    form = EditScreen(ALIEN, Shelf().save)
    async with Stage(form).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pilot.app.screen is form)
        await pilot.press("question_mark")
        await pilot.pause()
        assert form.draft.text("title") == f"{ALIEN.title}?"
        await pilot.press("f1")
        await until(pilot, lambda: "Keys of the form" in screen_text(pilot.app))
        assert "Give the field its old value back." in screen_text(pilot.app)
        await pilot.press("f1")
        await until(pilot, lambda: pilot.app.screen is form)
        assert form.draft.text("title") == f"{ALIEN.title}?"
    line = TraceLine(1, 1.0, "get", "Q1", "cache-aside", "redis", "hit", 7, 0.001)
    for dialog, keys in (
        (StoreScreen(("postgresql", "mongodb"), "postgresql"), "question_mark"),
        (OperationScreen(line, None), "question_mark"),
        (AskScreen("Filter the log", "words"), "f1"),
    ):
        stage = Stage(dialog)
        async with stage.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: pilot.app.screen is dialog)  # noqa: B023
            await pilot.press(keys)
            await until(pilot, lambda: f"Keys of {dialog.KEYS_OF}" in screen_text(pilot.app))  # noqa: B023
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is dialog)  # noqa: B023
