"""S4: from another process's write until the entry has left the near tier here. `--writer` is that process."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence

from core.cache.keys import Key
from tests.bench.desk import Desk
from tests.bench.row import Row, Run, measured, unmeasured


async def eviction(run: Run, desk: Desk) -> AsyncIterator[Row]:
    """S4, beside round trips with the same pauses between them. The near tier is on."""
    what = "another's write until it left the near tier here"
    if problem := desk.catalogue.stats().near.problem:
        yield unmeasured("S4", what, problem)
        return
    cache = desk.catalogue._binding.cache
    shelf, key = cache.shelf("movie"), Key("movie", desk.ids[0])
    name = cache.namespace.entry_key(key)
    seen: list[float] = []
    trips: list[float] = []
    gone = asyncio.Event()
    drop = cache.near.drop

    def dropped(names: Sequence[bytes]) -> int:
        kept = drop(names)
        if name in names:
            seen.append(time.monotonic())
            gone.set()
        return kept

    vars(cache.near)["drop"] = dropped
    await cache.get(key, shelf)
    times = max(50, desk.times // 2)
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.pushes", str(desk.socket), name.decode(), str(times)),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert writer.stdin is not None
    for _ in range(times):
        writer.stdin.write(b"go\n")
        await asyncio.wait_for(gone.wait(), 10)
        gone.clear()
        await asyncio.sleep(0.002)
        began = time.monotonic()
        await cache.get(key, shelf)
        trips.append(time.monotonic() - began)
        await asyncio.sleep(0.002)
    sent = json.loads((await writer.communicate())[0])
    del vars(cache.near)["drop"]
    late = [there - here for here, there in zip(sent, seen, strict=False)]
    yield measured("S4", what, late, peer="round trip", theirs=trips, ratio_at_most=2, paired=False)
    yield measured("S4", what, late, peer="round trip", theirs=trips, ratio_at_most=4, judged="p99")


def writer(path: str, name: str, times: int) -> None:
    """The other process: writes each time it is told to, and tells at the end when it did."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        sent = []
        command = b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$1\r\nx\r\n" % (len(name), name.encode())
        for _ in range(times):
            sys.stdin.readline()
            sent.append(time.monotonic())
            connection.sendall(command)
            connection.recv(64)
    sys.stdout.write(json.dumps(sent))


if __name__ == "__main__":
    writer(sys.argv[1], sys.argv[2], int(sys.argv[3]))
