"""StateFolder: where the embedded servers keep data, logs, sockets and the locks that copies of the program share.

Below the folder that the person chose lies `servers/`, open to its owner alone:

    servers/<server>/           data of the server
    servers/<server>.log        what the server says, since its last start; `.log.1` since the one before
    servers/<server>.json       which process serves
    servers/<name>.lock         locks, see `StateFolder.locked`, `StateFolder.join` and `StateFolder.claim`
    servers/run                 the sockets; a link to a short folder elsewhere where the path is too long for a socket
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from core.errors import ServerFailed, SettingsError

_SOCKET_BYTES: Final = 103  # what macOS allows; Linux allows 107
_LONGEST_SOCKET: Final = "mongodb-27017.sock"
# PostgreSQL and mongod split a list of sockets at commas, and quotes mean something to both.
_PLAIN: Final = re.compile(r"[A-Za-z0-9/ ._@+~-]+")
_REMEDY: Final = "Name another folder with --state-dir or REELCACHE_STATE_DIR."
_LOCK_SECONDS: Final = 120


class StateFolder:
    """The state folder of one user. Every OSError that it meets becomes a SettingsError naming folder and remedy."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path.expanduser()))
        self.servers = self.path.resolve() / "servers"
        self._membership: int | None = None

    @property
    def sockets(self) -> Path:
        """The folder of the sockets, as `prepare` laid it out: short enough, and open to its owner alone."""
        run = self.servers / "run"
        return Path(os.readlink(run)) if run.is_symlink() else run

    def prepare(self) -> None:
        """Make what is missing. Raises SettingsError on a folder that cannot serve."""
        if "\n" in str(self.servers) or "\r" in str(self.servers):
            raise SettingsError("The state folder cannot be used: its path has a line break.", remedy=_REMEDY)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._private(self.servers)
            self._lay_sockets()
        except OSError as problem:
            raise self.unusable(problem) from None

    def exists(self) -> bool:
        """Whether servers were ever kept here. Raises SettingsError where none could be."""
        try:
            os.close(os.open(self.servers, os.O_RDONLY | os.O_DIRECTORY))
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise self.unusable(problem) from None
        return True

    def inspect(self) -> None:
        """Raise SettingsError on a folder that cannot serve, changing nothing."""
        folder = self._standing()
        if not folder.is_dir():
            raise self.unusable(OSError(errno.ENOTDIR, "not a folder"))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self.unusable(OSError(errno.EACCES, "not writable"))

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[None]:
        """Hold this lock against every other process and task. Raises ServerFailed when it stays taken too long."""
        descriptor = self._open_lock(name)
        try:
            deadline = asyncio.get_running_loop().time() + _LOCK_SECONDS
            while not self._try(descriptor, fcntl.LOCK_EX):
                if asyncio.get_running_loop().time() > deadline:
                    raise ServerFailed(
                        "servers",
                        f"another copy of the program has kept {self.servers / name}.lock for {_LOCK_SECONDS} seconds",
                        remedy="End that copy, then try again.",
                    )
                await asyncio.sleep(0.01)
            yield
        finally:
            os.close(descriptor)

    def claim(self, name: str) -> int | None:
        """Take this lock until `os.close` of what is returned, or the death of this process; None where it is taken."""
        descriptor = self._open_lock(name)
        if self._try(descriptor, fcntl.LOCK_EX):
            return descriptor
        os.close(descriptor)
        return None

    def join(self) -> None:
        """Count as a running copy, until `leave` or the death of this process. To be called under the door's lock."""
        if self._membership is None:
            descriptor = self._open_lock("copies")
            # Only a copy that leaves takes it whole, and it does so behind the door.
            if not self._try(descriptor, fcntl.LOCK_SH):
                os.close(descriptor)
                raise ServerFailed("state folder", f"the lock {self.servers / 'copies.lock'} is held by a stranger")
            self._membership = descriptor

    def leave(self) -> bool:
        """Count no longer; True when no other copy is left. To be called under the door's lock."""
        if self._membership is not None:
            os.close(self._membership)
            self._membership = None
        return not self.in_use()

    def in_use(self) -> bool:
        """Whether any copy of the program, this one included, counts as running."""
        descriptor = self._open_lock("copies")
        try:
            return not self._try(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)

    def require_space(self, server: str, needed: int) -> None:
        """Raise ServerFailed unless so many bytes are free for new data."""
        if (free := shutil.disk_usage(self._standing()).free) < needed:
            left, needed = free // 1_000_000, needed // 1_000_000
            raise ServerFailed(
                server,
                f"the state folder {self.path} has {left} MB left, new data needs {needed} MB",
                remedy=f"Free some space. {_REMEDY}",
            )

    def unusable(self, problem: OSError) -> SettingsError:
        """What an error of the disk means for this folder, and the remedy."""
        reason = {
            errno.EEXIST: "it is not a folder",
            errno.ENOTDIR: "it, or a part of its path, is not a folder",
            errno.EACCES: "it is not writable",
            errno.EPERM: "it is not writable",
            errno.EROFS: "it is on a read-only disk",
            errno.ENOSPC: "its disk is full",
            errno.EDQUOT: "its disk is full",
            errno.ENAMETOOLONG: "its path is too long",
        }.get(problem.errno or 0, (problem.strerror or str(problem)).lower())
        return SettingsError(f"The state folder {self.path} cannot be used: {reason}.", remedy=_REMEDY)

    def remove_data(self) -> None:
        """Take away everything but the locks, for which another copy may be waiting."""
        for found in self.servers.iterdir():
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            elif found.suffix != ".lock":
                found.unlink()

    def remove_sockets(self) -> None:
        """Take away the short folder of the sockets, where there is one: nothing stays outside the state folder."""
        run = self.servers / "run"
        if run.is_symlink():
            shutil.rmtree(os.readlink(run), ignore_errors=True)
            run.unlink(missing_ok=True)

    def _standing(self) -> Path:
        """The folder of the servers, or the nearest above it that is there."""
        return next(folder for folder in (self.servers, *self.servers.parents) if os.path.lexists(folder))

    def _open_lock(self, name: str) -> int:
        try:
            return os.open(self.servers / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise self.unusable(problem) from None

    def _try(self, descriptor: int, kind: int) -> bool:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as problem:
            raise self.unusable(problem) from None
        return True

    def _private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid():
            raise SettingsError(f"{folder} belongs to another user (uid {found.st_uid}).", remedy=_REMEDY)
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)

    def _lay_sockets(self) -> None:
        run = self.servers / "run"
        if run.is_symlink() and _ours(Path(os.readlink(run))):
            return
        if run.is_symlink():
            run.unlink()
        if _fits(run):
            self._private(run)
            return
        if run.is_dir():
            run.rmdir()
        name = f"reelcache-{os.geteuid()}-{hashlib.sha256(os.fsencode(self.servers)).hexdigest()[:10]}"
        bases = dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"))
        for base in (Path(base) for base in bases if base):
            short = base / name
            if _fits(short) and _trusted(base):
                with suppress(OSError):
                    short.mkdir(mode=0o700)
                if _ours(short):
                    run.symlink_to(short)
                    return
        raise SettingsError(
            f"The path of the state folder {self.path} does not suit a socket,"
            f" and no private short folder could be made in {' or '.join(base for base in bases if base)}.",
            remedy=_REMEDY,
        )


def _fits(folder: Path) -> bool:
    longest = os.fsencode(folder / _LONGEST_SOCKET)
    return len(longest) <= _SOCKET_BYTES and _PLAIN.fullmatch(os.fsdecode(longest)) is not None


def _ours(folder: Path) -> bool:
    """Whether this is a folder, no link, that nobody but us can enter: others can plant one in a shared place."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077 == 0


def _trusted(base: Path) -> bool:
    try:
        return base.stat().st_uid in (0, os.geteuid())
    except OSError:
        return False
