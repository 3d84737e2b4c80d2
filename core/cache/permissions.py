"""Permissions: what a user of Redis must be allowed for the cache to work, and how to allow what is missing.

Redis is asked before anything is used, by a script that runs none of the commands: so what is missing is said at the
start, all at once, and not one by one when a write first comes to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from core.cache.keys import NOWHERE, PREFIX
from core.cache.wire import Command, Refused

_KEY: Final = NOWHERE.decode()
_OF_KEYS: Final = (
    *(f"{name} {_KEY}" for name in ("GET", "MGET", "DEL", "EXISTS", "UNLINK", "HGETALL", "PTTL")),
    *(f"{name} {_KEY} 1" for name in ("HGET", "HDEL", "HMGET", "PEXPIRE")),
    *(f"{name} {_KEY} 0 1" for name in ("GETRANGE", "HSET", "XRANGE", "XREVRANGE")),
    f"SET {_KEY} 1",
    f"XADD {_KEY} * 1 1",
)
_OTHERS: Final = ("PING", "INFO", "TIME", "SCAN 0", "EVALSHA 0 0", "SCRIPT LOAD 0")
NEEDED: Final = (*_OF_KEYS, *_OTHERS)
"""The commands of the cache, as `permitted.lua` takes them: without one of them it is not used."""
_OF_BOARDS: Final = ("zadd", "zrem", "zscore", "zcard", "zrange", "zremrangebyscore", "zremrangebyrank")
_OF_SUMS: Final = ("zincrby", "zunionstore", "hincrby", "hpexpire")
_OF_PLACES: Final = ("geoadd", "geosearch")
OPTIONAL: Final = ("client|tracking", "cluster|slots", "cluster|info", *_OF_BOARDS, *_OF_SUMS, *_OF_PLACES)
"""What else is of use, as access lists name it, for near tiers, clusters, boards, sums and places: who may not do it
lacks that alone."""
_COMMAND: Final = re.compile(r"(?:User (?P<user>\S+) has|has) no permissions to run the '(?P<command>[^']+)' command")
_KEYS: Final = "o permissions to access a key"


class Lacking(Refused):
    """What the user of a new connection may not do: `commands` of NEEDED."""

    def __init__(self, commands: Sequence[str]) -> None:
        super().__init__("NOPERM the user lacks permissions")
        self.commands: Final = tuple(commands)


def permitted_call(digest: str) -> Command:
    """Asks which of the commands are refused."""
    return ("EVALSHA", digest, 0, *NEEDED)


def is_refusal(refusal: Refused) -> bool:
    """Whether this speaks of a missing permission, be it of a command inside a script."""
    return refusal.code == "NOPERM" or str(refusal).startswith("ERR ACL failure in script")


def lacking(refusal: Refused, user: str) -> tuple[str, str]:
    """What the user may not do, and the line that allows it."""
    words = str(refusal)
    if isinstance(refusal, Lacking):
        if {*_OF_KEYS} <= {*refusal.commands}:
            return f"may not use its keys ({PREFIX}*)", _line(user, _access(refusal.commands))
        names = _access(refusal.commands)
        return f"may not run {_listed(names)}", _line(user, names)
    if found := _COMMAND.search(words):
        name = found["command"].lower()
        # Without these nothing else can be asked: so all at once.
        first = name in ("info", "ping", "time", "script|load", "evalsha", "exists", "client|setname")
        all_of_them = dict.fromkeys([*_access(NEEDED), *OPTIONAL, name])
        return f"may not run {_listed([name])}", _line(user, [*all_of_them] if first else [name])
    if _KEYS in words:
        return f"may not use its keys ({PREFIX}*)", _line(user, ())
    return f"lacks a permission ({words.partition(' ')[2]})", _line(user, [*_access(NEEDED), *OPTIONAL])


def _access(commands: Sequence[str]) -> list[str]:
    """The commands as access lists name them."""
    return [
        "script|load" if command.startswith("SCRIPT") else command.partition(" ")[0].lower() for command in commands
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name.replace("|", " ").upper() for name in names)


def _line(user: str, commands: Sequence[str]) -> str:
    allowed = "".join(f" +{name}" for name in commands)
    return f"ACL SETUSER {user or 'default'} ~{PREFIX}*{allowed}"
