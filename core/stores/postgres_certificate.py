"""Why PostgreSQL's certificate was not accepted: libpq says that it was not, and no more.

So the greeting is done once again, as libpq does it, with a library that gives the reason; nothing is sent beyond it.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from core.encryption import Fault, fault_in

_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
"""Asks whether the server encrypts: it answers with S or N (PostgreSQL, "Message Formats")."""


def unexplained(error: Exception) -> bool:
    """Whether this is libpq's complaint that leaves the reason open."""
    return "certificate verify failed" in str(error)


async def fault_of(url: str, seconds: float) -> Fault | None:
    """What is wrong with the certificate of the first server in the address; None where that cannot be told."""
    with suppress(OSError, ValueError, psycopg.Error, TimeoutError):
        terms = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        host, port = (terms.get(name, "").partition(",")[0] for name in ("host", "port"))
        authority = terms.get("sslrootcert", "")
        context = ssl.create_default_context(cafile=None if authority in ("", "system") else authority)
        context.check_hostname = False  # another name is a thing that libpq does say
        try:
            async with asyncio.timeout(seconds):
                await _greet(host or "localhost", int(port or 5432), context)
        except ssl.SSLError as problem:
            return fault_in(f"{getattr(problem, 'verify_message', '')} {problem}")
    return None


async def _greet(host: str, port: int, context: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_SSL_REQUEST)
        if await reader.readexactly(1) == b"S":
            await writer.start_tls(context, server_hostname=host)
    except asyncio.IncompleteReadError:
        return
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
