"""What PostgreSQL's own errors mean to a person: the reason in words, and what to do about it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from psycopg import errors

from core.encryption import CLOCKS, REASONS, RENEW, Fault, fault_in
from core.errors import StoreUnavailable
from core.masking import masked

OLDEST: Final = 14
"""The first major version of PostgreSQL that has everything the schema needs."""

_BY_CLASS: Final[tuple[tuple[type[psycopg.Error], str, str], ...]] = (
    (errors.QueryCanceled, "took too long and was stopped", "Try again, or look at the load of the server."),
    (errors.LockNotAvailable, "waited too long for a lock", "Try again, or end the transaction that holds it."),
    (errors.ReadOnlySqlTransaction, "accepts no writes", "Name the primary server in the URL, not a standby."),
    (errors.DiskFull, "has no disk space left", "Make room on the disk of the server."),
    (errors.OutOfMemory, "has no memory left", "Free memory on the server."),
    (errors.TooManyConnections, "has no connection left", "Close other programs, or raise max_connections."),
    (errors.InsufficientPrivilege, "does not allow this", "Grant the user of the URL CREATE on the database."),
    (errors.AdminShutdown, "is shutting down", "Start it again."),
    (errors.CrashShutdown, "is restarting after a crash", "Try again in a moment."),
    (errors.CannotConnectNow, "is starting or stopping", "Try again in a moment."),
    (errors.InvalidPassword, "refused the password", "Correct user and password in the URL."),
    (errors.InvalidAuthorizationSpecification, "refused the user", "Correct user and password in the URL."),
    (errors.InvalidCatalogName, "has no such database", "Create the database, or correct its name in the URL."),
    (errors.UndefinedTable, "lacks a table of ours", "Start the program again: it creates what is missing."),
    (errors.InvalidSchemaName, "lacks our schema", "Start the program again: it creates what is missing."),
    (errors.DataError, "refused a value", "Correct the movie."),
)
REMEDIES: Final[dict[Fault, str]] = {  # also what the doctor says
    "expired": RENEW,
    "early": CLOCKS,
    "name": "Name the host in the URL as the certificate does, or settle for sslmode=verify-ca.",
    "authority": "Name the authority's file in the URL: sslrootcert=/path/ca.pem.",
    "wanted": "Name it in the URL: sslcert=/path/client.pem&sslkey=/path/client.key.",
    "refused": "Give one that its authority has signed: sslcert and sslkey in the URL.",
    "plain": "Leave sslmode out of the URL, or switch ssl on in the server's configuration.",
}
_BY_TEXT: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "statement pooling mode",
        "is behind a pooler that hands its connections on after each statement",
        "Set pool_mode = transaction there, or name the server itself in the URL.",
    ),
    (
        "server login has been failing|server_login_retry|no more connections allowed|cannot connect to server",
        "is a pooler that cannot reach its server",
        "Look whether PostgreSQL runs there.",
    ),
    (
        "SSL required|no encryption|SSL off",
        "wants an encrypted connection",
        "Add sslmode=verify-full and sslrootcert=/path/ca.pem to the URL.",
    ),
    (
        "root certificate file .* does not exist",
        "no file of certificate authorities is there",
        "Name one in the URL: sslrootcert=/path/ca.pem, or sslrootcert=system for the system's own.",
    ),
    (
        "password authentication failed|no password supplied|SASL authentication failed",
        "refused the user or the password",
        "Correct user and password in the URL.",
    ),
    ("no pg_hba.conf entry", "does not let this user in from here", "Allow it in the server's pg_hba.conf."),
    ("database .* does not exist", "has no such database", "Create the database, or correct its name in the URL."),
    ("role .* does not exist", "knows no such user", "Correct the user in the URL."),
    ("refused|no such file or directory", "nobody listens there", "Start the server, or correct host and port."),
    (
        "resolve host|name or service not known|could not translate host name",
        "the host name is unknown",
        "Correct the host in the URL.",
    ),
    ("timeout expired|timed out", "does not answer", "Look whether the server runs and can be reached."),
    ("too many clients|remaining connection slots", "has no connection left", "Close other programs first."),
    ("starting up|shutting down|recovery mode", "is starting or stopping", "Try again in a moment."),
    ("ssl|certificate", "no secure connection came about", "Correct sslmode and certificates in the URL."),
    (
        'missing "="|invalid (uri|connection|port|integer|percent)|unexpected character',
        "the URL is not understood",
        "Write it as postgresql://user:password@host:5432/database.",
    ),
)


class ConnectionLost(StoreUnavailable):
    """The connection broke under a statement: whether the statement ran is not known.

    `timed_out`: we broke it, because the server kept silent."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__("PostgreSQL", reason, remedy="Look whether the server runs and can be reached.")
        self.timed_out = timed_out


