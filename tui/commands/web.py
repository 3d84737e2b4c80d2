"""`reelcache web`: the dashboard in a browser."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import typer
from aiohttp import web

from core.listening import Address, as_flags, cannot_listen
from core.sources import ENVIRONMENT
from tui.terminal import endings
from tui.web.site import Site

_PROGRAM: Final = (sys.executable, "-P", "-m", "tui")


async def serve(flags: Mapping[str, object], config: Path | None, *, host: str, port: int) -> int:
    """Serve the dashboard until a signal asks us to end; returns the exit code.

    `flags` and `config` hold for each visitor's process. They go there by its environment, where no other account sees
    a password. `port` 0 is any free one. Raises CannotListen."""
    command = (*_PROGRAM, *(("--config", str(config)) if config is not None else ()))
    environment = {ENVIRONMENT[name][0]: str(value) for name, value in flags.items() if value is not None}
    loop = asyncio.get_running_loop()
    leaving: asyncio.Future[int] = loop.create_future()
    runner = web.AppRunner(Site(command, environment, {"localhost", host.lower()}).application(), access_log=None)
    with endings(loop, lambda code: None if leaving.done() else leaving.set_result(code)):
        await runner.setup()
        try:
            await _listen(runner, host, port)
            _announce(host, runner.addresses[0][1])
            return await leaving
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as problem:
        raise cannot_listen(problem, Address(host, port), as_flags) from None


def _announce(host: str, port: int) -> None:
    address = Address(host, port)
    typer.echo(f"Reelcache is at http://{address} - each tab is a copy of its own. Ctrl-C ends them all.")
    typer.echo("No password is asked: whoever is logged in to this machine can open it, too.")
    if not address.local:
        typer.echo(
            f"Warning: whoever reaches {host} port {port} over the network can browse, edit and delete as you can, and "
            "write files as you.\n  Nobody is asked for a password, and nothing is encrypted. "
            "Leave --host out to be reached from this machine alone.",
            err=True,
        )
