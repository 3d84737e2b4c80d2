"""The first words between a client and MongoDB, in its own protocol: they tell whether it takes writes.

The driver is not asked, for to make a client of it takes longer than the server to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Final

_MESSAGE: Final = 2013
"""OP_MSG (MongoDB Wire Protocol)."""
_MOST: Final = 1_000_000
"""Bytes; far more than the answer has."""
_HELLO: Final = b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
"""The command, without the length and the end of a document (BSON)."""
_PRIMARY: Final = b"\x08isWritablePrimary\0\x01"
"""What the document of a primary holds."""


async def is_primary(socket: Path) -> bool:
    """Whether the server at this socket is the primary of its replica set, and so takes writes."""
    document = struct.pack("<i", len(_HELLO) + 5) + _HELLO + b"\0"
    body = struct.pack("<iB", 0, 0) + document
    with contextlib.suppress(OSError, EOFError):
        reader, writer = await asyncio.open_unix_connection(socket)
        with contextlib.closing(writer):
            writer.write(struct.pack("<iiii", 16 + len(body), 1, 0, _MESSAGE) + body)
            (length,) = struct.unpack("<i", await reader.readexactly(4))
            return 4 < length <= _MOST and _PRIMARY in await reader.readexactly(length - 4)
    return False
