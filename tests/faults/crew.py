"""The crew: the client processes of a run. Whoever dies is replaced at once, until the run ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.faults.client import NOT_OPENED, Config

_ROOT: Final = Path(__file__).parents[2]
_PATIENCE: Final = 40.0


class Crew:
    """Client processes, one for each config; each incarnation has a name, a journal and a log of its own."""

    def __init__(self, folder: Path, configs: Sequence[Config]) -> None:
        self.killed = 0
        self.crashed = 0
        self.problems: list[str] = []
        """What clients said that ended otherwise than by kill -9 or as told."""
        self._folder = folder
        self._configs = list(configs)
        self._processes: list[Process | None] = [None] * len(configs)
        self._ready = [asyncio.Event() for _ in configs]
        self._replies: list[asyncio.Queue[str]] = [asyncio.Queue() for _ in configs]
        self._slots: list[asyncio.Task[None]] = []
        self._leaving = False
        self._incarnations = 0
        self._struck: set[Process] = set()

    @property
    def size(self) -> int:
        """How many clients there are."""
        return len(self._configs)

    async def start(self) -> None:
        """Start all; returns when each has opened its catalogue."""
        self._slots = [asyncio.create_task(self._keep(slot)) for slot in range(self.size)]
        await self._all_ready()

    def kill(self, slot: int) -> None:
        """kill -9; the next one where this one is just starting, which on a busy machine most are."""
        for number in (*range(slot, self.size), *range(slot)):
            process = self._processes[number]
            if process is not None and self._ready[number].is_set() and process.returncode is None:
                self.killed += 1
                self._struck.add(process)
                process.kill()
                return

    async def switch(self, what: str, name: str) -> None:
        """Tell all to use another strategy or store; whoever starts later uses it from the start."""
        change = {"strategy": name} if what == "strategy" else {"store": name}
        self._configs = [msgspec.structs.replace(config, **change) for config in self._configs]
        for slot in range(self.size):
            self._tell(slot, f"{what} {name}")

    async def quiet(self) -> int:
        """Let everybody end what they are at; the processes stay. Returns how many operations these have done."""
        self._leaving = True  # from now on nobody is replaced
        await self._all_ready()
        answers = await asyncio.gather(*(self._ask(slot, "quiet", "quiet") for slot in self._living()))
        return sum(int(answer.split()[1]) for answer in answers if answer)

    async def probe(self, keys: Sequence[str]) -> dict[str, str]:
        """Let one client read these keys until they are hits; returns those that never were, and why."""
        for slot in self._living():
            if answer := await self._ask(slot, f"probe {' '.join(keys)}", "cold"):
                return msgspec.json.decode(answer.removeprefix("cold "), type=dict[str, str])
        return dict.fromkeys(keys, "no client was left to read it")

    async def stop(self) -> None:
        """Let everybody leave in order."""
        self._leaving = True
        for slot in self._living():
            self._tell(slot, "stop")
        _, late = await asyncio.wait(self._slots, timeout=_PATIENCE) if self._slots else (set(), set())
        if late:
            self.problems.append(f"{len(late)} clients did not leave within {_PATIENCE:.0f} s")
        await self.close()

    async def close(self) -> None:
        """End every process, however it stands."""
        self._leaving = True
        for process in self._processes:
            if process is not None and process.returncode is None:
                self._struck.add(process)
                process.kill()
        for task in self._slots:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 10.0)
            task.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------------- details

    async def _keep(self, slot: int) -> None:
        while not self._leaving:
            process, log = await self._spawn(slot)
            self._processes[slot] = process
            assert process.stdout is not None
            said_bye = False
            while line := (await process.stdout.readline()).decode().strip():
                if line == "ready":
                    self._ready[slot].set()
                elif line == "bye":
                    said_bye = True
                else:
                    self._replies[slot].put_nowait(line)
            code = await process.wait()
            self._ready[slot].clear()
            self._replies[slot].put_nowait("")
            # asyncio lost the status where it reports 255; a client that fails otherwise leaves a traceback.
            if code == -signal.SIGKILL or (code == 255 and not log.read_text()):
                self.crashed += process not in self._struck
            elif code == NOT_OPENED:
                await asyncio.sleep(0.1)
            elif code != 0 or not said_bye:
                self.problems.append(f"{log.stem} ended with code {code}: {log.read_text()[-2000:]}")
                await asyncio.sleep(0.5)
        self._processes[slot] = None

    async def _spawn(self, slot: int) -> tuple[Process, Path]:
        self._incarnations += 1
        name = f"c{slot}i{self._incarnations}"
        log = self._folder / f"{name}.log"
        config = msgspec.structs.replace(self._configs[slot], name=name, journal=str(self._folder / f"{name}.journal"))
        file = self._folder / f"{name}.json"
        file.write_bytes(msgspec.json.encode(config))
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.client", str(file)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                cwd=_ROOT,
            )
        return process, log

    async def _all_ready(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            for slot, ready in enumerate(self._ready):
                if self._processes[slot] is None and self._leaving:
                    continue
                while not ready.is_set():
                    if self.problems:
                        raise RuntimeError(self.problems[0])
                    if self._leaving and self._slots[slot].done():
                        break
                    await asyncio.sleep(0.02)

    def _living(self) -> list[int]:
        return [slot for slot in range(self.size) if self._ready[slot].is_set()]

    def _tell(self, slot: int, command: str) -> None:
        process = self._processes[slot]
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(f"{command}\n".encode())

    async def _ask(self, slot: int, command: str, reply: str) -> str | None:
        """What a client answers; None where it died first."""
        while not self._replies[slot].empty():
            self._replies[slot].get_nowait()
        if not self._ready[slot].is_set():
            return None  # it has died since it was chosen, and the word of that was among the replies
        self._tell(slot, command)
        async with asyncio.timeout(_PATIENCE):
            while line := await self._replies[slot].get():
                if line.startswith(reply):
                    return line
        return None
