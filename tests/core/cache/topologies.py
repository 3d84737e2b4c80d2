"""Several Redis servers of one's own: a primary with its replica and a Sentinel, or a cluster; by TLS where wanted."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from redis.asyncio import Redis

from core.cache.primary import SLOT
from tests.core.cache.node import Encryption, Node
from tests.processes import Running, free_port, holds

SERVICE: Final = "movies"
DOWN_AFTER: Final = 60_000
"""Milliseconds without an answer after which a primary counts as down: on a busy machine none is for less. Where one
dies, the test has another one promoted."""


class Topology(Running):
    """The servers together. `password` is that of all of them but Sentinels."""

    name: ClassVar[str]

    def __init__(self, password: str | None = None, encryption: Encryption | None = None) -> None:
        super().__init__()
        self.password = password
        self.encryption = encryption
        self.nodes: list[Node] = []
        self.primary: Node
        """The one that holds the cache."""
        self.replica: Node

    @property
    def url(self) -> str:
        """The address for a person's configuration."""
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
        return self.primary.client(1.0)

    async def stop(self) -> None:
        await asyncio.gather(*(node.kill() for node in self.nodes))

    def _node(self, name: str, *options: str) -> Node:
        if self.password is not None:
            options = ("--masterauth", self.password, *options)
        return Node(self.folder, name, *options, password=self.password, encryption=self.encryption)

    def _address(self, kind: str, place: str, *choices: str) -> str:
        scheme = f"{'redis' if self.encryption is None else 'rediss'}{kind}"
        login = f":{self.password}@" if self.password is not None else ""
        chosen = "&".join([*choices, *([self.encryption.choices] if self.encryption is not None else [])])
        return f"{scheme}://{login}{place}{chosen and '?'}{chosen}"

    def _swap(self) -> None:
        self.primary, self.replica = self.replica, self.primary


class Alone(Topology):
    """One server."""

    name = "alone"

    def __init__(self, password: str | None = None, encryption: Encryption | None = None) -> None:
        super().__init__(password, encryption)
        self.primary = self._node("one")
        self.nodes = [self.primary]

    @property
    def url(self) -> str:
        return self._address("", f"localhost:{self.primary.port}")

    async def start(self) -> None:
        await self.primary.start()


class Watched(Topology):
    """A primary, its replica, and a Sentinel that promotes this one when that one does not answer. `sentinel_password`
    is that of the Sentinel."""

    name = "sentinel"

    def __init__(
        self,
        password: str | None = None,
        encryption: Encryption | None = None,
        *,
        sentinel_password: str | None = None,
    ) -> None:
        super().__init__(password, encryption)
        self.primary, self.replica = (self._node(name) for name in ("one", "two"))
        self.sentinel = Node(self.folder, "watch", password=sentinel_password, encryption=encryption)
        self.nodes = [self.primary, self.replica, self.sentinel]

    @property
    def url(self) -> str:
        choices = [f"sentinel_password={self.sentinel.password}"] if self.sentinel.password is not None else []
        # One that is not there must cost nothing.
        return self._address("+sentinel", f"127.0.0.1:1,127.0.0.1:{self.sentinel.port}/{SERVICE}/0", *choices)

    async def start(self) -> None:
        await asyncio.gather(self.primary.start(), self.replica.start("--replicaof", f"127.0.0.1 {self.primary.port}"))
        await holds(self._follows)
        await self.sentinel.start(
            config=f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}\n"
            f"sentinel failover-timeout {SERVICE} 2000\n"
            + (f"sentinel auth-pass {SERVICE} {self.password}\n" if self.password else "")
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
        await holds(lambda: self.sentinel.ask("SENTINEL", "FAILOVER", SERVICE))
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

    def __init__(
        self,
        password: str | None = None,
        encryption: Encryption | None = None,
        *,
        options: tuple[str, ...] = (),
    ) -> None:
        super().__init__(password, encryption)
        if encryption is not None:
            options = ("--tls-cluster", "yes", *options)
        self.nodes = [
            self._node(
                name,
                *("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
                *("--cluster-config-file", f"{name}.nodes", "--cluster-node-timeout", "1000"),
                *("--cluster-replica-no-failover", "yes"),  # none but those that a test asks for
                *("--cluster-require-full-coverage", "no", *options),
            )
            for name in ("one", "two", "other", "third")
        ]
        self.primary, self.replica, self.other, self.third = self.nodes

    @property
    def url(self) -> str:
        return self._address("+cluster", f"127.0.0.1:1,127.0.0.1:{self.other.port}")

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
