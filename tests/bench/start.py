"""S13: from the start of the process to its first rows on a real terminal of 120x40.

With the servers running it stands beside a minimal Textual program, in turns, and so does the least that a program on
the same store can do; cold, it has to start them itself, on data that is there.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from core import Settings, open_catalogue
from core.servers.embedded import EmbeddedServers, stop_embedded
from tests.bench.row import Row, Run, bound, measured

SIZE: Final = (120, 40)
FIRST: Final = b"Women Art"
"""Of the first title in the order that the dashboard begins with."""
PATIENCE: Final = 60.0
_LEFT_OUT: Final = ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")
"""An installed program finds its modules compiled, as the peer does."""


async def rows(run: Run) -> AsyncIterator[Row]:
    """Each store, with the shipped movies in it."""
    rounds = 1 if run.short else 9
    state = run.state / "start"
    for store in run.stores:
        settings = Settings(store=store, state_dir=state)
        ours = ("-P", "-m", "tui", "--state-dir", str(state), "--store", store)
        async with AsyncExitStack() as stack:
            await (await stack.enter_async_context(open_catalogue(settings))).ready()
            servers = EmbeddedServers(state)
            stack.push_async_callback(servers.close)
            url, driver = await _served(servers, store)
            turns = {
                "ours": (ours, FIRST),
                "minimal": (("-m", "tests.bench.minimal"), b"Row number 0"),
                "least": (("-m", "tests.bench.minimal", url), FIRST),
            }
            taken: dict[str, list[float]] = {name: [] for name in turns}
            for number in range(rounds + 1):
                for name in random.sample(list(turns), len(turns)):
                    seconds = await asyncio.to_thread(until_shown, *turns[name])
                    if number:  # the first one finds nothing in the file cache
                        taken[name].append(seconds)
        peer, theirs = "minimal Textual app", taken["minimal"]
        what = f"start to first rows, {store} running"
        yield measured("S13", what, taken["ours"], peer=peer, theirs=theirs, ratio_at_most=1.5)
        what = f"the least of our kind: Textual, {driver}, uvloop, its rows asked for"
        yield bound("S13", what, taken["least"], peer=peer, theirs=theirs, ratio_at_most=1.5)
        cold = []
        for _ in range(rounds):
            await stop_embedded(state)
            cold.append(await asyncio.to_thread(until_shown, ours, FIRST))
        yield measured("S13", f"cold: {store} and Redis to start, data there", cold, at_most=2.0)
    await stop_embedded(state)


async def _served(servers: EmbeddedServers, store: str) -> tuple[str, str]:
    """The URL of a store's server, and the name of its driver."""
    if store == "mongodb":
        return await servers.mongodb(), "pymongo"
    return await servers.postgresql(), "psycopg"


def until_shown(words: Sequence[str], shown: bytes) -> float:
    """Seconds from the start of this Python program until it has written these bytes to its terminal. It is ended."""
    with tempfile.TemporaryDirectory(prefix="rc-") as config:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        environment = {
            **{name: value for name, value in os.environ.items() if name not in _LEFT_OUT},
            "XDG_CONFIG_HOME": config,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment
        )
        os.close(slave)
        try:
            return _waited(master, shown, began)
        finally:
            process.send_signal(signal.SIGTERM)
            _drained(master, process)
            os.close(master)


def _waited(master: int, shown: bytes, began: float) -> float:
    written = b""
    while time.perf_counter() - began < PATIENCE:
        if select.select([master], [], [], 1.0)[0]:
            written += os.read(master, 65_536)
            if shown in written:
                return time.perf_counter() - began
    raise TimeoutError(f"{shown!r} was not shown within {PATIENCE:.0f} s, but: {written[-2_000:]!r}")


def _drained(master: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the program's end; it writes to its terminal until then."""
    until = time.monotonic() + 10
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
        try:
            if select.select([master], [], [], 0.1)[0]:
                os.read(master, 65_536)
        except OSError:
            time.sleep(0.01)
