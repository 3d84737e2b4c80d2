"""Replies: what the scripts answer, as verdicts of the protocol."""

from __future__ import annotations

from typing import Final

import msgspec

from core.cache.entry import Entry, entry_in
from core.cache.protocol import AcquireVerdict, FillVerdict, FinishVerdict, InvalidateVerdict

ACQUIRED: Final[dict[bytes, AcquireVerdict]] = {
    b"hit": "hit",
    b"token": "token",
    b"loading": "loading",
    b"writing": "writing",
}
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


def acquired(reply: list[bytes]) -> Acquired:
    """What a reply to `acquire` says."""
    if len(reply) == 1:
        return Acquired(ACQUIRED[reply[0]])
    entry = entry_in(reply[1])
    # Bytes that only look like an entry: nobody may read them, and until they expire nobody can replace them.
    return Acquired("hit", entry) if entry is not None else Acquired("writing")
