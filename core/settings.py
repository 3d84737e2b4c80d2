"""What a person may choose, as one frozen value that means something."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import platformdirs

from core.errors import SettingsError, UnknownStore, UnknownStrategy
from core.listening import address_of
from core.masking import masked_address

STORES: Final = ("postgresql", "mongodb")
STRATEGIES: Final = ("cache-aside", "write-through", "no-cache")
CONSISTENCIES: Final = ("strict", "bounded")
_SCHEMES: Final = {
    "postgres_url": ("postgresql", "postgres"),
    "mongo_url": ("mongodb", "mongodb+srv"),
    "redis_url": (
        *("redis", "rediss", "unix"),
        *("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"),
    ),
}
_REDIS_PATHS: Final = {
    "": (r"/?|/[0-9]{1,9}", "What follows the host is the number of a database, such as /0."),
    "sentinel": (
        r"/[^/]+(/|/[0-9]{1,9})?",
        "What follows the Sentinels is the name of their service, and maybe a database: /mymaster/0.",
    ),
    "cluster": (r"/?|/0", "A cluster has no database but 0: leave out what follows the hosts."),
}
"""What may follow the hosts, by the kind of server after the + of the scheme, and the remedy for what else does."""
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{0,9}))?")
_ENCODE: Final = "Write special characters of user and password percent-encoded: %40 for @, %2F for /, %3A for :."


def default_state_dir() -> Path:
    """Where the embedded servers keep their data, by the platform's custom."""
    return platformdirs.user_state_path("reelcache", appauthor=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every choice of a run. Times are in seconds. No URL means: the embedded server.

    Raises SettingsError (UnknownStore, UnknownStrategy), which names its `settings`, on a value that means nothing.
    """

    store: str = "postgresql"
    postgres_url: str | None = None
    mongo_url: str | None = None
    redis_url: str | None = None
    strategy: str = "cache-aside"
    near_cache: bool = False
    """Whether what is read from Redis is also kept in this process, coherent by what Redis pushes."""
    soft_ttl: float = 60.0
    """How long an entry counts as fresh."""
    hard_ttl: float = 600.0
    """How long Redis keeps an entry."""
    redis_maxmemory: str = "256mb"
    """Memory limit of the embedded Redis, as Redis writes it."""
    state_dir: Path = field(default_factory=default_state_dir)
    consistency: str = "strict"
    metrics: str | None = None
    """Where the dashboard serves metrics to Prometheus: PORT, of this machine alone, or HOST:PORT."""
    otel: bool = False
    """Whether the dashboard pushes metrics over OTLP, to where the OTEL_* variables say."""

    def __post_init__(self) -> None:
        if self.store not in STORES:
            raise UnknownStore(self.store, STORES)
        if self.strategy not in STRATEGIES:
            raise UnknownStrategy(self.strategy, STRATEGIES)
        if self.consistency not in CONSISTENCIES:
            raise SettingsError(
                f"There is no consistency {self.consistency!r}.",
                remedy=f"Choose one of: {', '.join(CONSISTENCIES)}.",
                settings=("consistency",),
            )
        if not (0 < self.soft_ttl <= self.hard_ttl <= 30 * 86_400):
            raise SettingsError(
                f"soft_ttl ({self.soft_ttl:g} s) and hard_ttl ({self.hard_ttl:g} s) do not fit.",
                remedy="Choose 0 < soft_ttl <= hard_ttl <= 30 days.",
                settings=("soft_ttl", "hard_ttl"),
            )
        if not re.fullmatch(r"[1-9][0-9]{0,14}(b|kb|mb|gb|k|m|g)?", self.redis_maxmemory.lower()):
            raise SettingsError(
                f"redis_maxmemory cannot be {self.redis_maxmemory!r}.",
                remedy="Write it as Redis does, such as 256mb.",
                settings=("redis_maxmemory",),
            )
        if self.metrics is not None:
            try:
                address_of(self.metrics)
            except ValueError:
                raise SettingsError(
                    f"metrics cannot be {masked_address(self.metrics)!r}.",
                    remedy="Give a port from 0 to 65535, such as 9464, or HOST:PORT, or off.",
                    settings=("metrics",),
                ) from None
        for name, schemes in _SCHEMES.items():
            _check_url(name, getattr(self, name), schemes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={_shown(f.name, getattr(self, f.name))!r}" for f in fields(self))
        return f"Settings({shown})"

    def url(self, server: str) -> str | None:
        """The URL given for `redis`, `postgresql` or `mongodb`; None where the embedded server is meant."""
        return {"redis": self.redis_url, "postgresql": self.postgres_url, "mongodb": self.mongo_url}[server]


def _check_url(name: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is not None and (remedy := _correction(url, schemes)):
        raise SettingsError(f"{name} cannot be {masked_address(url)!r}.", remedy=remedy, settings=(name,))


def _correction(url: str, schemes: tuple[str, ...]) -> str:
    """What to correct in an address; empty where nothing shows. Half a password must not pass for a host's name."""
    try:
        parts = _parts(url)
    except ValueError:
        return _ENCODE
    if parts.scheme not in schemes:
        return f"It starts with {' or '.join(s + '://' for s in schemes)}."
    if parts.scheme == "unix":
        return ""
    if "@" in parts.path or "@" in parts.fragment:
        return _ENCODE
    # All but a single Redis take several hosts, each with a port of its own.
    hosts = parts.netloc.rpartition("@")[2].split(",")
    for host in hosts:
        port = _HOST.fullmatch(host)
        if port is None or int(port["port"] or 1) not in range(1, 65_536):
            return "The port of a host is a number from 1 to 65535."
    if parts.scheme not in _SCHEMES["redis_url"]:
        return ""
    transport, _, kind = parts.scheme.partition("+")
    if not kind and len(hosts) > 1:
        return f"Several hosts are for Sentinels or a cluster: {transport}+sentinel:// or {transport}+cluster://."
    pattern, remedy = _REDIS_PATHS[kind]
    return "" if re.fullmatch(pattern, parts.path) else remedy


def _parts(url: str) -> SplitResult:
    scheme, _, rest = url.partition("://")
    if "+" not in scheme or scheme not in _SCHEMES["redis_url"]:
        return urlsplit(url)
    # urlsplit takes a list with an IPv6 address in it for a broken one.
    netloc = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return urlsplit(f"{scheme}://host{rest[len(netloc) :]}")._replace(netloc=netloc)


def _shown(name: str, value: object) -> object:
    return masked_address(value) if name in _SCHEMES and isinstance(value, str) else value
