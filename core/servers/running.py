"""Running: the process of an embedded server, found or started, waited for, held still and ended."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from core.errors import ServerFailed
from core.servers import process as processes
from core.servers.binaries import MISSING, TITLES, Binary, find_binary
from core.servers.diagnosis import diagnose
from core.servers.unbroken import unbroken

if TYPE_CHECKING:
    from core.servers.server import Server


class Running:
    """The process of one server, whoever started it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._state = server.state
        self._title = TITLES[server.name]
        self._process: psutil.Process | None = None
        """That which served us; None before it was looked for."""
        self._paused: tuple[psutil.Process, int] | None = None
        """The process that we hold still, and the lock that says so to other copies for as long as we live."""

    async def begin(self) -> None:
        """Have one that answers: that which is there, or a new one. Raises ServerFailed."""
        self._process = await self._adopt() or await self._start()

    def find(self) -> psutil.Process | None:
        """That of the record, or one that looks like it."""
        return processes.find(self._server.record, self._server.program, self._server.mark)

    def has_died(self) -> bool:
        """Whether that which served is gone."""
        self._process = self._process or self.find()
        return self._process is None or not processes.alive(self._process)

    async def end(self, process: psutil.Process) -> None:
        """End it in order. Raises ServerFailed where it is not ours to end."""
        try:
            await processes.end(process, self._server.farewell, seconds=15.0)
        except psutil.AccessDenied:
            raise ServerFailed(
                self._title, f"process {process.pid} belongs to another user and cannot be ended"
            ) from None
        self._server.record.unlink(missing_ok=True)
        self._process = None

    # ------------------------------------------------------------------------------------------------ broken on purpose

    @property
    def paused(self) -> bool:
        """Whether we hold it still."""
        return self._paused is not None

    async def pause(self) -> None:
        """See `Server.pause`."""
        process = self._found()
        claim = self._state.claim(self._pause)
        if claim is None:
            raise self._held_still()
        self._paused = process, claim
        await processes.suspend(process)
        if self._paused is None:
            processes.resume(process)  # it was lifted before all stood still

    def resume(self) -> None:
        """See `Server.resume`."""
        if self._paused is not None:
            process, claim = self._paused
            self._paused = None
            processes.resume(process)
            os.close(claim)

    def kill(self) -> None:
        """See `Server.kill`."""
        process = self._found()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        self.resume()

    @property
    def _pause(self) -> str:
        return f"{self._server.name}-paused"

    def _found(self) -> psutil.Process:
        process = self.find()
        if process is None:
            raise ServerFailed(self._title, "it does not run")
        return process

    def _held_still(self) -> ServerFailed:
        whose = "" if self.paused else " of another copy of the program"
        return ServerFailed(
            self._title, f"a fault switch{whose} holds it still", remedy="Lift the fault there, or end that copy."
        )

    def _let_go(self, process: psutil.Process) -> None:
        """Resume what a copy held still that was killed. Raises ServerFailed where a living copy holds it."""
        if processes.suspended(process):
            claim = self._state.claim(self._pause)
            if claim is None:
                raise self._held_still()
            processes.resume(process)
            os.close(claim)

    # -------------------------------------------------------------------------------------------- found, or started

    async def _adopt(self) -> psutil.Process | None:
        process = await asyncio.to_thread(self.find)
        if process is None:
            return None
        server = self._server
        server.say("starting", f"found running as process {process.pid}")
        await asyncio.to_thread(self._let_go, process)
        while processes.alive(process) and not server.socket.exists():
            if time.time() - process.create_time() > server.patience:
                # A cleaner of temporary files took its socket away: nobody can reach it any more.
                server.say("starting", f"process {process.pid} has lost its socket, ending it")
                await unbroken(self.end(process))
                return None
            await asyncio.sleep(0.01)
        if not await self._ready(process):
            return None
        server.say("ready", f"already running as process {process.pid}")
        return process

    async def _start(self) -> psutil.Process:
        server = self._server
        binary = await asyncio.to_thread(find_binary, server.name)
        if binary is None:
            raise ServerFailed(self._title, "it is not installed", remedy=MISSING[server.name])
        await server.prepare(binary)
        server.say("starting", f"starting {binary.path.name}")
        try:
            process = await unbroken(asyncio.to_thread(self._launch, binary))
        except OSError as problem:
            reason, remedy = diagnose(server.name, f"{binary.path}: {problem.strerror or problem}")
            raise ServerFailed(self._title, reason, remedy=remedy) from None
        try:
            if not await self._ready(process):
                raise self._died()
        except ServerFailed:
            await unbroken(self.end(process))
            raise
        server.say("ready", f"process {process.pid}")
        return process

    def _launch(self, binary: Binary) -> psutil.Process:
        # A variable such as PGPORT would change what our words mean; the logs are to be in English.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"
        command = self._server.command(binary)
        return processes.launch(command, log=self._server.log, record=self._server.record, environment=environment)

    async def _ready(self, process: psutil.Process) -> bool:
        """Wait until it answers; False when it died meanwhile. Raises ServerFailed when its time is over."""
        clock, patience = asyncio.get_running_loop().time, self._server.patience
        deadline = clock() + patience
        while not await self._server.answers():
            if not processes.alive(process):
                return False
            if clock() > deadline:
                raise ServerFailed(
                    self._title,
                    f"process {process.pid} runs but did not answer within {patience:.0f} seconds",
                    remedy=f"See {self._server.log}; end it with `reelcache stop`, then try again.",
                )
            await asyncio.sleep(0.01)
        return True

    def _died(self) -> ServerFailed:
        log = self._server.log
        said = log.read_text("utf-8", "replace") if log.exists() else ""
        reason, remedy = diagnose(self._server.name, said)
        return ServerFailed(self._title, f"it ended at once: {reason}", remedy=f"{remedy} See {log}.".strip())
