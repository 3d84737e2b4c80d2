"""A second copy of the program, as far as the servers can tell.

`python -m tests.core.servers.another_copy DIR SERVER...` starts the servers named, prints one URL a line, waits until
its standard input ends, then leaves them. A server named with `!` behind is held still as soon as it answers.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.servers.binaries import SERVERS
from core.servers.embedded import EmbeddedServers


@contextmanager
def another_copy(state_dir: Path, *servers: str) -> Iterator[subprocess.Popen[str]]:
    """Run one until the block ends; within it, `ready` waits for its servers."""
    command = [sys.executable, "-m", "tests.core.servers.another_copy", str(state_dir), *servers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as copy:
        try:
            yield copy
        finally:
            if copy.stdin is not None and not copy.stdin.closed:
                copy.stdin.close()
            copy.wait(30)


def ready(copy: subprocess.Popen[str], servers: int) -> list[str]:
    """The URLs of its servers, once they answer."""
    assert copy.stdout is not None
    return [copy.stdout.readline().strip() for _ in range(servers)]


async def _main(state_dir: str, *names: str) -> None:
    servers = EmbeddedServers(Path(state_dir))
    needs = {"redis": servers.redis, "postgresql": servers.postgresql, "mongodb": servers.mongodb}
    urls = await asyncio.gather(*(needs[name.rstrip("!")]() for name in names))
    for name in SERVERS:
        if f"{name}!" in names:
            await servers.server(name).pause()
    for url in urls:
        sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await servers.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
