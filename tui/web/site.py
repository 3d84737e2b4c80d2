"""Site: the page with the dashboard, and the websocket that carries keys in and the screen out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import textual_serve
from aiohttp import WSMsgType, web

from tui.web.gate import WEBSOCKET, gate
from tui.web.visitor import Visitor

_PAGE: Final = Path(__file__).with_name("page")
_EMULATOR: Final = Path(textual_serve.__file__).with_name("static")
_LONGEST_MESSAGE: Final = 64 * 2**20
"""In bytes: what is pasted comes as one message."""


class Site:
    """Serves the page; each websocket is a visitor with a process of their own, started by `command`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], names: Collection[str]) -> None:
        """`environment` is what the processes get besides our own; `names` are host names that lead here."""
        self._command = tuple(command)
        self._environment = dict(environment)
        self._names = frozenset(names)
        self._visitors: set[Visitor] = set()

    def application(self) -> web.Application:
        application = web.Application(middlewares=[gate(self._names)])
        application.add_routes(
            [
                web.get("/", self._page),
                web.get(WEBSOCKET, self._websocket),
                web.static("/page", _PAGE),
                web.static("/emulator", _EMULATOR),
            ]
        )
        application.on_shutdown.append(self._end_visitors)
        return application

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(heartbeat=15, timeout=2, max_msg_size=_LONGEST_MESSAGE)
        await websocket.prepare(request)
        visitor = Visitor(self._command, self._environment, websocket)
        self._visitors.add(visitor)
        try:
            await visitor.start(_cells(request.query.get("width"), 80), _cells(request.query.get("height"), 24))
            await _relay(websocket, visitor)
        finally:
            await visitor.end()
            self._visitors.discard(visitor)
        return websocket

    async def _end_visitors(self, application: web.Application) -> None:
        await asyncio.gather(*(visitor.end() for visitor in self._visitors))


async def _relay(websocket: web.WebSocketResponse, visitor: Visitor) -> None:
    """Carry what the page sends to the process until the page goes, or says what no page of ours would."""
    async for message in websocket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            said = message.json()
        except ValueError:
            return
        match said:
            case ["stdin", str(keys)]:
                await visitor.send_bytes(keys.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await visitor.set_terminal_size(width, height)
            case ["focus"]:
                await visitor.focus()
            case ["blur"]:
                await visitor.blur()
            case ["ping", str(token)]:
                await websocket.send_json(["pong", token])


def _cells(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 5 else default
