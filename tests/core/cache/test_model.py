"""Every interleaving of a few readers, writers and faults over one key, run through `core.cache.protocol` itself.

Checked in every state: I4, no read that starts after an acknowledged write returns anything older. Checked at rest: I1,
the entry is absent or equals the store. Variants with one rule taken out must fail: else the search proves nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from core.cache import protocol
from core.cache.entry import Entry
from core.cache.protocol import FinishVerdict, Gate, Holder, State

NOW = 0
ALIVE = 1
"""A lease of 1 ms at time 0; the fault "expire" moves a deadline to 0."""


class Process(NamedTuple):
    """A reader "R" or refresher "F", a writer "W", a remover "D"; what it does next, and what it has seen."""

    kind: str
    step: str = "start"
    version: int = 0
    least: int = 0
    overdue: bool = False
    """Its token's time is over, by its own clock."""


class Faults(NamedTuple):
    """How many of each may still happen."""

    evict: int = 0
    lose_gate: int = 0
    expire: int = 0
    crash: int = 0


class World(NamedTuple):
    """`history[v]` tells whether the row existed at version v; the last one is the present."""

    history: tuple[bool, ...]
    key: State
    acknowledged: int
    processes: tuple[Process, ...]
    faults: Faults


class Rules(NamedTuple):
    """What the processes are given."""

    hide: bool = True
    populate: bool = True
    acknowledge_early: bool = False
    relay: bool = False
    unreachable: bool = False


def entry_of(history: tuple[bool, ...], version: int) -> Entry:
    return Entry(True, version, 0, 0, "m", b"") if history[version] else Entry(False, 0, 0, 0, "m", b"")


def token(number: int) -> str:
    return f"t{number}"


def stale(world: World, entry: Entry, least: int) -> bool:
    if entry.known:
        return entry.version < least
    return all(world.history[least:])


def steps(world: World, rules: Rules) -> Iterator[World | str]:
    """Every world one step away; a string is a broken invariant."""
    for number, process in enumerate(world.processes):
        moves = reads if process.kind in "RF" else writes
        yield from moves(world, rules, number, process)
    yield from failures(world)


def moved(world: World, number: int, process: Process, key: State | None = None) -> World:
    processes = (*world.processes[:number], process, *world.processes[number + 1 :])
    return world._replace(processes=processes, key=world.key if key is None else key)


def reads(world: World, rules: Rules, number: int, process: Process) -> Iterator[World | str]:
    done = process._replace(step="done")
    if process.step == "start":
        seen = process._replace(step="acquire", least=world.acknowledged)
        if process.kind == "R" and world.key.entry is not None:
            if stale(world, world.key.entry, world.acknowledged):
                yield "I4"
            seen = done
        yield moved(world, number, seen)
    elif process.step == "acquire":
        key, verdict, entry = protocol.acquire(world.key, NOW, token(number), ALIVE, refresh=process.kind == "F")
        if entry is not None and stale(world, entry, process.least):
            yield "I4"
        yield moved(world, number, process._replace(step="load") if verdict == "token" else done, key)
    elif process.step == "load":
        yield moved(world, number, process._replace(step="fill", version=len(world.history) - 1))
    elif process.step == "fill":
        loaded = entry_of(world.history, process.version)
        yield moved(world, number, done, protocol.fill(world.key, NOW, token(number), loaded)[0])


def writes(world: World, rules: Rules, number: int, process: Process) -> Iterator[World | str]:
    name = token(number)
    if process.step == "start":
        begun = process._replace(step="commit")
        yield moved(world, number, begun, protocol.begin(world.key, NOW, name, ALIVE, hide=rules.hide))
        if rules.unreachable:
            yield moved(world, number, begun)
    elif process.step == "commit":
        committed = world._replace(history=(*world.history, process.kind == "W"))
        yield moved(committed, number, process._replace(step="finish", version=len(world.history)))
    elif process.step in ("finish", "finish late"):
        if rules.acknowledge_early and process.step == "finish" and not process.overdue:
            early = world._replace(acknowledged=max(world.acknowledged, process.version))
            yield moved(early, number, process._replace(step="finish late"))
        populated = entry_of(world.history, process.version) if rules.populate and process.kind == "W" else None
        key, _ = protocol.finish(world.key, NOW, name, process.version, populated)
        yield moved(world, number, process._replace(step="acknowledge"), key)
        if rules.unreachable:
            yield moved(world, number, process._replace(step="gone"))
    elif process.step == "acknowledge":
        acknowledged = world._replace(acknowledged=max(world.acknowledged, process.version))
        yield moved(acknowledged, number, process._replace(step="done"))
    elif process.step == "gone":
        if rules.relay and process.version:
            key, _ = protocol.invalidate(world.key, NOW, process.version)
            yield moved(world, number, process._replace(step="done"), key)
        if any(writer.token == name and writer.deadline > NOW for writer in world.key.gate.writers):
            yield world._replace(key=expired(world.key, name))
    if world.faults.crash and process.step in ("commit", "finish", "finish late", "acknowledge"):
        crashed = world._replace(faults=world.faults._replace(crash=world.faults.crash - 1))
        yield moved(crashed, number, process._replace(step="gone"))


def failures(world: World) -> Iterator[World]:
    faults, key = world.faults, world.key
    if faults.evict and key.entry is not None:
        yield world._replace(key=State(None, key.gate), faults=faults._replace(evict=faults.evict - 1))
    if faults.lose_gate and key.gate != Gate():
        yield world._replace(key=State(key.entry), faults=faults._replace(lose_gate=faults.lose_gate - 1))
    if faults.expire:
        held = {one.token for one in (*key.gate.writers, key.gate.reader) if one is not None and one.deadline > NOW}
        for number, process in enumerate(world.processes):
            # A writer that answered early had a clear margin: its finish comes before its deadline.
            if token(number) in held and process.step not in ("finish late", "gone"):
                late = moved(world, number, process._replace(overdue=True), expired(key, token(number)))
                yield late._replace(faults=faults._replace(expire=faults.expire - 1))


