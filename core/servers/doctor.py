"""examine(): how each server would be found, whether it answers, and what to do where it does not."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
import warnings
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import msgspec

from core.encryption import REASONS, fault_in
from core.errors import CacheUnavailable, ReelcacheError, StoreUnavailable, Unavailable
from core.masking import masked
from core.servers.binaries import MISSING, SERVERS, TITLES, ServerName, find_binary
from core.servers.diagnosis import diagnose
from core.servers.embedded import embedded_servers
from core.servers.postgres_files import as_permitted
from core.servers.state import StateFolder
from core.settings import Settings

SECONDS: Final = 5.0
"""How long an address is given to answer."""
_MOST: Final = SECONDS + 1
"""Seconds after which the doctor gives up; a driver that gives up first says better what was wrong."""
OLDEST: Final[dict[ServerName, tuple[int, ...]]] = {"redis": (7, 0), "postgresql": (14,), "mongodb": (6, 0)}
"""The oldest versions that offer what the program uses."""
_NAMES: Final[dict[ServerName, str]] = {"redis": "REDIS_URL", "postgresql": "DATABASE_URL", "mongodb": "MONGO_URL"}
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
# What a driver's complaint means; the drivers' own words may repeat a part of the address.
_COMPLAINTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, remedy)
    for pattern, reason, remedy in (
        (
            r"SSL required|no encryption|SSL off",
            "it wants an encrypted connection",
            "Add sslmode=verify-full to {name}.",
        ),
        (
            r"root certificate file .* does not exist",
            "no file of certificate authorities is there",
            "Name one in {name}: sslrootcert=/path/ca.pem.",
        ),
        (r"invalid SRV host", "DNS leads to a host outside of its domain", "Correct the host in {name}."),
        (
            r"connection (?:is already )?closed|reset by peer",
            "it closes the connection",
            "Perhaps it wants tls=true in {name}.",
        ),
        (r"requires authentication", "it wants a user and a password", "Put them into {name}."),
        (
            r"password|authenticat|WRONGPASS|NOAUTH|auth failed|bad auth",
            "it refuses the user or the password",
            "Correct them in {name}; special characters are written percent-encoded.",
        ),
        (r"NOPERM|not authorized|permission denied", "the user may not do this", "Grant the user more rights."),
        (r"database .* does not exist", "the database does not exist", "Create it, or correct {name}."),
        (
            r"name or service|nodename|resolve|translate host|getaddrinfo|DNS",
            "its host name is unknown",
            "Correct the host in {name}, or check the network.",
        ),
        (
            r"refused|connect call failed",
            "nothing listens there",
            "Start the server, or correct host and port in {name}.",
        ),
        (r"no such file", "its socket does not exist", "Start the server, or correct the path in {name}."),
        (r"ssl|tls|certificate", "the encrypted connection failed", "Check the TLS options in {name}."),
        (r"time.?out|timed out|unreachable", f"no answer within {SECONDS:.0f} seconds", "Check the address in {name}."),
    )
)


class ServerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one server is found and how it fares. `problem` is empty where all is well, running or not."""

    server: ServerName
    found: Literal["url", "wheel", "path", "nowhere"]
    where: str
    """The address, its password masked, or the path of the program."""
    version: str = ""
    running: bool | None = None
    """Whether the embedded server runs; None for a server given by URL."""
    reachable: bool = False
    seconds: float = 0.0
    """How long the answer took: of the server, or of its program where it does not run."""
    problem: str = ""
    remedy: str = ""
    limits: tuple[str, ...] = ()
    """What cannot be had where the server stands, though all is well."""


async def examine(settings: Settings) -> tuple[ServerHealth, ...]:
    """The health of Redis, PostgreSQL and MongoDB under these settings. Starts nothing, changes nothing."""
    return tuple(await asyncio.gather(*(_examine(server, settings) for server in SERVERS)))


async def _examine(server: ServerName, settings: Settings) -> ServerHealth:
    url = settings.url(server)
    return await _given(server, url) if url is not None else await _embedded(server, settings.state_dir)


