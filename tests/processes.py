"""Servers of a test's own: started, waited for, and gone afterwards whatever happens."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

import psutil

_PORTS: Final = range(20_000, 32_768)
"""Below those that systems give to whoever asks for any: a test beside this one, or any connection, would get one of
them before the server does that it was looked for."""


def free_port() -> int:
    """A port that nobody listens on, nor gets by chance."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


async def holds(condition: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Return once this is so. Raises TimeoutError where it never is."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


def hold(*numbers: int) -> None:
    """Let these processes stand still until SIGCONT; returns when all do."""
    for number in numbers:
        os.kill(number, signal.SIGSTOP)
    # The signal is delivered some time after it was sent.
    deadline = time.monotonic() + 60
    while not all(psutil.Process(number).status() == psutil.STATUS_STOPPED for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.001)


class ServerProcess:
    """One process, which may be killed and started again. It belongs to no event loop."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._output: BinaryIO | None = None

    async def start(
        self,
        *words: str | Path,
        answers: Callable[[], Awaitable[object]],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Run this program with these words, in this folder; returns when it answers."""
        self._launch(words, environment, folder)

        async def answered() -> bool:
            assert self.lives, self._said()
            return bool(await answers())

        await holds(answered)

    @property
    def lives(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def number(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self._process is not None and self.lives:
            self._process.send_signal(number)

    def hold(self) -> None:
        """Let it stand still until SIGCONT; returns when it does."""
        self.send(signal.SIGSTOP)
        # The signal is delivered some time after it was sent.
        os.waitid(os.P_PID, self.number, os.WSTOPPED | os.WNOWAIT)

    async def kill(self) -> None:
        """kill -9, stopped or not."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._output is not None:
            self._output.close()

    def _launch(self, words: Sequence[str | Path], environment: Mapping[str, str] | None, folder: Path | None) -> None:
        self._output = output = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # read where it does not start
        self._process = subprocess.Popen(words, env=environment, cwd=folder, stdout=output, stderr=output)

    def _said(self) -> str:
        if self._output is None:
            return "not started"
        self._output.seek(0)
        return self._output.read().decode(errors="replace")


class Running:
    """What runs in a folder of its own: a context that leaves nothing behind."""

    def __init__(self) -> None:
        # Not pytest's own folder: a socket's path has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="rc"))

    async def start(self) -> None:
        """Start it; returns when it answers."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Kill it, started or not."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(*servers: Running) -> Iterator[None]:
    """They run for several tests, which have an event loop each."""
    with asyncio.Runner() as runner:
        try:
            runner.run(_started(servers))
            yield
        finally:
            for server in servers:
                runner.run(server.__aexit__(None, None, None))


async def _started(servers: Sequence[Running]) -> None:
    await asyncio.gather(*(server.start() for server in servers))
