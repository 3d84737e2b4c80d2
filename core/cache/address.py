"""Where Redis is and how to log in, read from a URL: one server, the Sentinels that watch one, or nodes of a cluster.

A single server's URL is what redis-py takes. The other two forms are the custom of Python's clients:
`redis+sentinel://user:password@host:26379,host:26379/service/0?sentinel_password=…` and
`redis+cluster://user:password@host:6379,host:6379`; `rediss+…` encrypts every connection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

if TYPE_CHECKING:
    import ssl

_LOGIN: Final = frozenset({"username", "password"})
_SENTINELS_LOGIN: Final = frozenset({"sentinel_username", "sentinel_password"})
_TLS: Final = frozenset(
    {"ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"}
)
_FILES: Final = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
_OURS: Final = frozenset({"socket_timeout", "socket_connect_timeout", "protocol", "decode_responses"})
"""Parameters that no URL may choose: the cache needs them as they are."""
_CHOICES: Final = {
    "ssl_cert_reqs": ("none", "required"),
    "ssl_check_hostname": ("true", "false", "True", "False"),
}
_SENTINEL_PORT: Final = 26379
_PORT: Final = 6379


class Address(msgspec.Struct, frozen=True):
    """One server. `path` is that of a unix socket; without one `host` and `port` count. `tls` holds the URL's choices
    by redis-py's names, and is None without encryption."""

    path: str | None = None
    host: str = "localhost"
    port: int = _PORT
    user: str | None = None
    password: str | None = None
    database: int = 0
    tls: dict[str, str] | None = None

    def __str__(self) -> str:
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")

    @property
    def scheme(self) -> str:
        """How a URL of it begins."""
        return "redis" if self.tls is None else "rediss"

    def at(self, host: str, port: int) -> Address:
        """Another server, with the same login and terms."""
        return msgspec.structs.replace(self, host=host, port=port)

    def context(self) -> ssl.SSLContext | None:
        """The encryption's terms; None without. Raises Unreadable where a certificate or a key cannot be used."""
        if self.tls is None:
            return None
        files = filter(None, map(self.tls.get, _FILES))
        return _context(tuple(self.tls.items()), tuple(map(_written, files)))


class Unreadable(OSError):
    """A file of the encryption that cannot be used: which, and why."""

    def __init__(self, file: str, problem: OSError) -> None:
        super().__init__(f"{file} cannot be used as certificate or key: {problem.strerror or problem}")


@lru_cache(maxsize=4)
def _context(choices: tuple[tuple[str, str], ...], written: tuple[int, ...]) -> ssl.SSLContext:
    """One for these choices, as long as their files stay as they were `written`: to read the system's authorities takes
    30 ms of the event loop, and each greeting of a cluster connects to every node."""
    import ssl

    tls = dict(choices)
    authorities = tls.get("ssl_ca_certs"), tls.get("ssl_ca_path")
    try:
        context = ssl.create_default_context(cafile=authorities[0], capath=authorities[1])
    except OSError as problem:
        raise Unreadable(next(filter(None, authorities), ""), problem) from None
    if tls.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.get("ssl_check_hostname", "true").lower() == "false":
        context.check_hostname = False
    if certificate := tls.get("ssl_certfile"):
        try:
            context.load_cert_chain(certificate, tls.get("ssl_keyfile"))
        except OSError as problem:
            raise Unreadable(certificate, problem) from None
    return context


