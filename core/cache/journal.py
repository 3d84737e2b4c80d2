"""Journal: the ids of what changed, in the order in which the cache was told, for whoever keeps something derived.

It is a bounded stream in Redis. A reader remembers the last entry that it has seen, with the random token in it: as
long as that very entry is there, what stands behind it is all that happened since. Where it is not (evicted, flushed,
cut off by age, another server's), everything may have happened.
"""

from __future__ import annotations

from typing import Final

import msgspec

from core.cache.keys import Key

JOURNAL: Final = Key("journal", "changes")
"""Its gate is the stream; it has no entry."""
MOST: Final = 256
"""Entries behind the last one seen that are worth being read."""


class Place(msgspec.Struct, frozen=True):
    """An entry of the journal."""

    entry: bytes
    token: bytes


class Changes(msgspec.Struct, frozen=True):
    """The ids that were noted behind a place, the place behind them, and the tokens of the notes of each."""

    ids: tuple[str, ...]
    place: Place
    tokens: dict[str, list[bytes]]


def changes(place: Place, entries: list[tuple[bytes, list[bytes]]]) -> Changes | None:
    """What the entries from this place on say; None where it is not there any more, or too much came since."""
    if not entries or len(entries) > MOST or place_of(entries[0]) != place:
        return None
    found: dict[str, list[bytes]] = {}
    for _, fields in entries[1:]:
        for id in fields[3].decode("utf-8", "surrogatepass").split("\n"):
            found.setdefault(id, []).append(fields[1])
    found.pop("", None)
    return Changes(tuple(found), place_of(entries[-1]), found)


def place_of(entry: tuple[bytes, list[bytes]]) -> Place:
    """Where an entry stands."""
    return Place(entry[0], entry[1][1])
