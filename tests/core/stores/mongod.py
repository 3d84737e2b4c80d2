"""A mongod of a test's own, to refuse, stop and kill: reachable by a unix socket alone, or on a port by TLS alone."""

from __future__ import annotations

import importlib.util
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

from pymongo import AsyncMongoClient

from tests.certificates import Authority
from tests.processes import Running, ServerProcess, free_port

Client = AsyncMongoClient[dict[str, object]]


def _program() -> str:
    found = shutil.which("mongod")
    if found is None:
        wheel = importlib.util.find_spec("fiftyone")
        assert wheel is not None
        assert wheel.submodule_search_locations is not None
        [folder] = wheel.submodule_search_locations
        found = str(Path(folder) / "db" / "bin" / "mongod")
    return found


class Mongod(Running):
    """One server in a folder of its own; `replica_set` and `password` (of the user `root`) where asked for.

    With an `authority` it listens on localhost, shows a certificate for `hosts`, and speaks with nobody but by TLS."""

    def __init__(
        self,
        *,
        replica_set: bool = True,
        password: str | None = None,
        authority: Authority | None = None,
        hosts: tuple[str, ...] = ("localhost",),
    ) -> None:
        super().__init__()
        self.socket = self.folder / "s.sock"
        self._replica_set = replica_set
        self._password = password
        self._authority = authority
        self._hosts = hosts
        self.port = free_port() if authority is not None else 0
        self._process = ServerProcess()

    def url(self, *, user: str | None = None, password: str = "", database: str = "movies") -> str:
        """The address of this server."""
        login = "" if user is None else f"{user}:{quote(password, safe='')}@"
        options = "directConnection=true" + ("" if user is None else "&authSource=admin")
        if self._authority is not None:
            options += f"&tls=true&tlsCAFile={self._authority.authority}"
        return f"mongodb://{login}{self._place}/{database}?{options}"

    @property
    def _place(self) -> str:
        return quote(str(self.socket), safe="") if self._authority is None else f"localhost:{self.port}"

    async def start(self) -> None:
        first = not (self.folder / "data").exists()
        (self.folder / "data").mkdir(exist_ok=True)
        options = ["--dbpath", "data", "--logpath", "log"]
        if self._authority is None:
            options += ["--bind_ip", str(self.socket), "--unixSocketPrefix", "."]
        else:
            certificate = self._authority.signed("mongod", *self._hosts)
            options += ["--bind_ip", "localhost", "--port", str(self.port), "--nounixsocket", "--tlsMode", "requireTLS"]
            options += ["--tlsCertificateKeyFile", str(certificate), "--tlsCAFile", str(self._authority.authority)]
            options += ["--tlsAllowConnectionsWithoutCertificates"]
        options += ["--setParameter", "enableTestCommands=1"]
        options += ["--wiredTigerCacheSizeGB", "0.25"]
        if self._replica_set:
            options += ["--replSet", "rs0"]
        if self._password is not None:
            key = self.folder / "key"
            key.write_text("a key that members share")
            key.chmod(0o600)
            options += ["--auth", *(["--keyFile", "key"] if self._replica_set else [])]
        await self._process.start(_program(), *options, folder=self.folder, answers=self._answers)
        if first and self._replica_set:
            await self._initiate()

    async def _answers(self) -> bool:
        async with Client(self.url(), serverSelectionTimeoutMS=30_000) as client:
            await client.admin.command("ping")
        return True

    async def stop(self) -> None:
        await self._process.kill()
        self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        """Let it hang until `resume`."""
        self._process.hold()

    def resume(self) -> None:
        """Let it go on."""
        self._process.send(signal.SIGCONT)

    async def hang_at(self, *commands: str) -> None:
        """Let it hang for 2.5 seconds at each of these commands of the store, or at none any more."""
        at: dict[str, object] = {"failCommands": commands, "blockConnection": True, "blockTimeMS": 2_500}
        async with Client(self.url()) as client:
            await client.admin.command(
                "configureFailPoint", "failCommand", mode="alwaysOn" if commands else "off", data=at
            )

    async def under_way(self, command: str) -> int:
        """How many such commands of the store it is at."""
        async with Client(self.url()) as client:
            # Not asked by an aggregate, which may be what hangs.
            found = await client.admin.command("currentOp", appName="reelcache")
        return sum(command in operation["command"] for operation in found["inprog"])

    async def _initiate(self) -> None:
        async with Client(self.url()) as client:
            member = {"_id": 0, "host": str(self.socket) if self._authority is None else self._place}
            await client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            await self.writable()
            if self._password is not None:
                await client.admin.command("createUser", "root", pwd=self._password, roles=["root"])

    async def writable(self) -> None:
        """Wait until it was elected, as after each start."""
        async with Client(self.url(), serverSelectionTimeoutMS=30_000) as client:
            hello = await client.admin.command("hello")
            while not hello["isWritablePrimary"]:
                hello = await client.admin.command(
                    "hello", topologyVersion=hello["topologyVersion"], maxAwaitTimeMS=10_000
                )
