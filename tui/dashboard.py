"""The dashboard as it is started: with its settings, its memory of earlier choices, and a terminal to stand on."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from core.errors import ReelcacheError
from core.settings import Settings
from core.sources import read_settings
from tui.remembered import Memory, default_memory_file
from tui.web import is_visitors_process


def dashboard_memory() -> Memory:
    """What the screen remembers."""
    return Memory(default_memory_file())


def can_be_shown() -> bool:
    """Whether there is a terminal, or a browser in its place."""
    on_terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__ or sys.stderr))
    return on_terminal or is_visitors_process()


def show(settings: Settings, memory: Memory) -> int:
    """Run the dashboard to its end; returns the exit code."""
    from tui.app import ReelcacheApp

    app = ReelcacheApp(settings, memory=memory)
    gc.freeze()
    gc.enable()
    return app.run() or 0


def shown_at_once(flags: dict[str, object], config: Path | None) -> int | None:
    """The same from the flags; None, and nothing was shown, where something is wrong with them or with the terminal."""
    memory = dashboard_memory()
    try:
        settings = read_settings(flags, config_file=config, fallbacks=memory.settings)
    except ReelcacheError:
        return None
    return show(settings, memory) if can_be_shown() else None
