"""`reelcache web` as a browser meets it: real server, real processes, real databases; the gate; every way to end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pyte
import pytest
from aiohttp import web

from tests.tui.shell import PROGRAM, Run, environment, load, run
from tests.tui.test_script_commands import MOVIES
from tui.commands.web import _announce
from tui.web import visitor
from tui.web.site import Site

__all__ = ["environment", "run"]


class Served:
    """A running `reelcache web` and a client in place of the browser."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, client: aiohttp.ClientSession) -> None:
        self.process, self.port, self.client = process, port, client
        self.address = f"http://127.0.0.1:{port}"

    @property
    def visitors(self) -> list[psutil.Process]:
        """The processes that the server has started."""
        return psutil.Process(self.process.pid).children()

    async def tab(self) -> Tab:
        return Tab(await self.client.ws_connect(f"{self.address}/ws?width=100&height=30", origin=self.address))

    async def status(self, path: str, **headers: str) -> int:
        async with self.client.get(self.address + path, headers=headers) as answer:
            return answer.status

    async def ended(self) -> tuple[int, str]:
        """Exit code and what it told on standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            told = await self.process.stderr.read()
            return await self.process.wait(), told.decode()


class Tab:
    """A browser tab as far as the server can tell, with the terminal emulator in it."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self._screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self._screen)

    async def send(self, *said: Any) -> None:
        await self.websocket.send_str(json.dumps(said))

    async def resize(self, width: int, height: int) -> None:
        self._screen.resize(height, width)
        await self.send("resize", {"width": width, "height": height})

    async def until(self, holds: Callable[[list[str]], object]) -> None:
        """Take what the server sends until the lines of the screen are as wanted."""
        try:
            async with asyncio.timeout(30):
                while not holds(self._screen.display):
                    message = await self.websocket.receive()
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), "the server left"
                    if message.type is aiohttp.WSMsgType.BINARY:
                        self._stream.feed(message.data)
        except TimeoutError:
            raise AssertionError("never came; the screen shows\n" + "\n".join(self._screen.display)) from None

    async def until_shown(self, *parts: str) -> None:
        await self.until(lambda lines: all(part in "\n".join(lines) for part in parts))

    async def until_closed(self) -> None:
        async with asyncio.timeout(30):
            async for _ in self.websocket:
                pass


@pytest.fixture
def serve(environment: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    """Starts a server; its process is gone when the context is left."""

    @asynccontextmanager
    async def serving(*flags: str, **more: str) -> AsyncIterator[Served]:
        # What a background job of a shell ignores, its children ignore, too.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *flags,
            "web",
            "--port",
            "0",
            cwd=tmp_path,
            env=environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        signal.signal(signal.SIGINT, before)
        assert process.stdout is not None
        try:
            told = (await process.stdout.readline()).decode()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
            assert found is not None, told
            async with aiohttp.ClientSession() as client:
                yield Served(process, int(found[1]), client)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return serving


@pytest.fixture
async def three(environment: dict[str, str], tmp_path: Path) -> None:
    """The default store holds three movies."""
    path = tmp_path / "movies.csv"
    path.write_text(MOVIES, "utf-8")
    await load(environment, path)


async def gone(process: psutil.Process) -> None:
    """Return once it has ended; whoever started it may not have taken note of that."""
    async with asyncio.timeout(30):
        with suppress(psutil.NoSuchProcess):  # as between these two looks
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)


async def test_a_visitor_browses_by_keyboard_and_leaves(
    serve: Callable[..., Any], three: None, environment: dict[str, str]
) -> None:
    # The URL is given as a flag alone, and the environment names another: the visitor's process must get the flag's,
    # and nobody may read it off that process's command line.
    wanted, elsewhere = environment["DATABASE_URL"], "postgresql://me:secret@127.0.0.1:1/none"
    async with serve("--postgres-url", wanted, DATABASE_URL=elsewhere, LINES="9", COLUMNS="33") as at:
        tab = await at.tab()
        await tab.until_shown("Alien", "Brazil", "3 movies")
        (process,) = at.visitors
        assert process.cmdline() == [*PROGRAM]
        assert process.terminal() is None
        await tab.send("ping", "7")
        await tab.resize(140, 45)
        await tab.until(lambda lines: lines[44].strip() and len(lines[0].rstrip()) > 20 and "Quit" in lines[44])
        await tab.send("stdin", "/")
        await tab.send("stdin", "genre:horror")
        await tab.send("stdin", "\r")
        await tab.until_shown("1 of 3 match")
        await tab.send("stdin", "Y")
        await tab.until_shown("Copied")
        await tab.send("no", "such", "message")
        await tab.send("stdin", "q")
        await tab.until_closed()
        await gone(process)
        assert await at.status("/") == 200, "the server goes on"


async def test_a_closed_tab_ends_its_own_process_alone_and_a_signal_ends_all(
    serve: Callable[..., Any], three: None
) -> None:
    async with serve() as at:
        first = await at.tab()
        await first.until_shown("3 movies")
        (process,) = at.visitors
        second = await at.tab()
        await second.until_shown("3 movies")
        await first.websocket.close()
        await gone(process)
        (other,) = set(at.visitors) - {process}
        await second.send("stdin", "?")
        await second.until_shown("Keys")
        at.process.send_signal(signal.SIGTERM)
        await second.until_closed()
        assert await at.ended() == (128 + signal.SIGTERM, "")
        await gone(other)


