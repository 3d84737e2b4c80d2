"""Visitor: the process of the program behind one browser tab."""

from __future__ import annotations

import asyncio
import shlex
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.web import DRIVER

GRACE_SECONDS: Final = 10.0
"""How long a process may take to close what it holds before it is killed. A killed copy loses nothing saved."""

_OF_ANOTHER_TERMINAL: Final = ("LINES",)


class Visitor(AppService):
    """Starts the program, carries its screen to the websocket, and sees to its end. `end` must be called."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], websocket: web.WebSocketResponse
    ) -> None:
        async def send(data: bytes) -> None:
            # What comes after the tab was closed is read and dropped: a process that nobody reads would stand still.
            with suppress(ConnectionError):
                await websocket.send_bytes(data)

        async def send_text(text: str) -> None:
            with suppress(ConnectionError):
                await websocket.send_str(text)

        async def close() -> None:
            await websocket.close()

        super().__init__(
            shlex.join(command),
            write_bytes=send,
            write_str=send_text,
            close=close,
            download_manager=DownloadManager(),
        )
        self._argv = tuple(command)
        self._environment = dict(environment)

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        inherited = super()._build_environment(width, height) | self._environment
        return {name: value for name, value in inherited.items() if name not in _OF_ANOTHER_TERMINAL} | {
            "TEXTUAL_DRIVER": DRIVER
        }

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        # No shell, so that the process is the program's own; and a session of its own, so that a Ctrl-C that ends the
        # server reaches this process as a request to leave, not twice.
        self._process = process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def end(self) -> None:
        """Ask the process to leave, and return once it is gone: killed, if it takes too long."""
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                if process.returncode is None:
                    await self.send_meta({"type": "quit"})
                if self._task is not None:
                    await asyncio.shield(self._task)
                await process.wait()
        except TimeoutError:
            pass  # it stands still
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
