"""Greeting: what a server is asked before it is used, and whether it can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from core.cache import scripts
from core.cache.address import Route
from core.cache.failures import read_only
from core.cache.info import info_fields, life
from core.cache.keys import NOWHERE
from core.cache.permissions import Lacking, is_refusal, permitted_call
from core.cache.wire import Command, Refused, Reply
from core.errors import CacheUnavailable

OLDEST: Final = (7, 0)

ASKED: Final[tuple[Command, ...]] = (
    ("PING",),
    ("INFO",),
    ("TIME",),
    # The name is one that nobody uses: of its slot, a node that is about to give it away says so.
    ("EXISTS", NOWHERE),
    *(("SCRIPT", "LOAD", script.source) for script in scripts.ALL),
    permitted_call(scripts.PERMITTED.digest),
)
"""Who it is, how late it is there, and what we may do; the scripts are left there."""


class Greeted(msgspec.Struct, frozen=True):
    """A server that can be used: what it says of itself, which of its lives this is, and its clock (Unix seconds)."""

    info: bytes
    life: str
    time: float


def judged(
    replies: Sequence[Reply], address: str, route: Route | None, refusal: Callable[[Exception], CacheUnavailable]
) -> Greeted:
    """What the replies to ASKED say. Raises CacheUnavailable where this server cannot be used."""
    _require(replies[:3], refusal)
    info = info_fields(replies[1])
    version = info.get("redis_version", "")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        reason = f"{address} is version {version or 'unknown'}."
        raise CacheUnavailable("Redis", reason, remedy="Use Redis 7.0 or later.")
    if info.get("role") != "master":
        raise read_only(address, route)
    _require(replies[3:-1], refusal)
    _require_permissions(replies[-1], refusal)
    seconds, microseconds = replies[2]
    return Greeted(replies[1], life(info), int(seconds) + int(microseconds) / 1e6)


def _require(replies: Sequence[Reply], refusal: Callable[[Exception], CacheUnavailable]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise refusal(reply)


def _require_permissions(refused: Reply, refusal: Callable[[Exception], CacheUnavailable]) -> None:
    """Refuse a user who may not do all that the cache does."""
    if isinstance(refused, Refused) and not is_refusal(refused):
        return  # a server of another make, which does not judge before it is asked
    if isinstance(refused, Exception):
        raise refusal(refused)
    if refused:
        raise refusal(Lacking([command.decode() for command in refused]))