async def test_a_killed_server_leaves_no_process(serve: Callable[..., Any], three: None) -> None:
    async with serve() as at:
        tab = await at.tab()
        await tab.until_shown("3 movies")
        (process,) = at.visitors
        at.process.kill()
        await gone(process)


async def test_ctrl_c_ends_a_server_that_nobody_visits(serve: Callable[..., Any]) -> None:
    async with serve() as at:
        at.process.send_signal(signal.SIGINT)
        assert await at.ended() == (128 + signal.SIGINT, "")


async def test_a_page_from_elsewhere_gets_nothing(serve: Callable[..., Any]) -> None:
    async with serve() as at:
        own = f"127.0.0.1:{at.port}"
        for host in (own, f"localhost:{at.port}", f"[::1]:{at.port}", "192.168.7.7:80"):
            assert await at.status("/", Host=host) == 200
        for host in (f"evil.example:{at.port}", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", ""):
            for path in ("/", "/ws", "/emulator/js/textual.js"):
                assert await at.status(path, Host=host, Origin=f"http://{host}") == 403
        for origin in (
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            f"http://localhost:{at.port}",
            f"http://{own}.evil.example",
            f"http://evil.example/{own}",
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await at.client.ws_connect(f"{at.address}/ws", origin=origin)
            assert await at.status("/", Origin=origin) == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await at.client.ws_connect(f"{at.address}/ws")
        assert at.visitors == [], "no process was started for any of them"


async def test_the_page_asks_nobody_else(serve: Callable[..., Any]) -> None:
    async with serve() as at, at.client.get(at.address) as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert set(re.findall(r"\w+://(\S+?)(?=[; ])", policy)) == {f"127.0.0.1:{at.port}"}
        parts = re.findall(r'(?:src|href)="(/[^"]+)"', page)
        style = (Path(visitor.__file__).with_name("page") / "page.css").read_text("utf-8")
        parts += re.findall(r'url\("([^"]+)"\)', style)
        assert len(parts) == 6
        for part in parts:
            assert await at.status(part) == 200
        assert "//" not in page + re.sub(r"/\*.*?\*/", "", style)


@asynccontextmanager
async def visited(program: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A tab of a site whose visitors get this Python program."""
    runner = web.AppRunner(Site((sys.executable, "-c", program), {}, ()).application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as client:
            yield await client.ws_connect(f"{address}/ws", origin=address)
    finally:
        await runner.cleanup()


async def test_a_process_that_stands_still_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "GRACE_SECONDS", 0.2)
    before = set(psutil.Process().children())
    still = "import os, time; os.write(1, b'__GANGLION__\\nD\\0\\0\\0\\5hello'); time.sleep(600)"
    async with visited(still) as websocket:
        assert (await websocket.receive()).data == b"hello"
        (process,) = set(psutil.Process().children()) - before
        await websocket.close()
        await gone(process)


async def test_a_process_that_cannot_start_closes_the_page() -> None:
    async with visited("raise SystemExit(2)") as websocket:
        assert (await asyncio.wait_for(websocket.receive(), 30)).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("said", ["{", "[]", "7", '["resize", {"width": "x"}]', '["stdin", "\\ud800"]'])
async def test_what_no_page_of_ours_says_ends_in_no_traceback(said: str, caplog: pytest.LogCaptureFixture) -> None:
    echo = "import os; os.write(1, b'__GANGLION__\\nD\\0\\0\\0\\5hello'); os.read(0, 1)"
    async with visited(echo) as websocket:
        await websocket.receive()
        await websocket.send_str(said)
        await websocket.close()
    assert caplog.text == ""


def test_an_address_that_cannot_be_had_costs_one_sentence(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("web", "--port", str(port))
        assert done.returncode == 1
        assert f"Port {port} of 127.0.0.1 is taken" in done.stderr
        assert "--port 0" in done.stderr
    for words, code, told in (
        (("--host", "192.0.2.1"), 1, "no address of this machine"),
        (("--host", ""), 2, "--host is empty"),
        (("--port", "70000"), 2, "65535"),
    ):
        done = run("web", *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert told in done.stderr
    done = run("--store", "oracle", "web")
    assert (done.returncode, done.stdout) == (2, ""), "a wrong setting is told before anything is served"


def test_an_address_that_others_reach_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    for host, warned in (
        ("127.0.0.1", False),
        ("127.8.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.168.1.7", True),
        ("desk.example", True),
    ):
        _announce(host, 8000)
        told = capsys.readouterr()
        assert ("password" in told.err) is warned, host
        assert "whoever is logged in" in told.out
    assert "http://desk.example:8000 " in told.out


def test_a_pipe_that_is_not_a_browsers_is_no_terminal(run: Run) -> None:
    done = run(TEXTUAL_DRIVER="textual.drivers.web_driver:WebDriver")
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert os.linesep not in done.stdout