def expired(key: State, name: str) -> State:
    reader = key.gate.reader
    if reader is not None and reader.token == name:
        return State(key.entry, replace(key.gate, reader=Holder(name, NOW)))
    writers = frozenset(Holder(one.token, NOW if one.token == name else one.deadline) for one in key.gate.writers)
    return State(key.entry, replace(key.gate, writers=writers))


def at_rest(world: World, rules: Rules) -> bool:
    for number, process in enumerate(world.processes):
        if process.step not in ("done", "gone"):
            return False
        holds = any(one.token == token(number) and one.deadline > NOW for one in world.key.gate.writers)
        if process.step == "gone" and (holds or (rules.relay and process.version)):
            return False
    return True


def broken(processes: str, rules: Rules | None = None, faults: Faults | None = None) -> set[str]:
    """Which invariants some interleaving breaks."""
    rules = rules or Rules()
    row = Entry(True, 0, 0, 0, "m", b"")
    first = World((True,), State(row), 0, tuple(Process(kind) for kind in processes), faults or Faults())
    seen, queue, found = {first}, deque([first]), set[str]()
    while queue:
        world = queue.popleft()
        for after in steps(world, rules):
            if isinstance(after, str):
                found.add(after)
            elif after not in seen:
                seen.add(after)
                queue.append(after)
        if at_rest(world, rules):
            entry = protocol.sweep(world.key, NOW).entry
            if entry is not None and entry != entry_of(world.history, len(world.history) - 1):
                found.add("I1")
    return found


@pytest.mark.parametrize(("processes", "populate"), [("WWRR", True), ("WDRF", True), ("WDRR", False)])
def test_no_fault_breaks_nothing(processes: str, populate: bool) -> None:
    assert broken(processes, Rules(populate=populate)) == set()


@pytest.mark.parametrize("faults", [Faults(evict=1, expire=1), Faults(evict=1, crash=1), Faults(evict=1, lose_gate=1)])
@pytest.mark.parametrize("processes", ["WWR", "WDR", "WRR", "WRF"])
def test_a_fault_beside_an_eviction_breaks_nothing(processes: str, faults: Faults) -> None:
    assert broken(processes, faults=faults) == set()


@pytest.mark.parametrize("lost", [Faults(lose_gate=1, crash=1), Faults(expire=1, crash=1)])
def test_a_crash_after_a_lost_token_is_healed_only_by_the_relay(lost: Faults) -> None:
    assert broken("WWR", Rules(relay=True), lost) == set()
    assert "I1" in broken("WWR", Rules(relay=False), lost)


def test_an_unreachable_redis_is_healed_by_the_relay() -> None:
    assert "I1" not in broken("WWR", Rules(relay=True, unreachable=True))
    assert "I1" in broken("WR", Rules(relay=False, unreachable=True))


def test_populating_after_the_answer_is_safe_only_when_strict() -> None:
    early = Rules(acknowledge_early=True)
    assert broken("WWR", early, Faults(evict=1, expire=1)) == set()
    assert broken("WRR", early, Faults(evict=1, crash=1)) == set()
    assert "I4" in broken("WRR", early, Faults(lose_gate=1))
    assert "I4" in broken("WR", early._replace(hide=False))


def test_bounded_mode_breaks_nothing_without_a_crash() -> None:
    assert broken("WWRR", Rules(hide=False)) == set()


def test_without_poison_a_crash_leaves_a_stale_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(state: State, now: int) -> State:
        writers = frozenset(writer for writer in state.gate.writers if writer.deadline > now)
        reader = state.gate.reader if state.gate.reader and state.gate.reader.deadline > now else None
        return State(state.entry, Gate(reader, writers, state.gate.floor))

    monkeypatch.setattr(protocol, "sweep", forgetful)
    assert "I1" in broken("WWR", Rules(hide=False), Faults(crash=1))


def test_versions_without_tokens_fall_to_an_eviction(monkeypatch: pytest.MonkeyPatch) -> None:
    def compare_and_set(state: State, now: int, name: str, version: int, entry: Entry) -> tuple[State, FinishVerdict]:
        if state.entry is not None and state.entry.version >= version:
            return state, "newer"
        return State(entry, state.gate), "set"

    monkeypatch.setattr(protocol, "finish", compare_and_set)
    assert broken("WW", Rules(hide=False)) == set()
    assert broken("WWR", Rules(hide=False), Faults(evict=1)) == {"I1", "I4"}


def test_tokens_without_intents_let_a_snapshot_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_intent(state: State, now: int, name: str, write: int, *, hide: bool = True) -> State:
        return State(None, replace(state.gate, reader=None))

    monkeypatch.setattr(protocol, "begin", no_intent)
    assert "I1" in broken("WR", faults=Faults(crash=1))


def test_an_absence_taken_as_proof_brings_a_removed_row_back(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = protocol.finish

    def trusting(state: State, now: int, name: str, version: int, entry: Entry | None) -> tuple[State, FinishVerdict]:
        absent = state.entry is not None and not state.entry.known
        after, verdict = strict(state, now, name, version, entry)
        if verdict == "token_lost" and absent and not after.gate.writers and version >= after.gate.floor:
            return State(entry, after.gate), "set"
        return after, verdict

    monkeypatch.setattr(protocol, "finish", trusting)
    assert "I1" in broken("WDR", faults=Faults(lose_gate=1))
