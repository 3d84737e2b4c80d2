"""Replies: what the scripts answer, as verdicts of the protocol."""

from __future__ import annotations

from typing import Final

import msgspec

from core.cache.entry import Entry, entry_in
from core.cache.protocol import AcquireVerdict, FillVerdict, FinishVerdict, InvalidateVerdict

FILLED: Final[dict[bytes, FillVerdict]] = {
    b"set": "set",
    b"lease_lost": "lease_lost",
    b"writing": "writing",
    b"below_floor": "below_floor",
    b"newer": "newer",
}
FINISHED: Final[dict[bytes, FinishVerdict]] = {
    b"set": "set",
    b"newer": "newer",
    b"contended": "contended",
    b"token_lost": "token_lost",
    b"dropped": "dropped",
}
INVALIDATED: Final[dict[bytes, InvalidateVerdict]] = {b"dropped": "dropped", b"newer": "newer", b"absent": "absent"}


class Acquired(msgspec.Struct, frozen=True):
    """What `acquire` gave: the entry on "hit", the right to fill on "token", else why to load without filling."""

    verdict: AcquireVerdict
    entry: Entry | None = None


_WRITING: Final = Acquired("writing")
_WITHOUT_ENTRY: Final = {b"token": Acquired("token"), b"loading": Acquired("loading"), b"writing": _WRITING}


def acquired(reply: bytes | list[bytes]) -> Acquired:
    """What a reply to `acquire` says."""
    if isinstance(reply, bytes):
        return _WITHOUT_ENTRY[reply]
    entry = entry_in(reply[1])
    # Bytes that only look like an entry: nobody may read them, and until they expire nobody can replace them.
    return Acquired("hit", entry) if entry is not None else _WRITING
