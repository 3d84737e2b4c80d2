"""The protocol's verbs as Lua scripts, read from `core/cache/lua`."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

import msgspec

_FOLDER: Final = files("core.cache.lua")


class Script(msgspec.Struct, frozen=True):
    """A script and the SHA-1 by which Redis knows it."""

    source: bytes
    digest: str


def _read(name: str, *, shared: bool = True) -> Script:
    # Redis wants the flags in the very first line, so the shared part goes behind it.
    flags, body = _FOLDER.joinpath(f"{name}.lua").read_text("ascii").split("\n", 1)
    if not shared:
        source = f"{flags}\n{body}".encode("ascii")
        return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())
    source = f"{flags}\n{_FOLDER.joinpath('prelude.lua').read_text('ascii')}{body}".encode("ascii")
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


ACQUIRE: Final = _read("acquire")
FILL: Final = _read("fill")
BEGIN: Final = _read("begin")
FINISH: Final = _read("finish")
DROP: Final = _read("drop")
ABORT: Final = _read("abort")
INVALIDATE: Final = _read("invalidate")
NOTE: Final = _read("note")
BEAT: Final = _read("beat")
RING: Final = _read("ring")
BOARD: Final = _read("board")
PLACE: Final = _read("place")
SUM: Final = _read("sum")
DECAYED: Final = _read("decayed")
PERMITTED: Final = _read("permitted", shared=False)
ALL: Final = (
    *(PERMITTED, ACQUIRE, FILL, BEGIN, FINISH, DROP, ABORT, INVALIDATE, NOTE, BEAT, RING),
    *(BOARD, PLACE, SUM, DECAYED),
)
