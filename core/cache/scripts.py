"""The protocol's verbs as Lua scripts, read from `core/cache/lua`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

_FOLDER: Final = Path(__file__).with_name("lua")
_SHARED_PART: Final = "-- prelude\n"
"""The line in whose place a script has what it shares with others: what the commonest call does without goes before."""
_SHARED: Final = (_FOLDER / "prelude.lua").read_text("ascii")


class Script(msgspec.Struct, frozen=True):
    """A script and the SHA-1 by which Redis knows it."""

    source: bytes
    digest: str


def _read(name: str) -> Script:
    text = (_FOLDER / f"{name}.lua").read_text("ascii")
    source = text.replace(_SHARED_PART, _SHARED, 1).encode("ascii")
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


ACQUIRE: Final = _read("acquire")
FILL: Final = _read("fill")
BEGIN: Final = _read("begin")
FINISH: Final = _read("finish")
DROP: Final = _read("drop")
ABORT: Final = _read("abort")
INVALIDATE: Final = _read("invalidate")
FORGET: Final = _read("forget")
CLEAR: Final = _read("clear")
NOTE: Final = _read("note")
BEAT: Final = _read("beat")
RING: Final = _read("ring")
BOARD: Final = _read("board")
PLACE: Final = _read("place")
SUM: Final = _read("sum")
DECAYED: Final = _read("decayed")
PERMITTED: Final = _read("permitted")
ALL: Final = (
    *(PERMITTED, ACQUIRE, FILL, BEGIN, FINISH, DROP, ABORT, INVALIDATE, FORGET, CLEAR, NOTE, BEAT, RING),
    *(BOARD, PLACE, SUM, DECAYED),
)
