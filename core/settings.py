"""What a person may choose: one frozen value, read from flags, environment, config file and defaults, in that order."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import platformdirs

from core.errors import SettingsError, UnknownStore, UnknownStrategy
from core.masking import masked

STORES: Final = ("postgresql", "mongodb")
STRATEGIES: Final = ("cache-aside", "write-through", "no-cache")
CONSISTENCIES: Final = ("strict", "bounded")
_SCHEMES: Final = {
    "postgres_url": ("postgresql", "postgres"),
    "mongo_url": ("mongodb", "mongodb+srv"),
    "redis_url": ("redis", "rediss", "unix"),
}
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{0,9}))?")
_ENCODE: Final = "Write special characters of user and password percent-encoded: %40 for @, %2F for /, %3A for :."
ENVIRONMENT: Final[dict[str, tuple[str, ...]]] = {
    "store": ("REELCACHE_STORE",),
    "postgres_url": ("REELCACHE_POSTGRES_URL", "DATABASE_URL"),
    "mongo_url": ("REELCACHE_MONGO_URL", "MONGO_URL"),
    "redis_url": ("REELCACHE_REDIS_URL", "REDIS_URL"),
    "strategy": ("REELCACHE_STRATEGY",),
    "near_cache": ("REELCACHE_NEAR_CACHE",),
    "soft_ttl": ("REELCACHE_SOFT_TTL",),
    "hard_ttl": ("REELCACHE_HARD_TTL",),
    "redis_maxmemory": ("REELCACHE_REDIS_MAXMEMORY",),
    "state_dir": ("REELCACHE_STATE_DIR",),
    "consistency": ("REELCACHE_CONSISTENCY",),
}
"""The environment names of each setting, the first that is set wins. `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`,
`REDIS_USERNAME` and `REDIS_PASSWORD` together make a `redis_url` where none is given."""


def default_state_dir() -> Path:
    """Where the embedded servers keep their data, by the platform's custom."""
    return platformdirs.user_state_path("reelcache", appauthor=False)


def default_config_file() -> Path:
    """Where the config file is looked for, by the platform's custom."""
    return platformdirs.user_config_path("reelcache", appauthor=False) / "config.toml"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every choice of a run. Times are in seconds. No URL means: the embedded server.

    Raises SettingsError (UnknownStore, UnknownStrategy) on a value that means nothing.
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

    def __post_init__(self) -> None:
        if self.store not in STORES:
            raise UnknownStore(self.store, STORES)
        if self.strategy not in STRATEGIES:
            raise UnknownStrategy(self.strategy, STRATEGIES)
        if self.consistency not in CONSISTENCIES:
            raise SettingsError(
                f"There is no consistency {self.consistency!r}.",
                remedy=f"Choose one of: {', '.join(CONSISTENCIES)}.",
            )
        if not (0 < self.soft_ttl <= self.hard_ttl <= 30 * 86_400):
            raise SettingsError(
                f"soft_ttl ({self.soft_ttl:g} s) and hard_ttl ({self.hard_ttl:g} s) do not fit.",
                remedy="Choose 0 < soft_ttl <= hard_ttl <= 30 days.",
            )
        if not re.fullmatch(r"[1-9][0-9]{0,14}(b|kb|mb|gb|k|m|g)?", self.redis_maxmemory.lower()):
            raise SettingsError(
                f"redis_maxmemory cannot be {self.redis_maxmemory!r}.",
                remedy="Write it as Redis does, such as 256mb.",
            )
        for name, schemes in _SCHEMES.items():
            _check_url(name, getattr(self, name), schemes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={_shown(f.name, getattr(self, f.name))!r}" for f in fields(self))
        return f"Settings({shown})"

    def url(self, server: str) -> str | None:
        """The URL given for `redis`, `postgresql` or `mongodb`; None where the embedded server is meant."""
        return {"redis": self.redis_url, "postgresql": self.postgres_url, "mongodb": self.mongo_url}[server]


def read_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    config_file: Path | None = None,
    dotenv_file: Path | None = None,
    fallbacks: Mapping[str, object] | None = None,
) -> Settings:
    """The settings of this run: a flag beats the environment, it beats `.env`, that the config file, that `fallbacks`.

    A flag of None is not given. `config_file` must exist when named; the default one may be missing. `fallbacks` are
    what the caller would have instead of the defaults.
    Raises SettingsError naming the source of a value that means nothing.
    """
    environment = os.environ if environment is None else environment
    layers: list[tuple[str, Mapping[str, object]]] = [
        ("what was remembered", fallbacks or {}),
        ("the config file", _from_config(config_file)),
        (".env", _from_environment(_read_dotenv(dotenv_file or Path(".env")))),
        ("the environment", _from_environment(environment)),
        ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
    ]
    merged: dict[str, object] = {}
    for source, values in layers:
        for name, value in values.items():
            try:
                merged[name] = _typed(name, value)
            except ValueError as problem:
                raise SettingsError(f"{name} from {source}: {problem}", remedy="Correct or remove it.") from None
    return Settings(**merged)  # type: ignore[arg-type]  # each value was typed by its field's name just above


