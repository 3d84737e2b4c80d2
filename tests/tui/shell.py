"""A command as a person runs it: in a process of its own, in an environment of the test's own."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import data
from core import Settings, open_catalogue

PROGRAM = (sys.executable, "-P", "-m", "tui")
Finished = subprocess.CompletedProcess[str]
Run = Callable[..., Finished]


@pytest.fixture
def environment(redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path) -> dict[str, str]:
    """Names empty databases, and folders of the test's own for all that is written."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "REDIS_URL": redis_url,
        "DATABASE_URL": postgres_url,
        "MONGO_URL": mongo_url,
        "REELCACHE_STATE_DIR": str(tmp_path / "state"),
        "TERM": "xterm",
        "COLUMNS": "120",
        # Of a checkout that is not the one installed, that very one is tested.
        **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs one command to its end, in a folder of the test's own; no traceback may ever be seen."""

    def finished(*words: str, **more: str) -> Finished:
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env=environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return finished


async def load(environment: dict[str, str], file: Path, store: str = "postgresql") -> None:
    """Do what the command of this name does, without a process of its own: for tests of other commands."""
    settings = Settings(
        store=store,
        redis_url=environment["REDIS_URL"],
        postgres_url=environment["DATABASE_URL"],
        mongo_url=environment["MONGO_URL"],
        state_dir=Path(environment["REELCACHE_STATE_DIR"]),
    )
    async with open_catalogue(settings) as catalogue:
        await catalogue.load(data.read(file))


def on_a_terminal(environment: dict[str, str], *words: str, when: str = "", then: bytes = b"") -> tuple[int, str]:
    """Exit code and output of a command on a terminal of its own; `then` is typed once `when` was seen."""
    child, terminal = pty.fork()
    if child == 0:
        # A runner in the background may ignore it, and what is ignored is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvpe(PROGRAM[0], [*PROGRAM, *words], environment)
    seen = ""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part.decode("utf-8", "replace")
        if then and re.search(when, seen):
            # Python loses a Ctrl-C that comes between writing a prompt and reading the answer. A program that has ended
            # reads none.
            while psutil.Process(child).status() not in (psutil.STATUS_SLEEPING, psutil.STATUS_ZOMBIE):
                time.sleep(0.001)
            os.write(terminal, then)
            then = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen
