"""The harness itself: schedules, the proxy, the table."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.core.cache.servers import OwnRedis
from tests.core.waiting import until
from tests.faults import schedule
from tests.faults.cell import Cell, Result
from tests.faults.checker import Verdict, Violation
from tests.faults.proxy import End, Proxy
from tests.faults.report import BEGIN, END, row, write_table


def test_a_schedule_follows_from_its_seed_alone() -> None:
    assert schedule.faults(7, schedule.ALL, 40) == schedule.faults(7, schedule.ALL, 40)
    assert schedule.faults(7, schedule.ALL, 40) != schedule.faults(8, schedule.ALL, 40)
    assert schedule.faults(7, schedule.ALL, 40)[:20] == schedule.faults(7, schedule.ALL, 20)


def test_every_fault_comes_once_before_any_comes_again() -> None:
    count = len(schedule.FAULTS)
    planned = [fault.name for fault in schedule.faults(7, schedule.ALL, 2 * count)]
    assert sorted(planned[:count]) == sorted(planned[count:]) == sorted(schedule.FAULTS)
    assert schedule.faults(7, ("client-kill", "edit"), 10) == ()


async def test_a_proxy_passes_swallows_mutes_and_refuses() -> None:
    async with OwnRedis() as redis:
        proxy = Overheard(redis.socket.with_name("proxy.sock"), redis.socket, delay=0.01)
        await proxy.open()
        try:
            assert await asked(proxy.path, b"SET a 1") == b"+OK\r\n"
            proxy.be("delay")
            assert await asked(proxy.path, b"GET a") == b"$1\r\n1\r\n"
            proxy.be("swallow")
            assert await told(proxy, b"SET a 2", b"SET a 2\r\n") == b""
            proxy.be("mute")
            assert await told(proxy, b"SET b 2", b"+OK\r\n") == b""
            proxy.be("refuse")
            assert await asked(proxy.path, b"GET a") == b""
            proxy.be("pass")
            assert await asked(proxy.path, b"MGET a b") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "the mute one was heard"
        finally:
            await proxy.close()


async def test_what_a_proxy_delays_is_overtaken_by_nothing_on_its_connection() -> None:
    async with OwnRedis() as redis:
        proxy = Proxy(redis.socket.with_name("proxy.sock"), redis.socket, delay=0.05)
        await proxy.open()
        try:
            reader, writer = await asyncio.open_unix_connection(str(proxy.path))
            proxy.be("delay")
            writer.write(b"ECHO one\r\n")
            await until(lambda: proxy.late)
            proxy.be("pass")
            writer.write(b"ECHO two\r\n")
            async with asyncio.timeout(30):
                answers = await reader.readexactly(18)
            assert answers == b"$3\r\none\r\n$3\r\ntwo\r\n"
            writer.close()
        finally:
            await proxy.close()


class Overheard(Proxy):
    """Keeps what came to it, from either end, passed on or not."""

    heard = b""

    def received(self, end: End, data: bytes) -> None:
        self.heard += data
        super().received(end, data)


async def asked(path: Path, command: bytes) -> bytes:
    """The answer to a command; empty where the connection was cut."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(command + b"\r\n")
    return await heard(reader, writer)


async def told(proxy: Overheard, command: bytes, last: bytes) -> bytes:
    """What had come back of a command when the proxy had heard the last of it and was made to pass things on again,
    which cuts what has lost bytes."""
    reader, writer = await asyncio.open_unix_connection(str(proxy.path))
    writer.write(command + b"\r\n")
    await until(lambda: proxy.heard.endswith(last))
    proxy.be("pass")
    return await heard(reader, writer)


async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What comes next on a connection; empty where it was cut."""
    try:
        async with asyncio.timeout(30):
            return await reader.read(100)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_the_table_takes_the_place_between_its_markers(tmp_path: Path) -> None:
    def result(*invariants: str) -> Result:
        violations = [Violation(name, "hot1", 1, "text") for name in invariants]
        cell = Cell(store="postgresql", strategy="cache-aside", consistency="bounded", seconds=5, seed=3)
        return Result(cell, Verdict(violations, [0.25], {"get ok": 12}), {"redis-kill": 2}, 9.0)

    file = tmp_path / "decisions.md"
    file.write_text("# First\n")
    write_table([row(result("I4", "I1"))], file)
    first = file.read_text()
    assert first.startswith("# First\n")
    assert "| postgresql cache-aside bounded | 3 | 5 | 12 | 2 redis-kill | 0.25 s | I1 1 (not claimed: I4 1) |" in first
    file.write_text(first + "\n# Last\n")
    write_table([row(result())], file)
    second = file.read_text()
    assert second.startswith("# First\n")
    assert second.endswith("\n# Last\n")
    assert second.count(BEGIN) == second.count(END) == 1
    assert "| **0** |" in second
