"""What went wrong between us and Redis, in words, and what it says about the server."""

from __future__ import annotations

from errno import ECONNREFUSED
from typing import Literal

from core.cache.wire import NotRedis, Refused
from core.errors import CacheUnavailable

Meaning = Literal["refused", "failed", "down"]
"""The server is well but refused this command; the call failed; or no call can succeed for now."""

_DOWN_REPLIES = ("MISCONF", "MASTERDOWN", "CLUSTERDOWN")
_LOGIN_REPLIES = ("WRONGPASS", "NOAUTH")
_LOGIN_WORDS = ("ERR invalid password", "ERR AUTH", "ERR Client sent AUTH")


def explain(error: BaseException, address: str, budget: float) -> tuple[CacheUnavailable, Meaning]:
    """The error for the caller, and its meaning for the breaker. `address` has its password masked already."""
    if isinstance(error, CacheUnavailable):
        return error, "down"
    if isinstance(error, TimeoutError):
        reason = f"no answer from {address} within {budget * 1000:.0f} ms."
        return _unavailable(reason, "Check the server, and redis_url (rediss:// is for TLS alone)."), "failed"
    if isinstance(error, NotRedis):
        return _unavailable(f"{address} does not speak the Redis protocol.", "Check redis_url."), "down"
    if isinstance(error, Refused):
        return _refused(error, address)
    # asyncio folds the refusals of a name's several addresses into one OSError, which keeps their numbers as text only.
    refused = isinstance(error, ConnectionRefusedError | FileNotFoundError) or f"[Errno {ECONNREFUSED}]" in str(error)
    if refused:
        return _unavailable(f"nobody listens at {address}.", "Start the server or correct redis_url."), "down"
    words = (error.strerror if isinstance(error, OSError) else "") or str(error) or "the connection was lost"
    return _unavailable(f"{address} cannot be reached: {words}.", "Check host and port in redis_url."), "failed"


def _refused(refusal: Refused, address: str) -> tuple[CacheUnavailable, Meaning]:
    words = str(refusal)
    if refusal.code in _LOGIN_REPLIES or words.startswith(_LOGIN_WORDS):
        return _unavailable(f"{address} refused the login.", "Check user and password in redis_url."), "down"
    if refusal.code == "NOPERM":
        reason = f"the user at {address} lacks a permission ({words.partition(' ')[2]})."
        return _unavailable(reason, "Allow it the commands and keys of the cache (rc:*)."), "down"
    if refusal.code == "LOADING":
        return _unavailable(f"{address} is still loading its data.", "It will be used when ready."), "down"
    if refusal.code == "READONLY":
        return _unavailable(f"{address} is a read-only replica.", "Point redis_url at the primary."), "down"
    if refusal.code == "OOM":
        reason = f"{address} has reached its maxmemory."
        return _unavailable(reason, "Raise it, or choose an eviction policy such as allkeys-lru."), "refused"
    if words.startswith("ERR DB index is out of range"):
        return _unavailable(f"{address} has no database of that number.", "Correct it in redis_url."), "down"
    if refusal.code in _DOWN_REPLIES:
        return _unavailable(f"{address} cannot serve: {words}"), "down"
    return _unavailable(f"{address} refused a command: {words}"), "refused"


def told(problem: CacheUnavailable) -> str:
    """The reason and what to do about it, as the breaker keeps them for the person."""
    return f"{problem.reason} {problem.remedy}".strip()


def _unavailable(reason: str, remedy: str = "") -> CacheUnavailable:
    return CacheUnavailable("Redis", reason, remedy=remedy)
