"""The first words between a client and PostgreSQL, in its own protocol: they tell whether a database can be used.

libpq is not asked, for the driver that brings it takes longer to load than the server to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Final

_VERSION: Final = 3 << 16
"""Of the protocol (PostgreSQL, "Message Formats")."""
_READY: Final = b"Z"
_REFUSED: Final = b"E"
_FAREWELL: Final = b"X\0\0\0\4"


async def welcomed(socket: Path, user: str, database: str) -> bool:
    """Whether the server at this socket lets this user into the database, and asks for no password."""
    words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database, ""))
    with contextlib.suppress(OSError, EOFError):
        reader, writer = await asyncio.open_unix_connection(socket)
        with contextlib.closing(writer):
            writer.write(struct.pack("!ii", 8 + len(words), _VERSION) + words)
            kind = b""
            while kind not in (_READY, _REFUSED):
                kind, length = struct.unpack("!ci", await reader.readexactly(5))
                said = await reader.readexactly(length - 4)
                if kind == b"R" and any(said):
                    return False  # it wants a proof of who we are
            writer.write(_FAREWELL)
            return kind == _READY
    return False
