"""Where settings come from: flags, environment, `.env`, config file, what was remembered, defaults, in that order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import quote

import platformdirs

from core.errors import SettingsError
from core.masking import masked
from core.settings import Settings

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
    "metrics": ("REELCACHE_METRICS",),
    "otel": ("REELCACHE_OTEL",),
}
"""The environment names of each setting, the first that is set wins. `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`,
`REDIS_USERNAME` and `REDIS_PASSWORD` together make a `redis_url` where none is given; OTEL_METRICS_EXPORTER and
OTEL_SDK_DISABLED switch `otel` as OpenTelemetry has it."""
REMEMBERED: Final = "what was remembered"
DEFAULT: Final = "the default"
DOTENV_FILE: Final = Path(".env")
_REDIS_PARTS: Final = ("REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_USERNAME", "REDIS_PASSWORD")


def default_config_file() -> Path:
    """Where the config file is looked for, by the platform's custom."""
    return platformdirs.user_config_path("reelcache", appauthor=False) / "config.toml"


@dataclass(frozen=True, slots=True)
class Given:
    """The value of one setting before it was judged, and in words who gave it. May hold a secret."""

    value: object = field(repr=False)
    source: str


def read_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    config_file: Path | None = None,
    dotenv_file: Path = DOTENV_FILE,
    fallbacks: Mapping[str, object] | None = None,
) -> Settings:
    """The settings of this run, as `gather` finds them. Raises SettingsError naming the source of a wrong value."""
    return judge(
        gather(flags, environment=environment, config_file=config_file, dotenv_file=dotenv_file, fallbacks=fallbacks)
    )


def gather(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    config_file: Path | None = None,
    dotenv_file: Path = DOTENV_FILE,
    fallbacks: Mapping[str, object] | None = None,
) -> dict[str, Given]:
    """Every setting: a flag beats the environment, it beats `.env`, that the config file, that `fallbacks`.

    A flag of None is not given. `config_file` must exist when named; the default one may be missing. `fallbacks` are
    what the caller would have instead of the defaults. Raises SettingsError on a file that cannot be read.
    """
    environment = os.environ if environment is None else environment
    defaults = Settings()
    return {
        **{each.name: Given(getattr(defaults, each.name), DEFAULT) for each in fields(Settings)},
        **{name: Given(value, REMEMBERED) for name, value in (fallbacks or {}).items()},
        **{name: Given(value, "the config file") for name, value in _from_config(config_file).items()},
        **_from_environment(_read_dotenv(dotenv_file), "in .env"),
        **_from_otel(environment),
        **_from_environment(environment, "in the environment"),
        **{
            name: Given(value, f"--{name.replace('_', '-')} on the command line")
            for name, value in (flags or {}).items()
            if value is not None
        },
    }


def judge(given: Mapping[str, Given]) -> Settings:
    """What was given, if it means something. Raises SettingsError naming the source of a value that means nothing."""
    values = {name: _judged(name, each) for name, each in given.items()}
    try:
        return Settings(**values)  # type: ignore[arg-type]  # each value was typed by its field's name just above
    except SettingsError as problem:
        sources = [f"{name} from {given[name].source}" for name in problem.settings if given[name].source != DEFAULT]
        # An address given where a name belongs may hold a password too.
        problem.message = f"{', '.join(sources)}: {masked(problem.message)}"
        problem.args = (problem.message,)
        raise


def _judged(name: str, given: Given) -> object:
    try:
        return typed(name, given.value)
    except ValueError as problem:
        raise SettingsError(
            f"{name} from {given.source}: {masked(str(problem))}", remedy="Correct or remove it.", settings=(name,)
        ) from None


def _from_config(path: Path | None) -> Mapping[str, object]:
    file = path or default_config_file()
    try:
        text = file.read_text("utf-8")
        import tomllib  # most starts have no file

        values = tomllib.loads(text)
    except FileNotFoundError:
        if path is None:
            return {}
        raise SettingsError(f"The config file {file} does not exist.", remedy="Name one that does.") from None
    except (OSError, ValueError) as problem:
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
    if not os.path.isfile(file):  # which a folder that may not be looked into does not break
        return {}
    from dotenv import dotenv_values

    try:
        return {k: v for k, v in dotenv_values(file).items() if v is not None}
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{file} cannot be read: {problem}", remedy="Correct or remove it.") from None


def _from_environment(environment: Mapping[str, str], where: str) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for name, variables in ENVIRONMENT.items():
        for variable in variables:
            if value := environment.get(variable):
                found[name] = Given(value, f"{variable} {where}")
                break
    if "redis_url" not in found and (host := environment.get("REDIS_HOST")):
        used = ", ".join(variable for variable in _REDIS_PARTS if environment.get(variable))
        found["redis_url"] = Given(_redis_url(host, environment, where), f"{used} {where}")
    return found


def _from_otel(environment: Mapping[str, str]) -> dict[str, Given]:
    """What OpenTelemetry's own variables say; of the environment alone, for its packages read no other."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return {"otel": Given(False, "OTEL_SDK_DISABLED in the environment")}
    if "otlp" in re.split(r"[ ,]+", environment.get("OTEL_METRICS_EXPORTER", "").lower()):
        return {"otel": Given(True, "OTEL_METRICS_EXPORTER in the environment")}
    return {}


def _redis_url(host: str, environment: Mapping[str, str], where: str) -> str:
    port = environment.get("REDIS_PORT") or "6379"
    database = environment.get("REDIS_DB") or "0"
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingsError(f"REDIS_PORT {where} cannot be {port!r}.", remedy="Give a port number, such as 6379.")
    user, password = environment.get("REDIS_USERNAME", ""), environment.get("REDIS_PASSWORD", "")
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    address = f"[{host}]" if ":" in host else host
    return f"redis://{login}{address}:{port}/{database}"


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def typed(name: str, value: object) -> object:
    """A value in the type of its setting. Raises ValueError where it has none."""
    if value is None:
        return None
    if name in ("soft_ttl", "hard_ttl"):
        try:
            return float(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is not a number of seconds.") from None
    if name in ("near_cache", "otel"):
        if isinstance(value, bool):
            return value
        if str(value).lower() not in _TRUE + _FALSE:
            raise ValueError(f"{value!r} is neither true nor false.")
        return str(value).lower() in _TRUE
    if name == "metrics":
        return None if str(value).lower() == "off" else str(value)
    if name == "state_dir":
        return Path(str(value)).expanduser()
    return str(value)
