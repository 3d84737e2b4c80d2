"""Why a server did not start, in a person's words: what its last words mean and what to do about them."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from core.servers.binaries import ServerName

_RESET: Final = "`reelcache reset` starts afresh (edits are lost)."
_OTHERWISE: Final[dict[ServerName, str]] = {
    "redis": "or give REDIS_URL",
    "postgresql": "or give DATABASE_URL",
    "mongodb": "or give MONGO_URL, or stay on PostgreSQL",
}
# A pattern in what the server said, what it means, what to do; {0} is what the pattern caught.
_MEANINGS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, remedy)
    for pattern, reason, remedy in (
        (r"(libcurl\.so\S*): cannot open", "{0} is missing", "Install it (apt install libcurl4, dnf install libcurl)"),
        (
            r"(lib(?:ssl|crypto)\.so\.3): cannot open",
            "{0} is missing: it needs OpenSSL 3",
            "Install it (apt install libssl3), or use a newer system",
        ),
        (r"(lib\S+\.so\S*): cannot open shared", "{0} is missing", "Install the package that brings it"),
        (r"Library not loaded: (\S+)", "{0} is missing", "Install the package that brings it"),
        (r"version `(GLIBC\S*)' not found", "this system is too old: it needs {0}", "Use a newer system"),
        (r"Illegal instruction", "this processor lacks instructions that it needs (AVX)", "Use another machine"),
        (
            r"Exec format error|bad CPU type",
            "it was built for another kind of processor",
            "Install one for this machine",
        ),
        (
            r"FATAL CONFIG FILE ERROR.*\n.*\n>>> '(.*)'\n(.*)",
            "it refuses the setting {0}: {1}",
            "Correct redis_maxmemory",
        ),
        (r"Permission denied", "the system does not let us run or read what it needs", "Check the permissions"),
        (r"No space left on device|disk quota exceeded", "the disk of the state folder is full", "Free some space"),
        (
            r"initialized by PostgreSQL version (\S+?),? which is not compatible with this version (\S+?)\.?\s",
            "its data was made by PostgreSQL {0}, and this is {1}",
            f"{_RESET} Else install PostgreSQL {{0}}",
        ),
        (
            r"(?:UPGRADE PROBLEM|IncompatibleServerVersion|Wrong mongod version|requested: WT_NOTSUP)",
            "its data was made by another version of MongoDB",
            f"{_RESET} Else install the version that made it",
        ),
    )
)
_TELLING: Final = re.compile(r"fatal|error|panic|failed|cannot|could not|can't", re.IGNORECASE)


class _MongoLine(msgspec.Struct):
    s: str = ""
    msg: str = ""
    attr: dict[str, object] = {}


def diagnose(server: ServerName, said: str) -> tuple[str, str]:
    """What the last words of a server mean, and the remedy."""
    for pattern, reason, remedy in _MEANINGS:
        if found := pattern.search(said):
            caught = found.groups()
            return reason.format(*caught), f"{remedy.format(*caught)}, {_OTHERWISE[server]}."
    return telling_line(said) or "it left no word", ""


def telling_line(said: str) -> str:
    """The last line that tells of something wrong, else the last line, at most 300 characters."""
    lines = [_plain(line) for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or [""])[-1][:300]


def _plain(line: str) -> str:
    """A line as it stands, or the heart of a line that mongod wrote as JSON."""
    if not line.startswith("{"):
        return line.strip()
    try:
        entry = msgspec.json.decode(line, type=_MongoLine)
    except msgspec.MsgspecError:
        return line.strip()
    if entry.s not in ("E", "F"):
        return ""
    return f"{entry.msg} {entry.attr.get('error', '') or entry.attr or ''}".strip()
