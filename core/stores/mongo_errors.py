"""What MongoDB and its driver complain of, in words for a person: what is wrong, and what to do."""

from __future__ import annotations

from typing import Any, Final

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from core.encryption import CLOCKS, REASONS, RENEW, Fault, fault_in
from core.errors import OutcomeUnknown, StoreUnavailable

SERVER: Final = "MongoDB"
LEAST_VERSION: Final = (6, 0)

_BY_CODE: Final[dict[int, tuple[str, str]]] = {
    18: ("user name or password refused", "Correct them in the URL, and the authSource where the user is kept."),
    8000: ("user name or password refused", "Correct them in the URL."),
    11000: ("a unique index of the collection refuses this movie", "Change the value that another movie has."),
    13: ("this user may not do that", "Give the user the role readWrite on the database."),
    121: ("the collection's own validation rule refuses this movie", "Change the movie, or the rule."),
    14031: ("the server's disk is full", "Free some space there."),
    388: (
        "the server's cache is too small for so large a transaction",
        "Raise its --wiredTigerCacheSizeGB, or load the file in parts.",
    ),
    263: ("the server cannot run transactions", "Run it as a replica set (one member is enough)."),
}
REMEDIES: Final[dict[Fault, str]] = {  # also what the doctor says
    "expired": RENEW,
    "early": CLOCKS,
    "name": "Name the host in the URL as the certificate does, or add tlsAllowInvalidHostnames=true.",
    "authority": "Name the authority's file in the URL: tlsCAFile=/path/ca.pem.",
    "wanted": "Name it in the URL: tlsCertificateKeyFile=/path/client.pem.",
    "refused": "Give one that its authority has signed: tlsCertificateKeyFile in the URL.",
    "plain": "Leave tls=true out of the URL, or switch TLS on in the server's configuration.",
}
_ANSWERS: Final[tuple[tuple[tuple[str, ...], str, str], ...]] = (
    (
        ("no primary", "no replica set members", "not primary", "notwritableprimary", "primarysteppeddown"),
        "has no primary at {address} at the moment",
        "Wait for the election to end, or check the replica set with rs.status().",
    ),
    (("no space left", "outofdiskspace"), *_BY_CODE[14031]),
)
_REASONS: Final[tuple[tuple[tuple[str, ...], str, str], ...]] = (
    (
        ("errno 101", "errno 113", "unreachable"),
        "no route to {address}",
        "Check the network, and the host in the URL.",
    ),
    (
        ("connection refused", "connect call failed"),
        "refuses the connection at {address}",
        "Start the server, or correct the host and port in the URL.",
    ),
    (
        ("wire version",),
        "the server at {address} is too old",
        "Reelcache needs MongoDB 6.0 or newer.",
    ),
    (
        ("invalid srv host",),
        "{address} leads by DNS to a host outside of its own domain",
        "Correct the host in the URL, or allow the other domain there with srvAllowedHostsSuffix=.",
    ),
    (
        ("resolution lifetime expired", "dns operation timed out"),
        "nobody answers for the name in {address}: DNS is silent",
        "Check the network and its name server, or name the hosts with mongodb://.",
    ),
    (
        ("dns", "name or service not known", "nodename nor servname", "name resolution", "getaddrinfo", "no address"),
        "host not found: {address}",
        "Correct the host name in the URL, or check the network.",
    ),
    (
        ("connection closed", "connection is already closed", "reset by peer"),
        "closes the connection at {address}",
        "Perhaps it wants tls=true in the URL, or is no MongoDB server.",
    ),
    (("no such file",), "no socket at {address}", "Start the server, or correct the path in the URL."),
    (("permission denied",), "may not be reached at {address}", "Check who may open the socket."),
    (
        ("certificate", "ssl", "tls"),
        "the encrypted connection to {address} failed",
        "Check tls= and the certificate options in the URL.",
    ),
    *_ANSWERS,
)