def _written(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0


class Uncertified(ConnectionError):
    """The connection was ended as soon as it was encrypted, and we showed no certificate: the other side may want one.
    It says so before it leaves, but a reset often comes first."""


class Unencrypted(ConnectionError):
    """The connection was ended before a word was said, and we did not encrypt: the other side may want that."""


class Unsupported(ValueError):
    """What a URL asks for, and is not to be had by this way."""


class Sentinels(msgspec.Struct, frozen=True):
    """Sentinels, which know where the primary of a service is. `server`: how to log in there, wherever it is."""

    sentinels: tuple[Address, ...]
    service: str
    server: Address


class Cluster(msgspec.Struct, frozen=True):
    """Some nodes of a cluster, from which all others are to be learned; one login for all."""

    nodes: tuple[Address, ...]


Route = Address | Sentinels | Cluster
"""What a URL says of the way to Redis."""


def route_of(url: str) -> Route | None:
    """The way in a URL; None where it means nothing, or asks for something that the lanes do not do."""
    try:
        return _route(url)
    except ValueError:
        return None


def unsupported(url: str) -> str:
    """The parameters of a URL that no way takes which it could name; empty where these are not what is wrong."""
    try:
        _route(url)
    except Unsupported as found:
        return str(found)
    except ValueError:
        pass
    return ""


def _route(url: str) -> Route:
    scheme, _, rest = url.partition("://")
    transport, _, kind = scheme.partition("+")
    if transport not in ("redis", "rediss", "unix") or kind not in ("", "sentinel", "cluster"):
        raise ValueError(scheme)
    if kind and transport == "unix":
        raise ValueError(scheme)
    # Not urlsplit for the hosts: it takes a list with an IPv6 address in it for a broken one.
    place, slash, more = rest.partition("/")
    if "?" in place:
        # What was taken for the path begins in the value of a parameter.
        place, question, query = place.partition("?")
        slash, more = "", question + query + slash + more
    login, _, hosts = place.rpartition("@")
    parts = urlsplit(f"{transport}://{login + '@' if login else ''}host{slash}{more}" if kind else url)
    choices = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    known = _LOGIN | _OURS | (_TLS if transport == "rediss" else frozenset())
    known |= _SENTINELS_LOGIN if kind == "sentinel" else frozenset() if kind == "cluster" else frozenset({"db"})
    if unknown := choices.keys() - known:
        # With an @ in it, it may be half a password.
        raise ValueError(parts.query) if "@" in parts.query else Unsupported(", ".join(sorted(unknown)))
    if parts.fragment:
        raise ValueError(parts.fragment)
    if any(choices.get(name, values[0]) not in values for name, values in _CHOICES.items()):
        raise ValueError(choices)
    if kind == "sentinel":
        return _sentinels(parts, choices, hosts)
    if kind == "cluster":
        if parts.path.strip("/") not in ("", "0"):
            raise ValueError(parts.path)
        server = _server(parts, choices, 0)
        return Cluster(tuple(server.at(*_host(each, _PORT)) for each in hosts.split(",")))
    if transport == "unix" and not parts.path:
        raise ValueError(url)
    in_path = "" if transport == "unix" else parts.path.strip("/")
    return _server(parts, choices, int(choices.get("db", in_path or "0")))


def _sentinels(parts: SplitResult, choices: Mapping[str, str], hosts: str) -> Sentinels:
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("no service")
    server = _server(parts, choices, int(database or "0"))
    sentinel = msgspec.structs.replace(
        server,
        user=choices.get("sentinel_username") or None,
        password=choices.get("sentinel_password") or None,
        database=0,
    )
    sentinels = tuple(sentinel.at(*_host(each, _SENTINEL_PORT)) for each in hosts.split(","))
    return Sentinels(sentinels, unquote(service), server)


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"redis://{text}")
    return unquote(parts.hostname or "localhost"), parts.port or port


def _server(parts: SplitResult, choices: Mapping[str, str], database: int) -> Address:
    if database < 0:
        raise ValueError(database)
    return Address(
        path=unquote(parts.path) if parts.scheme == "unix" else None,
        host=unquote(parts.hostname or "localhost"),
        port=parts.port or _PORT,
        user=choices.get("username", unquote(parts.username or "")) or None,
        password=choices.get("password", unquote(parts.password or "")) or None,
        database=database,
        tls={name: text for name, text in choices.items() if name in _TLS} if parts.scheme == "rediss" else None,
    )
