"""Endpoint: where Prometheus finds the metrics of this program while it runs. Imported only where that is wanted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from core.observe.prometheus import CONTENT_TYPE, exposition
from core.observe.stats import Stats


@asynccontextmanager
async def served(listening: socket.socket, stats: Callable[[], Stats]) -> AsyncIterator[None]:
    """Answer GET /metrics on this socket, which stays its owner's; each answer is of a snapshot of its own."""

    async def metrics(request: web.Request) -> web.Response:
        # Writing the text takes as long as a hundred reads: they need not wait for it.
        text = await asyncio.to_thread(exposition, stats())
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def index(request: web.Request) -> web.Response:
        return web.Response(text="The metrics are at /metrics.\n")

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/", index)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening.dup()).start()
        yield
    finally:
        await runner.cleanup()
