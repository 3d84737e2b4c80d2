"""The dashboard as it is started: with its settings, its memory of earlier choices, and a terminal to stand on."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CannotListen, ExtraMissing, SettingsError
from core.settings import Settings
from core.sources import read_settings
from core.telemetry import Telemetry
from tui.remembered import Memory, default_memory_file
from tui.web import is_visitors_process

if TYPE_CHECKING:
    from tui.app import ReelcacheApp


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
        return asyncio.run(_shown(settings, memory, telemetry))


async def _shown(settings: Settings, memory: Memory, telemetry: Telemetry) -> int:
    async with _servers_beginning(settings):
        # In a thread, or the servers' start would wait for it.
        module = await asyncio.to_thread(importlib.import_module, "tui.app")
        app: ReelcacheApp = module.ReelcacheApp(settings, memory=memory, telemetry=telemetry)
        gc.freeze()
        gc.enable()
        return await app.run_async() or 0


@asynccontextmanager
async def _servers_beginning(settings: Settings) -> AsyncIterator[None]:
    """While the program is still being loaded, start the embedded servers that it will ask for, on the data that they
    have: it finds them running, or under way. What goes wrong here goes wrong there again, and is told there.

    As a copy of the program of its own it keeps them until the end. Where nothing is to be won it does nothing."""
    from core.servers.embedded import EmbeddedServers

    servers = EmbeddedServers(settings.state_dir, redis_maxmemory=settings.redis_maxmemory)
    store = servers.server("mongodb" if settings.store == "mongodb" else "postgresql")
    if settings.url(store.name) is not None or not store.data.exists() or store.socket.exists():
        yield
        return
    start = [servers.mongodb if store.name == "mongodb" else servers.postgresql]
    if settings.redis_url is None:
        start.append(servers.redis)
    beginning = asyncio.gather(*(each() for each in start), return_exceptions=True)
    try:
        yield
    finally:
        await beginning
        await servers.close()


def shown_at_once(flags: dict[str, object], config: Path | None) -> int | None:
    """The same from the flags; None, and nothing was shown, where something is wrong with them or with the terminal."""
    memory = dashboard_memory()
    try:
        settings = read_settings(flags, config_file=config, fallbacks=memory.settings)
        return show(settings, memory) if can_be_shown() else None
    except (SettingsError, CannotListen, ExtraMissing):
        return None
