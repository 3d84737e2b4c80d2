"""`reelcache config`: each setting, its value and who gave it, and the files that may give one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import typer

from core.errors import SettingsError
from core.masking import masked, masked_address
from core.settings import CONSISTENCIES, STORES, STRATEGIES, Settings
from core.sources import DOTENV_FILE, REMEMBERED, Given, default_config_file, gather, judge, typed
from tui.commands.running import refuse
from tui.formats import visible
from tui.remembered import Memory, default_memory_file

_ADDRESSES: Final = ("postgres_url", "mongo_url", "redis_url")
_ON_SCREEN: Final = ("theme", "columns", "hidden", "filter", "sort", "descending", "window")
"""What else is remembered and chosen by a person, by its name in `Remembered`."""
_EMBEDDED: Final = "none: the embedded server"

ABOUT: Final = {
    "store": f"Where the movies are: {' or '.join(STORES)}.",
    "postgres_url": "Your own PostgreSQL instead of the embedded one.",
    "mongo_url": "Your own MongoDB instead of the embedded one; mongodb+srv:// for Atlas.",
    "redis_url": "Your own Redis instead of the embedded one; also redis+sentinel:// and redis+cluster://.",
    "strategy": f"How the cache is used: {', '.join(STRATEGIES)}.",
    "near_cache": "Whether what was read from Redis is kept in the program, too, until Redis says that it changed.",
    "soft_ttl": "Seconds for which a cached entry counts as fresh.",
    "hard_ttl": "Seconds for which Redis keeps an entry, at most 30 days.",
    "redis_maxmemory": "Memory of the embedded Redis, as Redis writes it.",
    "state_dir": "Where the embedded servers keep their data.",
    "consistency": f"{' or '.join(CONSISTENCIES)}: whether a save waits until no reader can see the old state.",
    "metrics": "Where the dashboard serves metrics to Prometheus: PORT, of this machine alone, or HOST:PORT; or off.",
    "otel": "Whether the dashboard pushes metrics over OTLP, to where the OTEL_* variables say; needs the extra otel.",
}
_SAMPLES: Final = {
    "postgres_url": "postgresql://me:secret@localhost:5432/movies",
    "mongo_url": "mongodb+srv://me:secret@cluster.example.net/sample_mflix",
    "redis_url": "redis://:secret@localhost:6379/0",
    "metrics": "off",
}


async def show_config(flags: Mapping[str, object], config_file: Path | None, *, as_json: bool) -> int:
    """Print what the dashboard would use, every password masked. Leaves with exit code 2 where a value is wrong."""
    memory = Memory(default_memory_file())
    problem: SettingsError | None = None
    given: dict[str, Given] = {}
    try:
        given = gather(flags, config_file=config_file, fallbacks=memory.settings)
        judge(given)
    except SettingsError as refused:
        problem = refused
    found = as_object(given, config_file or default_config_file(), memory, problem)
    typer.echo(json.dumps(found) if as_json else "\n".join(as_lines(found)))
    if memory.problem is not None:
        typer.echo(visible(f"reelcache: {memory.problem}"), err=True)
    if problem is not None:
        refuse(problem.message, problem.remedy, code=2)
    return 0


def as_object(
    given: Mapping[str, Given], config_file: Path, memory: Memory, problem: SettingsError | None
) -> dict[str, Any]:
    """The answer for a program: `settings` (none where a file cannot be read) and `screen`, each `value` and `source`
    by name; `files`, each `path` and `exists`; and `problem`, what is wrong or null."""
    remembered = msgspec.to_builtins(memory.now)
    files = {"config": config_file, "dotenv": DOTENV_FILE, "remembered": default_memory_file()}
    return {
        "settings": {
            name: {"value": _shown(name, each.value), "source": _source(name, each)} for name, each in given.items()
        },
        "screen": {
            name: {"value": remembered[name], "source": REMEMBERED} for name in _ON_SCREEN if name in remembered
        },
        "files": {name: {"path": str(file.absolute()), "exists": os.path.isfile(file)} for name, file in files.items()},
        "problem": str(problem) if problem is not None else memory.problem,
    }


def as_lines(found: Mapping[str, Any]) -> list[str]:
    """The answer for a person."""
    rows = [
        (name, _none(name) if each["value"] is None else _text(each["value"]), each["source"])
        for part in ("settings", "screen")
        for name, each in found[part].items()
    ]
    names, values = (max((len(row[n]) for row in rows), default=0) for n in (0, 1))
    lines = [f"{name:<{names}}  {value:<{values}}  {source}" for name, value, source in rows]
    files = found["files"]
    labels = {"config": "Config file", "dotenv": ".env", "remembered": "Remembered"}
    return [
        *lines,
        *[""][: len(lines)],
        *(
            f"{label:<11}  {visible(files[name]['path'])}{'' if files[name]['exists'] else ' (does not exist)'}"
            for name, label in labels.items()
        ),
    ]


def _none(name: str) -> str:
    return _EMBEDDED if name in _ADDRESSES else "off"


def example_file() -> str:
    """A config file that changes nothing: each setting explained, its default behind a `#`."""
    defaults = Settings()
    lines = ["# Reelcache's config file. Take away the # before a setting to make it count."]
    for name, about in ABOUT.items():
        value = _SAMPLES.get(name, getattr(defaults, name))
        lines += ["", f"# {about}", f"#{name} = {_toml(value)}"]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def _shown(name: str, value: object) -> object:
    """A value as its type has it where it fits one, without a secret."""
    try:
        value = typed(name, value)
    except ValueError:
        value = str(value)
    if value is None or isinstance(value, bool | float):
        return value
    return masked_address(str(value)) if name in _ADDRESSES else masked(str(value))


def _source(name: str, given: Given) -> str:
    if given.source != REMEMBERED:
        return given.source
    return f"{REMEMBERED} from the screen; the commands use {getattr(Settings(), name)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return visible(", ".join(value) if isinstance(value, list | tuple) else str(value))
