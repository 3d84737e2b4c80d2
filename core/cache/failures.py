"""What went wrong between us and Redis, in words, and what it says about the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from errno import ECONNREFUSED
from typing import Final, Literal

from core.cache.address import Address, Cluster, Route, Sentinels, Uncertified, Unencrypted, Unreadable
from core.cache.permissions import is_refusal, lacking
from core.cache.wire import NotRedis, Refused
from core.encryption import CLOCKS, REASONS, RENEW, Fault, fault_in
from core.errors import CacheUnavailable

Meaning = Literal["refused", "failed", "down"]
"""The server is well but refused this command; the call failed; or no call can succeed for now."""

_DOWN_REPLIES = ("MISCONF", "MASTERDOWN", "CLUSTERDOWN")
_MOVING_REPLIES = ("MOVED", "ASK", "TRYAGAIN")
_LOGIN_REPLIES = ("WRONGPASS", "NOAUTH")
_LOGIN_WORDS = ("ERR invalid password", "ERR AUTH", "ERR Client sent AUTH")


_OURS: Final = "Name it in redis_url: ssl_certfile=/path/client.pem&ssl_keyfile=/path/client.key."
_REMEDIES: Final[dict[Fault, str]] = {
    "expired": RENEW,
    "early": CLOCKS,
    "name": "Name the host in redis_url as the certificate does, or add ssl_check_hostname=false.",
    "authority": "Name the authority's file in redis_url: ssl_ca_certs=/path/ca.pem.",
    "wanted": _OURS,
    "refused": "Give one that its authority has signed: ssl_certfile and ssl_keyfile in redis_url.",
    "plain": "Write redis:// instead of rediss:// in redis_url.",
}
_PERHAPS_ENCRYPTED: Final = "Check host and port in redis_url; where TLS alone is spoken, write rediss in its scheme."
_UNCHECKED: Final = "or add ssl_check_hostname=false to redis_url."
_ANNOUNCED_BY_SENTINELS: Final = (
    "Have it announce the name in its certificate (replica-announce-ip, and resolve-hostnames and announce-hostnames"
    f" of the Sentinels), {_UNCHECKED}"
)
_ANNOUNCED_BY_NODES: Final = (
    "Have it announce the name in its certificate (cluster-announce-hostname, and cluster-preferred-endpoint-type"
    f" hostname), {_UNCHECKED}"
)


def explain(
    error: BaseException, address: str, budget: float, user: str = "", route: Route | None = None
) -> tuple[CacheUnavailable, Meaning]:
    """The error for the caller, and its meaning for the breaker. `address` has its password masked already; `user` is
    who we are to the server, and `route` how it was found."""
    if isinstance(error, CacheUnavailable):
        return error, "down"
    if isinstance(error, TimeoutError):
        reason = f"no answer from {address} within {budget * 1000:.0f} ms."
        return _unavailable(reason, "Check the server, and redis_url (rediss:// is for TLS alone)."), "failed"
    if isinstance(error, NotRedis):
        return _unavailable(f"{address} does not speak the Redis protocol.", "Check redis_url."), "down"
    if isinstance(error, Refused):
        return _refused(error, address, user)
    if isinstance(error, Unreadable):
        return _unavailable(f"{error}.", "Correct the file's name in redis_url, or the file."), "down"
    if (encryption := _encryption(error, route)) is not None:
        reason, remedy = encryption
        return _unavailable(f"{address} cannot be reached by TLS: {reason}.", remedy), "down"
    # asyncio folds the refusals of a name's several addresses into one OSError, which keeps their numbers as text only.
    refused = isinstance(error, ConnectionRefusedError | FileNotFoundError) or f"[Errno {ECONNREFUSED}]" in str(error)
    if refused:
        return _unavailable(f"nobody listens at {address}.", "Start the server or correct redis_url."), "down"
    if isinstance(error, Unencrypted):
        return _unavailable(f"{address} ended the connection before it said anything.", _PERHAPS_ENCRYPTED), "failed"
    words = (error.strerror if isinstance(error, OSError) else "") or str(error) or "the connection was lost"
    return _unavailable(f"{address} cannot be reached: {words}.", "Check host and port in redis_url."), "failed"


def most_telling(answers: Sequence[tuple[Address, object]]) -> tuple[Address, Exception]:
    """Of the failures among these the one that says most: of somebody who was there, and had something against us."""
    failures = [(place, answer) for place, answer in answers if isinstance(answer, Exception)]
    return min(failures, key=lambda failure: _silence(failure[1]))


def _silence(error: Exception) -> int:
    if isinstance(error, Refused | NotRedis | Unreadable) or _encryption(error, None) is not None:
        return 0
    return 1 if isinstance(error, Unencrypted | TimeoutError) else 2


def _encryption(error: BaseException, route: Route | None) -> tuple[str, str] | None:
    """What went wrong with the encryption, and the remedy; None where nothing did."""
    import ssl

    if isinstance(error, Uncertified):
        return "it ended the connection; perhaps it asks for a certificate of ours", _OURS
    if not isinstance(error, ssl.SSLError):
        return None
    said = f"{error.reason or ''} {getattr(error, 'verify_message', '')} {error}"
    fault = fault_in(said)
    if fault == "name" and isinstance(route, Sentinels | Cluster):
        return REASONS[fault], _ANNOUNCED_BY_SENTINELS if isinstance(route, Sentinels) else _ANNOUNCED_BY_NODES
    if fault is not None:
        return REASONS[fault], _REMEDIES[fault]
    return (error.reason or "the encryption failed").replace("_", " ").lower(), "Check the ssl_ options in redis_url."


def _refused(refusal: Refused, address: str, user: str) -> tuple[CacheUnavailable, Meaning]:
    words = str(refusal)
    if refusal.code in _LOGIN_REPLIES or words.startswith(_LOGIN_WORDS):
        return _unavailable(f"{address} refused the login.", "Check user and password in redis_url."), "down"
    if is_refusal(refusal):
        what, line = lacking(refusal, user)
        return _unavailable(f"the user {user or 'default'} at {address} {what}.", f"Allow it: {line}"), "down"
    if refusal.code == "LOADING":
        return _unavailable(f"{address} is still loading its data.", "It will be used when ready."), "down"
    if refusal.code == "READONLY":
        return _unavailable(f"{address} is a read-only replica.", "Point redis_url at the primary."), "down"
    if refusal.code == "OOM":
        reason = f"{address} has reached its maxmemory."
        return _unavailable(reason, "Raise it, or choose an eviction policy such as allkeys-lru."), "refused"
    if words.startswith("ERR DB index is out of range"):
        return _unavailable(f"{address} has no database of that number.", "Correct it in redis_url."), "down"
    if refusal.code in _MOVING_REPLIES:
        return _unavailable(f"{address} gives the cache's slot to another node.", "It is followed there."), "down"
    if refusal.code in _DOWN_REPLIES:
        return _unavailable(f"{address} cannot serve: {words}"), "down"
    return _unavailable(f"{address} refused a command: {words}"), "refused"


def misaddressed(
    info: Mapping[str, str], address: str, server: Address | None, route: Route | None
) -> CacheUnavailable | None:
    """What a server that says this of itself should have been addressed as; None where all is well."""
    mode = info.get("redis_mode", "standalone")
    scheme, place = ("redis", "host:port") if server is None else (server.scheme, str(server))
    if mode == "sentinel":
        service = info.get("master0", "name=service").partition("name=")[2].partition(",")[0]
        remedy = f"Write {scheme}+sentinel://{place}/{service} in redis_url."
        return _unavailable(f"{address} is a Sentinel, which keeps no data.", remedy)
    if mode == "cluster" and not isinstance(route, Cluster):
        return _unavailable(f"{address} is a node of a cluster.", f"Write {scheme}+cluster://{place} in redis_url.")
    return None


def read_only(address: str, route: Route | None) -> CacheUnavailable:
    """The error for a replica at the end of this route."""
    found = isinstance(route, Sentinels | Cluster)
    remedy = "The cache is used again when a primary was found." if found else "Point redis_url at the primary."
    return _unavailable(f"{address} is a read-only replica.", remedy)


def _unavailable(reason: str, remedy: str = "") -> CacheUnavailable:
    return CacheUnavailable("Redis", reason, remedy=remedy)
