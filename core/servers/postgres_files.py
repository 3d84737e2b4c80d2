"""The files of the embedded PostgreSQL: made by initdb, and cleared of what a killed server left in them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

import psutil

from core.errors import ServerFailed
from core.servers import process as processes
from core.servers.binaries import Binary
from core.servers.diagnosis import diagnose


async def create(binary: Binary, folder: Path, user: str) -> None:
    """Make them, all or nothing, owned by this user of the database. Raises ServerFailed."""
    fresh = folder.with_name(f"{folder.name}.new")
    # Where the C library knows no C.UTF-8 (macOS), plain C compares the same way.
    complaint = await _initialise(binary, fresh, user, "--locale=C.UTF-8")
    if complaint is not None and "invalid locale" in complaint:
        complaint = await _initialise(binary, fresh, user, "--no-locale")
    if complaint is not None:
        await asyncio.to_thread(shutil.rmtree, fresh, True)
        reason, remedy = diagnose("postgresql", complaint)
        raise ServerFailed("PostgreSQL", f"its files could not be created: {reason}", remedy=remedy)
    fresh.rename(folder)


def major_version(folder: Path) -> int:
    """The major version of the server that they belong to; 0 where they do not say."""
    with contextlib.suppress(OSError, ValueError):
        return int((folder / "PG_VERSION").read_text("ascii"))
    return 0


async def clear_the_dead(folder: Path, program: str, cluster: str) -> None:
    """Wait for what a killed server left behind, and take away its pid file where another process has the number.

    PostgreSQL refuses to start beside a living backend, and beside any process of ours that the pid file names."""
    for process in await asyncio.to_thread(_orphans, program, cluster):
        if not await processes.gone(process, 5.0):
            await processes.end(process, signal.SIGKILL, 5.0)
    pid_file = folder / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        if psutil.Process(int(pid_file.read_text().splitlines()[0])).name() != program:
            pid_file.unlink()


def _orphans(program: str, cluster: str) -> list[psutil.Process]:
    return [process for process in processes.named(program) if cluster in processes.title(process)]


async def _initialise(binary: Binary, folder: Path, user: str, locale: str) -> str | None:
    """Fill the folder; returns None, or what initdb said when it failed."""
    for forsaken in await asyncio.to_thread(processes.named, "initdb"):
        # Its starter was killed; it would go on writing where we write.
        if str(folder) in processes.title(forsaken):
            _kill_all(forsaken.pid)
            await processes.gone(forsaken, 5.0)
    await asyncio.to_thread(_empty, folder)
    command = [
        *as_permitted(),
        str(binary.path.with_name("initdb")),
        *("-D", str(folder), "-U", user, "--auth=trust", "-E", "UTF8", locale),
    ]
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder.parent,
        env=dict(os.environ, LC_ALL="C"),
        start_new_session=True,
    )
    try:
        said, _ = await child.communicate()
    except asyncio.CancelledError:
        _kill_all(child.pid)
        await child.wait()
        raise
    return None if child.returncode == 0 else said.decode("utf-8", "replace")


def as_permitted() -> list[str]:
    """The words before a command that must not run as root: as nobody, but able to pass through our 0700 folders.

    Raises ServerFailed where root lacks the means."""
    if os.geteuid() != 0:
        return []
    import pwd

    setpriv = shutil.which("setpriv")
    if setpriv is None or not sys.platform.startswith("linux"):
        raise ServerFailed(
            "PostgreSQL",
            "it refuses to run as root, and setpriv, which could run it as nobody, is not installed",
            remedy="Run as an ordinary user, install util-linux, or give DATABASE_URL.",
        )
    nobody = pwd.getpwnam("nobody")
    identity = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # Without the last of these, access() would ask as a plain nobody: PostgreSQL looks for its own files that way.
    passage = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return [setpriv, *identity, *passage]


def _kill_all(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