async def _given(server: ServerName, url: str) -> ServerHealth:
    started = time.perf_counter()
    try:
        version, limits = await _ask(server, url)
    except StoreUnavailable as problem:
        return ServerHealth(
            server=server,
            found="url",
            where=masked(url),
            seconds=time.perf_counter() - started,
            problem=problem.reason,
            remedy=problem.remedy,
        )
    problem_of_age = _too_old(server, version)
    return ServerHealth(
        server=server,
        found="url",
        where=masked(url),
        version=version,
        limits=limits,
        reachable=True,
        seconds=time.perf_counter() - started,
        problem=problem_of_age,
        remedy=f"Point {_NAMES[server]} at a newer server, or leave it out." if problem_of_age else "",
    )


async def _embedded(server: ServerName, state_dir: Path) -> ServerHealth:
    binary = await asyncio.to_thread(find_binary, server)
    if binary is None:
        return ServerHealth(
            server=server, found="nowhere", where="", running=False, problem="not installed", remedy=MISSING[server]
        )
    health = ServerHealth(server=server, found=binary.found, where=str(binary.path), running=False)
    started = time.perf_counter()
    try:
        version = await asyncio.to_thread(_program_version, server, binary.path)
        state = StateFolder(state_dir)
        await asyncio.to_thread(state.inspect)
        if server == "postgresql":
            as_permitted()
        embedded = embedded_servers(state)[server]
        health = msgspec.structs.replace(health, version=version, seconds=time.perf_counter() - started)
        if await asyncio.to_thread(embedded.find) is None:
            embedded.require_space()
            problem = _too_old(server, version)
            return msgspec.structs.replace(health, problem=problem, remedy=MISSING[server] if problem else "")
        health = msgspec.structs.replace(health, running=True)
        started = time.perf_counter()
        version, _ = await _ask(server, embedded.url)
    except ReelcacheError as problem:
        seconds = time.perf_counter() - started
        reason = problem.reason if isinstance(problem, Unavailable) else problem.message
        remedy = "End it with `reelcache stop`; the next start brings it back." if health.running else problem.remedy
        return msgspec.structs.replace(health, seconds=seconds, problem=reason, remedy=remedy)
    return msgspec.structs.replace(health, version=version, reachable=True, seconds=time.perf_counter() - started)


def _program_version(server: ServerName, path: Path) -> str:
    """What `--version` says; raises StoreUnavailable when the program cannot even be loaded."""
    try:
        run = subprocess.run(
            [path, "--version"], capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        reason, remedy = diagnose(server, str(problem))
        raise StoreUnavailable(TITLES[server], f"it cannot be run: {reason}", remedy=remedy) from None
    if run.returncode != 0:
        said = "Illegal instruction" if run.returncode == -4 else run.stderr + run.stdout
        reason, remedy = diagnose(server, said)
        raise StoreUnavailable(TITLES[server], f"it cannot be run: {reason}", remedy=remedy)
    found = _VERSION.search(run.stdout)
    return found.group() if found else ""


async def _ask(server: ServerName, url: str) -> tuple[str, tuple[str, ...]]:
    """The version that the server at this address gives, and what cannot be had there.

    Raises StoreUnavailable, in words without a secret."""
    asking = {"redis": _ask_redis, "postgresql": _ask_postgresql, "mongodb": _ask_mongodb}[server]
    try:
        async with asyncio.timeout(_MOST):
            return await asking(url)
    except StoreUnavailable:
        raise
    except TimeoutError:
        raise _complaint(server, url, "timed out") from None
    except Exception as problem:
        # Three drivers, each with errors of its own, and OSError and ValueError beside them.
        if encryption := await _encryption(server, url, problem):
            raise encryption from None
        raise _complaint(server, url, str(problem), type(problem).__name__) from None


async def _ask_redis(url: str) -> tuple[str, tuple[str, ...]]:
    from core.cache.info import redis_info
    from core.cache.link import Link

    # As the cache itself would: it knows Sentinels and clusters, and what is addressed as something else.
    link = Link(url, budget=SECONDS)
    try:
        return redis_info(await link.meet()).version, ()
    except CacheUnavailable as problem:
        remedy = problem.remedy.replace("redis_url", _NAMES["redis"])
        raise StoreUnavailable(TITLES["redis"], problem.reason.rstrip("."), remedy=remedy) from None
    finally:
        await link.close()


async def _ask_postgresql(url: str) -> tuple[str, tuple[str, ...]]:
    import psycopg

    from core.stores.postgres import POOLED

    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=int(SECONDS))
    async with connection:
        asked = "select current_setting('server_version'), current_setting('server_encoding'), pg_backend_pid() <> %s"
        answer = await connection.execute(asked, (connection.info.backend_pid,))
        version, encoding, pooled = await answer.fetchone() or ("", "UTF8", False)
    if encoding != "UTF8":
        raise StoreUnavailable(
            "PostgreSQL",
            f"the database has the encoding {encoding}",
            remedy="Create one with `createdb --encoding=UTF8 --template=template0` and name it in DATABASE_URL.",
        )
    return str(version).split()[0], POOLED if pooled else ()


