"""Stage: a small app that shows one modal screen and keeps how it ended; and a save that fails when told to."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from textual.app import App, ComposeResult
from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from core.model import Movie, replace
from tui.screens.review import ReviewScreen
from tui.widgets.field_input import FieldInput

UNSET: Any = object()
PATIENCE: Final = 60.0
"""Seconds after which what a test waits for counts as not coming: much more than a busy machine takes."""


class Stage(App[None]):
    """Pushes a screen; `result` is what the screen ended with, UNSET while it is open."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._shown = screen
        self.result: Any = UNSET

    @asynccontextmanager
    async def run_test(self, **more: Any) -> AsyncGenerator[Pilot[None]]:
        """As usual, but not before the screen stands there: what it does once it is mounted is over."""
        async with super().run_test(**more) as pilot:
            await pilot.pause()
            yield pilot

    def compose(self) -> ComposeResult:
        yield Static("behind", markup=False)

    def on_mount(self) -> None:
        self.push_screen(self._shown, self._ended)

    def _ended(self, result: Any) -> None:
        self.result = result


class Shelf:
    """A save in memory: each call takes the next fault, if any is left, else stores."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.asked: list[Movie] = []

    async def save(self, movie: Movie) -> Movie:
        self.asked.append(movie)
        if self.faults:
            raise self.faults.pop(0)
        return replace(movie, version=movie.version + 1)


def screen_text(app: App[Any]) -> str:
    """What stands on the terminal, line by line."""
    # Textual has no public way to read the screen back.
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
    """Let the app run until the condition holds; fails when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it never came to that; the screen shows:\n{screen_text(pilot.app)}"
        await pilot.pause()


async def save_through_review(pilot: Pilot[Any], *keys: str) -> None:
    """Press these keys and save what the form then holds, through the review where it lets the save come to that."""
    await pilot.press(*keys, "ctrl+s")
    await pilot.pause()
    await pilot.pause()
    if isinstance(pilot.app.screen, ReviewScreen):
        await pilot.press("enter")
        await pilot.pause()


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Paste a text into the focused box, as a terminal does."""
    pilot.app.post_message(Paste(text))
    await pilot.pause()


def box(pilot: Pilot[Any], name: str) -> FieldInput:
    """The box of a field of the form."""
    return pilot.app.screen.query_one(f"#field-{name}", FieldInput)


async def fill(pilot: Pilot[Any], name: str, text: str) -> None:
    """Put another text into the box of a field."""
    box(pilot, name).focus()
    await pilot.pause()
    await pilot.press("ctrl+u")
    await type_text(pilot, text)
