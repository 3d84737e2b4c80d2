"""The dashboard as it is started: with its settings, its memory of earlier choices, and a terminal to stand on."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import CannotListen, ExtraMissing, SettingsError
from core.event_loop import run
from core.heap import give_back
from core.open import load_driver
from core.settings import Settings
from core.sources import read_settings
from core.telemetry import Telemetry
from tui.remembered import Memory, default_memory_file
from tui.session import Session
from tui.web import is_visitors_process

if TYPE_CHECKING:
    from tui.app import ReelcacheApp

_STANDS: Final = 3.0
"""Seconds after which the screen and its first rows are there."""
_BRIEF: Final = 0.001
"""Seconds for which a thread that loads modules keeps the event loop waiting. By itself Python has it wait 5 ms, for
each of the twenty answers that a store is opened with."""


def dashboard_memory() -> Memory:
    """What the screen remembers."""
    return Memory(default_memory_file())


def can_be_shown() -> bool:
    """Whether there is a terminal, or a browser in its place."""
    on_terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__ or sys.stderr))
    return on_terminal or is_visitors_process()


def show(settings: Settings, memory: Memory) -> int:
    """Run the dashboard to its end; returns the exit code.

    Raises CannotListen, ExtraMissing, SettingsError before anything is shown, where metrics cannot be told as wanted.
    """
    if is_visitors_process():
        settings = replace(settings, metrics=None, otel=False)
    with Telemetry(settings) as telemetry:
        # Not beside the screen, in a thread of its own: two that load at once hinder each other.
        load_driver(settings.store)
        return run(_shown(settings, memory, telemetry))


async def _shown(settings: Settings, memory: Memory, telemetry: Telemetry) -> int:
    # Textual's own 60 a second keep a key's frame waiting for up to 33 ms after one that it did not cause.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    session = Session(telemetry=telemetry)
    # Before the screen is loaded: servers start and connections are made meanwhile.
    session.start(settings)
    resting = asyncio.create_task(_garbage_rests())
    try:
        # In a thread, or the servers would wait for it.
        with _brief_turns():
            module = await asyncio.to_thread(importlib.import_module, "tui.app")
        gc.freeze()
        app: ReelcacheApp = module.ReelcacheApp(settings, memory=memory, session=session, telemetry=telemetry)
        return await app.run_async() or 0
    finally:
        resting.cancel()
        await asyncio.gather(resting, return_exceptions=True)
        await session.close()


@contextmanager
def _brief_turns() -> Iterator[None]:
    """Threads give way to each other sooner than Python has them do."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_BRIEF)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


async def _garbage_rests() -> None:
    """Look for garbage again once the screen stands, and only among what came since: to go through the rest, which
    stays, takes longer than a frame. What the screen left behind while it was built goes first, or it would stay, too:
    some megabytes."""
    await asyncio.sleep(_STANDS)
    gc.collect()
    gc.freeze()
    gc.enable()
    give_back()


def shown_at_once(flags: dict[str, object], config: Path | None) -> int | None:
    """The same from the flags; None, and nothing was shown, where something is wrong with them or with the terminal."""
    memory = dashboard_memory()
    try:
        settings = read_settings(flags, config_file=config, fallbacks=memory.settings)
        return show(settings, memory) if can_be_shown() else None
    except (SettingsError, CannotListen, ExtraMissing):
        return None