async def _ask_mongodb(url: str) -> tuple[str, tuple[str, ...]]:
    from typing import Any

    import pymongo

    # Of an option that it does not know, the driver would only warn; the store refuses it.
    with warnings.catch_warnings(action="error", category=UserWarning):
        client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(
            # Sooner than the end of our patience: it knows why it found no server.
            url,
            serverSelectionTimeoutMS=int(SECONDS * 800),
        )
    async with client:
        # `hello` is answered to everybody; this shows whether the user is let in, and may read.
        await client.get_default_database("sample_mflix").list_collection_names()
        hello = await client.admin.command("hello")
        version = str((await client.server_info())["version"])
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise StoreUnavailable(
            "MongoDB",
            f"version {version} runs alone, so it has no transactions and no change stream",
            remedy="Start it as a replica set (--replSet), also with one member.",
        )
    return version, ()


async def _encryption(server: ServerName, url: str, problem: Exception) -> StoreUnavailable | None:
    """What is wrong with a certificate, as the store itself says it; None where nothing is."""
    if server == "redis":
        return None
    if isinstance(problem, OSError) and problem.filename:
        return StoreUnavailable(
            TITLES[server],
            f"{problem.filename} cannot be read: {problem.strerror}",
            remedy=f"Correct the file's name in {_NAMES[server]}, or the file.",
        )
    fault = fault_in(str(problem))
    if server == "postgresql":
        from core.stores.postgres_certificate import fault_of, unexplained
        from core.stores.postgres_faults import REMEDIES

        fault = await fault_of(url, SECONDS) if unexplained(problem) else fault
    else:
        from core.stores.mongo_errors import REMEDIES
    if fault is None:
        return None
    remedy = REMEDIES[fault].replace("the URL", _NAMES[server])
    return StoreUnavailable(TITLES[server], f"no encrypted connection: {REASONS[fault]}", remedy=remedy)


def _complaint(server: ServerName, url: str, said: str, kind: str = "") -> StoreUnavailable:
    """What a driver's words and the kind of its error mean; its own words where they mean nothing known."""
    name = _NAMES[server]
    for pattern, reason, remedy in _COMPLAINTS:
        if pattern.search(f"{kind} {said}"):
            return StoreUnavailable(TITLES[server], reason, remedy=remedy.format(name=name))
    reason = (said.strip() or kind).splitlines()[0][:200]
    if any(part in reason for part in _secrets(url)):
        reason = "the address cannot be used"
    return StoreUnavailable(
        TITLES[server], reason, remedy=f"Correct {name}; special characters are written percent-encoded."
    )


def _secrets(url: str) -> set[str]:
    """Every part of an address in which a password, or a part of one, may hide."""
    _, _, rest = url.partition("://")
    login, at, _ = rest.rpartition("@")
    hidden = login if at else ""
    words = re.split(r"[:@/?#&=]", hidden) + re.findall(r"(?i)passw(?:or)?d=([^&]*)", url)
    return {form for word in words if len(word) > 2 for form in (word, unquote(word))}


def _too_old(server: ServerName, version: str) -> str:
    oldest = OLDEST[server]
    if version and tuple(int(part) for part in re.findall(r"\d+", version)[: len(oldest)]) < oldest:
        return f"version {version} is too old, it must be {'.'.join(map(str, oldest))} or newer"
    return ""
