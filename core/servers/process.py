"""The process of a server: started so that it outlives us, found again by whoever comes next, ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil


class Record(msgspec.Struct, frozen=True):
    """Which process serves. The time of its creation tells it from a later one with the same number."""

    pid: int
    created: float


def launch(command: Sequence[str], *, log: Path, record: Path, environment: Mapping[str, str]) -> psutil.Process:
    """Start a server in a session of its own, its words going to `log`, and write down which process it is.

    Raises OSError when the program cannot be run."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=record.parent,
            env=environment,
            start_new_session=True,
        )
    # It is meant to outlive this object; whoever sees it dead reaps it (`alive`).
    child.returncode = 0
    process = psutil.Process(child.pid)
    fresh = record.with_name(f"{record.name}.new")
    fresh.write_bytes(msgspec.json.encode(Record(process.pid, process.create_time())))
    fresh.replace(record)
    return process


def find(record: Path, program: str, mark: str) -> psutil.Process | None:
    """The living process that the record names; or else the `program` with `mark` on its command line."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, psutil.Error):
        wanted = msgspec.json.decode(record.read_bytes(), type=Record)
        process = psutil.Process(wanted.pid)
        if abs(process.create_time() - wanted.created) < 0.5 and alive(process):
            return process
    # The starter may have been killed before it wrote the record.
    return next((process for process in named(program) if _marked(process, mark)), None)


def named(program: str) -> list[psutil.Process]:
    """Every living process of this program."""
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == program and alive(process)]


def title(process: psutil.Process) -> str:
    """The command line as one text; empty for a process that is gone or not ours to see."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def alive(process: psutil.Process) -> bool:
    """Whether it still runs. A dead child of ours is reaped by this."""
    try:
        if not process.is_running():
            return False  # also where another process has its number by now, which is not ours to reap
        if process.status() != psutil.STATUS_ZOMBIE:
            return True
        # A main thread that has ended is a zombie too, while other threads still hold files and locks.
        try:
            return os.waitpid(process.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return process.num_threads() > 1
    except psutil.Error:
        return False


async def end(process: psutil.Process, gently: signal.Signals, seconds: float) -> None:
    """Signal a process and wait until it is gone; after so many seconds it is killed. Raises psutil.AccessDenied."""
    if suspended(process):
        resume(process)  # it would not see the signal
    for kind, patience in ((gently, seconds), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(kind)
        if await gone(process, patience):
            return


async def suspend(process: psutil.Process) -> None:
    """Hold a process and all that it started still: the parent first, so that nothing starts meanwhile.

    Raises psutil.AccessDenied; a process that has ended is left alone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        await _hold(process)
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                await _hold(child)


def resume(process: psutil.Process) -> None:
    """Let a process go on, and all that it started: itself last, so that while it stands still some of them may."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.resume()
        process.resume()


def suspended(process: psutil.Process) -> bool:
    """Whether somebody holds it still."""
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


async def gone(process: psutil.Process, seconds: float) -> bool:
    """Wait until a process has ended; False when it still runs after so many seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while alive(process):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


async def _hold(process: psutil.Process) -> None:
    process.suspend()
    # The signal is delivered some time after it was sent; not before a call that cannot be interrupted has ended.
    deadline = asyncio.get_running_loop().time() + 5.0
    while alive(process) and not suspended(process):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(0.001)


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    # Redis rewrites its command line, naming the socket that it serves.
    return mark in words or f"unixsocket:{mark}" in " ".join(words)