def _from_config(path: Path | None) -> Mapping[str, object]:
    file = path or default_config_file()
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if path is None:
            return {}
        raise SettingsError(f"The config file {file} does not exist.", remedy="Name one that does.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise SettingsError(
            f"The config file {file} cannot be read: {problem}", remedy="Correct or remove it."
        ) from None
    if unknown := sorted(values.keys() - ENVIRONMENT.keys()):
        raise SettingsError(
            f"The config file {file} sets {unknown[0]!r}, which is no setting.",
            remedy=f"Settings: {', '.join(ENVIRONMENT)}.",
        )
    return values


def _read_dotenv(file: Path) -> Mapping[str, str]:
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return {k: v for k, v in dotenv_values(file).items() if v is not None}
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{file} cannot be read: {problem}", remedy="Correct or remove it.") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, variables in ENVIRONMENT.items():
        for variable in variables:
            if value := environment.get(variable):
                found[name] = value
                break
    if "redis_url" not in found and (host := environment.get("REDIS_HOST")):
        found["redis_url"] = _redis_url(host, environment)
    return found


def _redis_url(host: str, environment: Mapping[str, str]) -> str:
    port = environment.get("REDIS_PORT") or "6379"
    database = environment.get("REDIS_DB") or "0"
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingsError(f"REDIS_PORT cannot be {port!r}.", remedy="Give a port number, such as 6379.")
    user, password = environment.get("REDIS_USERNAME", ""), environment.get("REDIS_PASSWORD", "")
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    address = f"[{host}]" if ":" in host else host
    return f"redis://{login}{address}:{port}/{database}"


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _typed(name: str, value: object) -> object:
    if name in ("soft_ttl", "hard_ttl"):
        try:
            return float(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is not a number of seconds.") from None
    if name == "near_cache":
        if isinstance(value, bool):
            return value
        if str(value).lower() not in _TRUE + _FALSE:
            raise ValueError(f"{value!r} is neither true nor false.")
        return str(value).lower() in _TRUE
    if name == "state_dir":
        return Path(str(value)).expanduser()
    return str(value)


def _check_url(name: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is not None and (remedy := _correction(url, schemes)):
        raise SettingsError(f"{name} cannot be {masked(url)!r}.", remedy=remedy)


def _correction(url: str, schemes: tuple[str, ...]) -> str:
    """What to correct in an address; empty where nothing shows. Half a password must not pass for a host's name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _ENCODE
    if parts.scheme not in schemes:
        return f"It starts with {' or '.join(s + '://' for s in schemes)}."
    if parts.scheme == "unix":
        return ""
    if "@" in parts.path or "@" in parts.fragment:
        return _ENCODE
    # PostgreSQL and MongoDB take several hosts, each with a port of its own.
    for host in parts.netloc.rpartition("@")[2].split(","):
        port = _HOST.fullmatch(host)
        if port is None or int(port["port"] or 1) not in range(1, 65_536):
            return "The port of a host is a number from 1 to 65535."
    if parts.scheme in _SCHEMES["redis_url"] and not re.fullmatch(r"/?|/[0-9]{1,9}", parts.path):
        return "What follows the host is the number of a database, such as /0."
    return ""


def _shown(name: str, value: object) -> object:
    return masked(value) if name in _SCHEMES and isinstance(value, str) else value
