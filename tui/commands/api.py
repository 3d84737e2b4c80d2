"""`reelcache api`: the catalogue over HTTP, for programs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn
from fastapi import FastAPI

from core import Settings, open_catalogue
from core.listening import Address, as_flags, listening
from tui.api.application import application
from tui.terminal import endings

_GRACE: Final = 5
"""Seconds for answers under way once we are asked to end."""


async def serve(settings: Settings, *, host: str, port: int) -> int:
    """Serve the API until a signal asks us to end; returns the exit code.

    `port` 0 is any free one. Raises CannotListen, and what opening the catalogue raises."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    with listening(Address(host, port), as_flags) as listener:
        listener.setblocking(False)
        async with open_catalogue(settings) as catalogue:
            await catalogue.ready()
            server = ApiServer(application(catalogue, {"localhost", host.lower()}))
            code = 0

            def leave(asked: int) -> None:
                nonlocal code
                code = code or asked
                server.should_exit = True

            with endings(asyncio.get_running_loop(), leave):
                _announce(host, listener.getsockname()[1], catalogue.store, catalogue.strategy)
                await server.serve(sockets=[listener])
    return code


class ApiServer(uvicorn.Server):
    """Serves an application until `should_exit` is set. Signals are left to whoever sets it: uvicorn would send itself
    each again in the end, and be killed by it."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _announce(host: str, port: int, store: str, strategy: str) -> None:
    address = Address(host, port)
    typer.echo(f"Reelcache's API is at http://{address}/movies, over {store} by {strategy}. Ctrl-C ends it.")
    typer.echo(f"What it does is told at http://{address}/openapi.json. No password is asked.")
    if not address.local:
        typer.echo(
            f"Warning: whoever reaches {host} port {port} over the network can read, edit and delete every movie.\n"
            "  Nobody is asked for a password, and nothing is encrypted. Leave --host out to be reached from this "
            "machine alone.",
            err=True,
        )