def unavailable(problem: Exception, address: str) -> StoreUnavailable:
    """What a person is told about a driver's error."""
    if isinstance(problem, OperationFailure):
        code = _code(problem)
        if code == 13 and "requires authentication" in str(problem):
            return StoreUnavailable(SERVER, f"{address} wants a user and a password", remedy="Put them into the URL.")
        if code in _BY_CODE:
            return StoreUnavailable(SERVER, _BY_CODE[code][0], remedy=_BY_CODE[code][1])
    if isinstance(problem, WaitQueueTimeoutError):
        return StoreUnavailable(
            SERVER,
            f"no connection to {address} became free in time",
            remedy="Wait until the calls under way have ended, or look why they are slow.",
        )
    if isinstance(problem, OperationFailure):
        # It was reached, and may quote the movie that it refuses: no word of that tells of the way there.
        text, reasons = _answer(problem), _ANSWERS
    else:
        text, reasons = " ".join(f"{part}" for part in (problem, problem.__cause__) if part is not None), _REASONS
        if (fault := fault_in(text)) is not None:
            reason = f"{address} cannot be reached by TLS: {REASONS[fault]}"
            return StoreUnavailable(SERVER, reason, remedy=REMEDIES[fault])
    folded = text.casefold()
    for marks, reason, remedy in reasons:
        if any(mark in folded for mark in marks):
            return StoreUnavailable(SERVER, reason.format(address=address), remedy=remedy)
    if isinstance(problem, (ServerSelectionTimeoutError, NetworkTimeout, ExecutionTimeout)) or (
        isinstance(problem, PyMongoError) and problem.timeout
    ):
        return StoreUnavailable(
            SERVER, f"does not answer in time at {address}", remedy="Check the network and how busy the server is."
        )
    return StoreUnavailable(SERVER, _first_line(text), remedy="Look into the server's log, or run the doctor command.")


def may_have_happened(problem: PyMongoError) -> bool:
    """Whether the single command that met this problem may have been carried out all the same."""
    if isinstance(problem, (ServerSelectionTimeoutError, WaitQueueTimeoutError)):
        return False
    return isinstance(problem, (ConnectionFailure, ExecutionTimeout, WriteConcernError))


def outcome_unknown(address: str) -> OutcomeUnknown:
    """The complaint about a write whose answer was lost."""
    return OutcomeUnknown(
        SERVER,
        f"no answer from {address} to a write, which may have been stored or not",
        remedy="Reload to see what is there, then try again.",
    )


def unusable(address: str) -> StoreUnavailable:
    """The complaint about a URL that the driver cannot read.

    Its own words are left out: they may quote a piece of a password that was not percent-encoded."""
    return StoreUnavailable(
        SERVER,
        f"the address {address} cannot be used",
        remedy="Write it as mongodb://user:password@host:port/database, special characters percent-encoded,"
        " and options as the MongoDB manual spells them.",
    )


def unreadable(problem: OSError) -> StoreUnavailable:
    """The complaint about a file that the URL names for the encryption."""
    reason = f"{problem.filename or 'a file that the URL names'} cannot be read: {problem.strerror or problem}"
    return StoreUnavailable(SERVER, reason, remedy="Correct the file's name in the URL, or the file.")


def too_old(version: str) -> StoreUnavailable:
    """The complaint about a server before 6.0."""
    return StoreUnavailable(SERVER, f"version {version} is too old", remedy="Reelcache needs MongoDB 6.0 or newer.")


def standalone(address: str) -> StoreUnavailable:
    """The complaint about a server that is no member of a replica set, so has neither transactions nor a change log."""
    return StoreUnavailable(
        SERVER,
        f"the server at {address} is no replica set",
        remedy="Start mongod with --replSet rs0 and run rs.initiate() once; one member is enough.",
    )


def _code(problem: OperationFailure) -> int | None:
    code: int | None = _first_refusal(problem).get("code") if isinstance(problem, BulkWriteError) else problem.code
    return code


def _answer(problem: OperationFailure) -> str:
    """What the server said. Of a batch the driver says no more than that, and quotes the whole document."""
    if isinstance(problem, BulkWriteError):
        return str(_first_refusal(problem).get("errmsg") or "a batch of movies was refused")
    return str(problem)


def _first_refusal(problem: BulkWriteError) -> dict[str, Any]:
    refusals = [*problem.details.get("writeErrors", ()), *problem.details.get("writeConcernErrors", ())]
    return refusals[0] if refusals else {}


def _first_line(text: str) -> str:
    return (text.splitlines() or ["failed"])[0].split(", full error:")[0][:200]
