"""The caching protocol as a pure state machine: an entry, a gate, and what each verb does to them.

The governing rule: an entry is installed only with proof that nothing made it stale; where the proof is lost, refuse
and leave a miss. A miss is always safe. The proof is a *token*: readers get one from `acquire` (a lease, in Redis
beside the gate), writers from `begin` (an intent). Versions come from the store and order all values of a key.

The scripts in `core/cache/lua` do the same inside Redis; a test holds both together. No I/O and no clock here: `now`
and every deadline are milliseconds on one clock that is handed in.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from core.cache.entry import Entry

AcquireVerdict = Literal["hit", "token", "loading", "writing"]
FillVerdict = Literal["set", "lease_lost", "writing", "below_floor", "newer"]
FinishVerdict = Literal["set", "newer", "contended", "token_lost", "dropped"]
InvalidateVerdict = Literal["dropped", "newer", "absent"]


class Holder(msgspec.Struct, frozen=True):
    """Who holds a token, and the moment (ms) from which it counts no more. A writer's that is `void` still keeps
    readers from filling, but proves nothing any more."""

    token: str
    deadline: int
    void: bool = False


class Gate(msgspec.Struct, frozen=True):
    """Who may install the next entry, and the highest version known to be committed (`floor`)."""

    reader: Holder | None = None
    writers: frozenset[Holder] = frozenset()
    floor: int = 0

    def writes(self, token: str) -> bool:
        """Whether this token is one of a writer in progress, and good."""
        return any(writer.token == token and not writer.void for writer in self.writers)


class State(msgspec.Struct, frozen=True):
    """One key in the cache."""

    entry: Entry | None = None
    gate: Gate = Gate()


def sweep(state: State, now: int) -> State:
    """Drop what has expired. A writer that vanished may have committed: it takes the entry and the reader's token
    along, and leaves the other writers' void."""
    gate = state.gate
    alive = frozenset(writer for writer in gate.writers if writer.deadline > now)
    if alive != gate.writers:
        return State(None, Gate(writers=_void(alive), floor=gate.floor))
    if gate.reader is not None and gate.reader.deadline <= now:
        return _gated(state, reader=None)
    return state


def acquire(
    state: State, now: int, token: str, lease: int, *, refresh: bool = False
) -> tuple[State, AcquireVerdict, Entry | None]:
    """Ask for the entry or for the right to fill it. `refresh` asks for that right although an entry is there."""
    state = sweep(state, now)
    if state.entry is not None and not refresh:
        return state, "hit", state.entry
    if state.gate.writers:
        return state, "writing", None
    if state.gate.reader is not None:
        return state, "loading", None
    return _gated(state, reader=Holder(token, now + lease)), "token", None


def fill(state: State, now: int, token: str, entry: Entry) -> tuple[State, FillVerdict]:
    """Install what was loaded under a token of `acquire`. A known absence has version 0."""
    state = sweep(state, now)
    if state.gate.reader is None or state.gate.reader.token != token:
        return state, "lease_lost"
    state = _gated(state, reader=None)
    present = state.entry
    if state.gate.writers:
        return state, "writing"
    if not entry.known and present is not None and present.known:
        # The row went away behind our back: the value is wrong, and an absence never outranks one.
        gone = _with_entry(state, None)
        return gone, "newer" if entry.version >= gone.gate.floor else "below_floor"
    if entry.version < state.gate.floor:
        return state, "below_floor"
    if present is not None and present.version > entry.version:
        return state, "newer"
    return _with_entry(state, entry), "set"


def begin(state: State, now: int, token: str, write: int, *, hide: bool = True) -> State:
    """Announce a write: until `finish`, `abort` or the deadline nobody fills. `hide` removes the entry now (strict)."""
    state = sweep(state, now)
    void = any(writer.token == token and writer.void for writer in state.gate.writers)
    writers = _without(token, state.gate.writers) | {Holder(token, now + write, void)}
    state = _gated(state, reader=None, writers=writers)
    return _with_entry(state, None) if hide else state


def finish(state: State, now: int, token: str, version: int, entry: Entry | None) -> tuple[State, FinishVerdict]:
    """End a committed write of this version; install its entry, or with None drop the entry."""
    state = sweep(state, now)
    held = state.gate.writes(token)
    writers = _without(token, state.gate.writers)
    floor = max(state.gate.floor, version)
    state = _gated(state, reader=None, writers=writers, floor=floor)
    present = state.entry if state.entry is not None and state.entry.known else None
    if present is not None and present.version >= version:
        return state, "newer"
    if entry is None:
        return _with_entry(state, None), "dropped"
    # Without the token only a live lower *value* proves that nothing newer came and went. An absence proves nothing:
    # the row may have been updated and removed since, and the late writer would bring it back.
    if not writers and version >= floor and (held or present is not None):
        return _with_entry(state, entry), "set"
    return _with_entry(state, None), "contended" if held else "token_lost"


def abort(state: State, now: int, token: str) -> State:
    """End a write that is known to be rolled back. Never for an unknown outcome: let that one expire."""
    state = sweep(state, now)
    return _gated(state, writers=_without(token, state.gate.writers))


def invalidate(state: State, now: int, version: int, *, force: bool = False) -> tuple[State, InvalidateVerdict]:
    """Carry a foreign write of this version in; `force` is for one that left no version: it trusts nothing here.

    Writers in progress go on to keep readers from filling: one who commits next would else be seen in the store by some
    while others are shown what was filled just before."""
    state = sweep(state, now)
    floor = max(state.gate.floor, version)
    writers = _void(state.gate.writers) if force else state.gate.writers
    state = _gated(state, reader=None, writers=writers, floor=floor)
    if state.entry is None:
        return state, "absent"
    if force or state.entry.version < version:
        return _with_entry(state, None), "dropped"
    return state, "newer"


def forget() -> State:
    """What is left of a key whose entry is a name that never comes back: nothing, its writers included. Whoever knows
    such a name has proof without a token."""
    return State()


def _void(writers: frozenset[Holder]) -> frozenset[Holder]:
    return frozenset(Holder(writer.token, writer.deadline, True) for writer in writers)


def _without(token: str, writers: frozenset[Holder]) -> frozenset[Holder]:
    return frozenset(writer for writer in writers if writer.token != token)


def _with_entry(state: State, entry: Entry | None) -> State:
    return State(entry, state.gate)


def _gated(state: State, **changes: object) -> State:
    return State(state.entry, replace(state.gate, **changes))
