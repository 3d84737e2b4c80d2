"""`reelcache api` as a person starts and ends it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
from pathlib import Path

import aiohttp
import pytest

from core.servers.embedded import embedded_servers
from core.servers.state import StateFolder
from tests.tui.shell import PROGRAM, Run, environment, run
from tui.commands.api import _announce

__all__ = ["environment", "run"]
ROOT = Path(__file__).parents[3]


async def started(environment: dict[str, str], folder: Path, *words: str) -> tuple[asyncio.subprocess.Process, str]:
    """A process of the command, and where it serves."""
    # What a background job of a shell ignores, its children ignore, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, *words, "api", "--port", "0"),
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    told = (await process.stdout.readline()).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+", told)
    if found is None:
        assert process.stderr is not None
        pytest.fail(told + (await process.stderr.read()).decode())
    return process, found[0]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_the_servers_that_it_started(
    asked: signal.Signals, environment: dict[str, str], state_dir: Path, tmp_path: Path
) -> None:
    del environment["REDIS_URL"]
    process, url = await started(environment, tmp_path, "--state-dir", str(state_dir), "--strategy", "write-through")
    redis = embedded_servers(StateFolder(state_dir))["redis"]
    try:
        assert redis.find() is not None
        async with aiohttp.ClientSession(url) as client, client.get("/movies") as answer:
            assert (answer.status, answer.headers["X-Cache-Strategy"]) == (200, "write-through")
            # The connection stays open meanwhile, as a browser's does.
            process.send_signal(asked)
            async with asyncio.timeout(30):
                _, told = await process.communicate()
        assert (process.returncode, told.decode()) == (128 + asked, "")
        assert redis.find() is None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_what_it_needs_and_lacks_costs_one_sentence(run: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("api", "--port", str(port), PYTHONPATH=str(ROOT))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"Port {port} of 127.0.0.1 is taken" in done.stderr
        assert "--port 0" in done.stderr
    for words, code, told in (
        (("api", "--host", ""), 2, "--host is empty"),
        (("--postgres-url", "postgresql://me:secret@127.0.0.1:1/none", "api"), 1, "127.0.0.1"),
    ):
        done = run(*words, PYTHONPATH=str(ROOT))
        assert (done.returncode, done.stdout) == (code, ""), words
        assert told in done.stderr
        assert "secret" not in done.stderr
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['fastapi'] = None\n", "utf-8")
    done = run("api", PYTHONPATH=f"{ROOT}:{tmp_path}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "fastapi is not there" in done.stderr
    assert "reelcache[api]" in done.stderr


def test_an_address_that_others_reach_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    for host, warned in (("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True)):
        _announce(host, 8000, "postgresql", "cache-aside")
        told = capsys.readouterr()
        assert ("password" in told.err) is warned, host
        assert "No password is asked" in told.out
