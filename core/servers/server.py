"""Server: one embedded server of a state folder. What all three have in common."""

from __future__ import annotations

import asyncio
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from core.errors import ReelcacheError
from core.servers.binaries import TITLES, Binary, ServerName
from core.servers.state import StateFolder

if TYPE_CHECKING:
    import psutil

    from core.servers.running import Running

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
"""A random name of this start of this machine, where the system gives one."""
AT_ONCE: Final = 0.2
"""Seconds within which a server greets that is well. One that does not is looked for among the processes."""
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
        self._served = False
        """Whether it served us, as far as we know."""
        self._running: Running | None = None
        """Its process; None until something is done with it."""
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

    async def greets(self) -> bool:
        """Whether it runs and is ready for us, where that is known within AT_ONCE and without loading its driver."""
        return False

    async def serve(self) -> str:
        """Its URL, once it answers. Raises ServerFailed, and SettingsError on a state folder that fails it."""
        # A process that was just killed still looks alive for a moment, but answers no more.
        if not self._served or self.has_died() or not await self.answers():
            self._since = asyncio.get_running_loop().time()
            try:
                async with self.state.locked(self.name):
                    # Whoever greets in a folder that is ours alone is the server, and need not be looked for.
                    if await self.greets():
                        self.say("ready", "already running")
                    else:
                        await self._process.begin()
            except (ReelcacheError, OSError) as problem:
                known = self.state.unusable(problem) if isinstance(problem, OSError) else problem
                self.say("failed", str(known))
                raise known from None
            self._served = True
        return self.url

    async def stop(self) -> int | None:
        """End it in order, whoever started it; returns its process number, None when it did not run."""
        self._since = asyncio.get_running_loop().time()
        process = await asyncio.to_thread(self.find)
        if process is None:
            return None
        self.say("stopping", f"process {process.pid}")
        await self._process.end(process)
        self._served = False
        self.say("stopped", f"process {process.pid}")
        return process.pid

    def find(self) -> psutil.Process | None:
        """Its process, whoever started it."""
        return self._process.find()

    def has_died(self) -> bool:
        """Whether it served us and its process is gone. Costs a look into the process table."""
        return self._served and self._process.has_died()

    @property
    def _process(self) -> Running:
        if self._running is None:
            # With it comes what looks into processes: most starts find a server that greets them.
            from core.servers.running import Running

            self._running = Running(self)
        return self._running

    # ------------------------------------------------------------------------------------------------ broken on purpose

    @property
    def paused(self) -> bool:
        """Whether this copy of the program holds it still."""
        return self._running is not None and self._running.paused

    async def pause(self) -> None:
        """Hold all of its processes still until `resume`; when this copy dies without, the next to adopt it resumes it.

        Raises ServerFailed where it does not run or is held still already."""
        await self._process.pause()

    def resume(self) -> None:
        """Let go what `pause` holds; nothing when that is nothing."""
        if self._running is not None:
            self._running.resume()

    def kill(self) -> None:
        """End it at once, whatever it is at. Raises ServerFailed where it does not run."""
        self._process.kill()

    # -------------------------------------------------------------------------------------------------------- details

    def say(self, state: ServerState, detail: str) -> None:
        """Tell the listener, if there is one."""
        if self._report is not None:
            self._report(ServerStep(self.name, state, detail, asyncio.get_running_loop().time() - self._since))

    def require_space(self) -> None:
        """Raise ServerFailed where it has no data yet and the disk no room for them."""
        if not self.data.exists():
            self.state.require_space(TITLES[self.name], self.new_data)