def unavailable(error: psycopg.Error, url: str, fault: Fault | None = None) -> StoreUnavailable:
    """The error to raise in the place of a driver's: which server, what is wrong, what to do. Holds no password.

    `fault`: what is wrong with the encryption, where somebody has found out more than the driver says."""
    said = _without_secrets(_first_line(error), url)
    reason, remedy = _meaning(error, said) if fault is None else _encryption(fault)
    return StoreUnavailable("PostgreSQL", f"{masked(url)} {reason} ({said})" if said else reason, remedy=remedy)


def pooled_by_statement(error: psycopg.Error) -> bool:
    """Whether a pooler ended the connection because it hands each statement to another session."""
    return "statement pooling mode" in str(error)


def lost(url: str) -> ConnectionLost:
    """The connection is gone, and the server said nothing about why."""
    return ConnectionLost(f"the connection to {masked(url)} was lost")


def silent(url: str, seconds: float) -> ConnectionLost:
    """The server did not answer in time."""
    return ConnectionLost(f"{masked(url)} did not answer within {seconds:g} s", timed_out=True)


def refusal(version: int, encoding: str, url: str) -> StoreUnavailable | None:
    """Why this server cannot keep the movies: `version` as libpq counts it (140005 is 14.5); None if it can."""
    if version < OLDEST * 10_000:
        old = f"{version // 10_000}.{version % 10_000}" if version >= 100_000 else str(version // 10_000)
        return StoreUnavailable(
            "PostgreSQL",
            f"{masked(url)} is PostgreSQL {old}, too old",
            remedy=f"Use PostgreSQL {OLDEST} or newer, or leave the URL out: the program brings one along.",
        )
    if encoding != "UTF8":
        return StoreUnavailable(
            "PostgreSQL",
            f"the database of {masked(url)} has the encoding {encoding}",
            remedy="Create one with `createdb --encoding=UTF8 --template=template0` and name it in the URL.",
        )
    return None


def _meaning(error: psycopg.Error, said: str) -> tuple[str, str]:
    for kind, reason, remedy in _BY_CLASS:
        if isinstance(error, kind):
            return reason, remedy
    if isinstance(error, psycopg.OperationalError) and (fault := fault_in(said)) is not None:
        return _encryption(fault)
    for pattern, reason, remedy in _BY_TEXT:
        if re.search(pattern, said, re.IGNORECASE):
            return reason, remedy
    return "failed", "Look into the log of the server."


def _encryption(fault: Fault) -> tuple[str, str]:
    return f"cannot be reached by TLS: {REASONS[fault]}", REMEDIES[fault]


def _first_line(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return said.strip().partition("\n")[0]


def _without_secrets(text: str, url: str) -> str:
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return masked(text)


def _secrets(url: str) -> set[str]:
    found = set(re.findall(r"://[^:@/\s]*:([^\s]*)@", url))
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        found |= {parts.password or "", *asked.get("password", ()), *asked.get("sslpassword", ())}
    except ValueError:  # not a URL at all: the pattern above found what there is
        pass
    found |= {unquote(secret) for secret in found}
    # A character left unquoted moves what follows it to the host, the port or the database's name.
    found |= {part for secret in found for part in re.split(r"[@/:?#]", secret) if len(part) > 2}
    return found - {""}
