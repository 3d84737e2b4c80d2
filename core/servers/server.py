"""Server: one embedded server of a state folder. What all three have in common: start, adopt, wait, end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Literal

import msgspec
import psutil

from core.errors import ReelcacheError, ServerFailed
from core.servers import process as processes
from core.servers.binaries import MISSING, TITLES, Binary, ServerName, find_binary
from core.servers.diagnosis import diagnose
from core.servers.state import StateFolder
from core.servers.unbroken import unbroken

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
"""A random name of this start of this machine, where the system gives one."""
ServerState = Literal["starting", "ready", "failed", "stopping", "stopped"]


class ServerStep(msgspec.Struct, frozen=True):
    """What one server is doing now, and for how many seconds it has been at it."""

    server: ServerName
    state: ServerState
    detail: str
    seconds: float


Report = Callable[[ServerStep], object]


class Server(ABC):
    """One embedded server. `serve` may be called again at any time: it starts what is missing or dead."""

    name: ClassVar[ServerName]
    program: ClassVar[str]
    """The name of its process."""
    farewell: ClassVar[signal.Signals]
    """The signal that ends it in order, nothing lost."""
    new_data: ClassVar[int] = 0
    """Bytes that its first data take."""
    patience: ClassVar[float]
    """Seconds within which it answers after a start, recovery from a crash included."""

    def __init__(self, state: StateFolder, report: Report | None = None) -> None:
        self.state = state
        self._report = report
        self._process: psutil.Process | None = None
        self._paused: tuple[psutil.Process, int] | None = None
        """The process that we hold still, and the lock that says so to other copies for as long as we live."""
        self._since = 0.0

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self.state.servers / self.name

    @property
    def place(self) -> str:
        """Tells this folder, on this machine since its start, from any other anywhere: one server at most runs in it.
        Empty where that cannot be told."""
        try:
            folder, boot = self.data.stat(), _BOOT.read_text("ascii").strip()
        except OSError:
            return ""
        return f"{boot} {folder.st_dev}.{folder.st_ino}"

    @property
    def log(self) -> Path:
        """What it said since its last start."""
        return self.state.servers / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """Which process serves."""
        return self.state.servers / f"{self.name}.json"

    @property
    @abstractmethod
    def socket(self) -> Path:
        """The socket that clients connect to."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it serves, as its driver wants it written."""

    @property
    @abstractmethod
    def mark(self) -> str:
        """The word on its command line that no other server has."""

    @abstractmethod
    async def prepare(self, binary: Binary) -> None:
        """Make the data folder where it is missing, all or nothing."""

    @abstractmethod
    def command(self, binary: Binary) -> list[str]:
        """The command that runs it in the foreground."""

    @abstractmethod
    async def answers(self) -> bool:
        """Try once to make it ready for us; False when it does not answer yet."""

    async def serve(self) -> str:
        """Its URL, once it answers. Raises ServerFailed, and SettingsError on a state folder that fails it."""
        # A process that was just killed still looks alive for a moment, but answers no more.
        if self._process is None or not processes.alive(self._process) or not await self.answers():
            self._since = asyncio.get_running_loop().time()
            try:
                async with self.state.locked(self.name):
                    self._process = await self._adopt() or await self._start()
            except (ReelcacheError, OSError) as problem:
                known = self.state.unusable(problem) if isinstance(problem, OSError) else problem
                self.say("failed", str(known))
                raise known from None
        return self.url

    async def stop(self) -> int | None:
        """End it in order, whoever started it; returns its process number, None when it did not run."""
        self._since = asyncio.get_running_loop().time()
        process = await asyncio.to_thread(self.find)
        if process is None:
            return None
        self.say("stopping", f"process {process.pid}")
        await self._end(process)
        self.say("stopped", f"process {process.pid}")
        return process.pid

    def find(self) -> psutil.Process | None:
        """Its process, whoever started it."""
        return processes.find(self.record, self.program, self.mark)

    def has_died(self) -> bool:
        """Whether it served us and its process is gone. Costs a look into the process table."""
        return self._process is not None and not processes.alive(self._process)

    # ------------------------------------------------------------------------------------------------ broken on purpose

    @property
    def paused(self) -> bool:
        """Whether this copy of the program holds it still."""
        return self._paused is not None

    def pause(self) -> None:
        """Hold all of its processes still until `resume`; when this copy dies without, the next to adopt it resumes it.

        Raises ServerFailed where it does not run or is held still already."""
        process = self._running()
        claim = self.state.claim(self._pause)
        if claim is None:
            raise self._held_still()
        processes.suspend(process)
        self._paused = process, claim

    def resume(self) -> None:
        """Let go what `pause` holds; nothing when that is nothing."""
        if self._paused is not None:
            process, claim = self._paused
            self._paused = None
            processes.resume(process)
            os.close(claim)

    def kill(self) -> None:
        """End it at once, whatever it is at. Raises ServerFailed where it does not run."""
        process = self._running()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        self.resume()

    @property
    def _pause(self) -> str:
        return f"{self.name}-paused"

    def _running(self) -> psutil.Process:
        process = self.find()
        if process is None:
            raise ServerFailed(TITLES[self.name], "it does not run")
        return process

    def _held_still(self) -> ServerFailed:
        whose = "" if self.paused else " of another copy of the program"
        return ServerFailed(
            TITLES[self.name], f"a fault switch{whose} holds it still", remedy="Lift the fault there, or end that copy."
        )

    def _let_go(self, process: psutil.Process) -> None:
        """Resume what a copy held still that was killed. Raises ServerFailed where a living copy holds it."""
        if processes.suspended(process):
            claim = self.state.claim(self._pause)
            if claim is None:
                raise self._held_still()
            processes.resume(process)
            os.close(claim)

    # -------------------------------------------------------------------------------------------------------- details

    def say(self, state: ServerState, detail: str) -> None:
        """Tell the listener, if there is one."""
        if self._report is not None:
            self._report(ServerStep(self.name, state, detail, asyncio.get_running_loop().time() - self._since))

    def require_space(self) -> None:
        """Raise ServerFailed where it has no data yet and the disk no room for them."""
        if not self.data.exists():
            self.state.require_space(TITLES[self.name], self.new_data)

    async def _adopt(self) -> psutil.Process | None:
        process = await asyncio.to_thread(self.find)
        if process is None:
            return None
        self.say("starting", f"found running as process {process.pid}")
        await asyncio.to_thread(self._let_go, process)
        while processes.alive(process) and not self.socket.exists():
            if time.time() - process.create_time() > self.patience:
                # A cleaner of temporary files took its socket away: nobody can reach it any more.
                self.say("starting", f"process {process.pid} has lost its socket, ending it")
                await unbroken(self._end(process))
                return None
            await asyncio.sleep(0.01)
        if not await self._ready(process):
            return None
        self.say("ready", f"already running as process {process.pid}")
        return process

    async def _start(self) -> psutil.Process:
        binary = await asyncio.to_thread(find_binary, self.name)
        if binary is None:
            raise ServerFailed(TITLES[self.name], "it is not installed", remedy=MISSING[self.name])
        await self.prepare(binary)
        self.say("starting", f"starting {binary.path.name}")
        try:
            process = await unbroken(asyncio.to_thread(self._launch, binary))
        except OSError as problem:
            reason, remedy = diagnose(self.name, f"{binary.path}: {problem.strerror or problem}")
            raise ServerFailed(TITLES[self.name], reason, remedy=remedy) from None
        try:
            if not await self._ready(process):
                raise self._died()
        except ServerFailed:
            await unbroken(self._end(process))
            raise
        self.say("ready", f"process {process.pid}")
        return process

    def _launch(self, binary: Binary) -> psutil.Process:
        # A variable such as PGPORT would change what our words mean; the logs are to be in English.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"
        return processes.launch(self.command(binary), log=self.log, record=self.record, environment=environment)

    async def _ready(self, process: psutil.Process) -> bool:
        """Wait until it answers; False when it died meanwhile. Raises ServerFailed when its time is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.patience
        while not await self.answers():
            if not processes.alive(process):
                return False
            if clock() > deadline:
                raise ServerFailed(
                    TITLES[self.name],
                    f"process {process.pid} runs but did not answer within {self.patience:.0f} seconds",
                    remedy=f"See {self.log}; end it with `reelcache stop`, then try again.",
                )
            await asyncio.sleep(0.01)
        return True

    async def _end(self, process: psutil.Process) -> None:
        try:
            await processes.end(process, self.farewell, seconds=15.0)
        except psutil.AccessDenied:
            raise ServerFailed(
                TITLES[self.name], f"process {process.pid} belongs to another user and cannot be ended"
            ) from None
        self.record.unlink(missing_ok=True)
        self._process = None

    def _died(self) -> ServerFailed:
        said = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        reason, remedy = diagnose(self.name, said)
        return ServerFailed(
            TITLES[self.name], f"it ended at once: {reason}", remedy=f"{remedy} See {self.log}.".strip()
        )
