"""`reelcache api`: the catalogue over HTTP, for programs."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn
from fastapi import FastAPI

from core import Settings, open_catalogue
from tui.api.application import application
from tui.listening import address_of, cannot_listen, is_loopback
from tui.terminal import endings

_GRACE: Final = 5
"""Seconds for answers under way once we are asked to end."""
_WAITING: Final = 1024
"""Connections that the system holds until they are accepted."""


async def serve(settings: Settings, *, host: str, port: int) -> int:
    """Serve the API until a signal asks us to end; returns the exit code.

    `port` 0 is any free one. Raises CannotListen, and what opening the catalogue raises."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    with await listening(host, port) as listener:
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


async def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises CannotListen."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_WAITING)
        except BaseException:
            listener.close()
            raise
    except OSError as problem:
        raise cannot_listen(problem, host, port) from None
    listener.setblocking(False)
    return listener


def _announce(host: str, port: int, store: str, strategy: str) -> None:
    address = address_of(host, port)
    typer.echo(f"Reelcache's API is at {address}/movies, over {store} by {strategy}. Ctrl-C ends it.")
    typer.echo(f"What it does is told at {address}/openapi.json. No password is asked.")
    if not is_loopback(host):
        typer.echo(
            f"Warning: whoever reaches {host} port {port} over the network can read, edit and delete every movie.\n"
            "  Nobody is asked for a password, and nothing is encrypted. Leave --host out to be reached from this "
            "machine alone.",
            err=True,
        )
