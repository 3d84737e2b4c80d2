"""Every interleaving of a few readers, writers and faults over one key, run through `core.cache.protocol` itself.

Checked in every state: I4, no read that starts after an acknowledged write returns anything older; I7, none that
starts after another one has shown a write; I2, every entry was committed. Checked at rest: I1, the entry is absent or
equals the store. Variants with one rule taken out must fail, else the search proves nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from core.cache import protocol
from core.cache.entry import Entry
from core.cache.protocol import FillVerdict, FinishVerdict, Gate, Holder, State

NOW = 0
ALIVE = 1
"""A lease of 1 ms at time 0; the fault "expire" moves a deadline to 0."""


class Process(NamedTuple):
    """What it is, what it does next, and what it has seen: a reader "R" or refresher "F", one who first looks at the
    store "S", a writer "W", a remover "D", an edit behind the back that a trigger gives a version "X" or that leaves
    none "U"."""

    kind: str
    step: str = "start"
    moment: int = 0
    least: int = 0
    shown: int = 0
    overdue: bool = False
    """Its token's time is over, by its own clock."""
    suspends: bool = False
    """It could not announce its write, and had the cache believed by nobody before it committed."""


class Faults(NamedTuple):
    """How many of each may still happen."""

    evict: int = 0
    lose_gate: int = 0
    expire: int = 0
    crash: int = 0


class Row(NamedTuple):
    """What the store held from one moment on. An edit that leaves no version changes the row under its old one."""

    exists: bool
    version: int
    foreign: bool = False
    """Somebody made it behind our back, so that nobody can know of it before the relay."""


class World(NamedTuple):
    """`history` has a row for each moment, the last is the present; `acknowledged` is the latest moment that a writer
    was told of, `shown` the latest of our own that a reader has come back with; `suspensions` counts writers who said
    in the store that the cache must not be believed."""

    history: tuple[Row, ...]
    key: State
    acknowledged: int
    processes: tuple[Process, ...]
    faults: Faults
    suspensions: int = 0
    shown: int = 0


class Rules(NamedTuple):
    """What the processes are given."""

    hide: bool = True
    populate: bool = True
    acknowledge_early: bool = False
    look_first: bool = False
    relay: bool = False
    unreachable: bool = False
    suspend: bool = False
    force: bool = True


def entry_of(history: tuple[Row, ...], moment: int) -> Entry:
    row = history[moment]
    return Entry(True, row.version, 0, 0, "m", b"%d" % moment) if row.exists else Entry(False, 0, 0, 0, "m", b"")


def token(number: int) -> str:
    return f"t{number}"


def stale(world: World, entry: Entry, least: int) -> bool:
    if entry.known:
        return int(entry.payload) < least
    return all(row.exists for row in world.history[least:])


def steps(world: World, rules: Rules) -> Iterator[World | str]:
    """Every world one step away; a string is a broken invariant."""
    moves = {"R": reads, "F": reads, "S": reads, "W": writes, "D": writes, "X": edits, "U": edits}
    for number, process in enumerate(world.processes):
        yield from moves[process.kind](world, rules, number, process)
    yield from failures(world)


def moved(world: World, number: int, process: Process, key: State | None = None) -> World:
    processes = (*world.processes[:number], process, *world.processes[number + 1 :])
    return world._replace(processes=processes, key=world.key if key is None else key)


def reads(world: World, rules: Rules, number: int, process: Process) -> Iterator[World | str]:
    done = process._replace(step="done")
    present = len(world.history) - 1
    if process.step == "start" and process.kind == "S":
        yield moved(shown(world, present), number, process._replace(kind="R"))
    elif process.step == "start":
        seen = process._replace(step="acquire", least=world.acknowledged, shown=world.shown)
        if world.suspensions:
            seen = done  # asks the store
        elif process.kind == "R" and world.key.entry is not None:
            yield from judged(world, world.key.entry, seen)
            world, seen = shown(world, int(world.key.entry.payload or b"0")), done
        yield moved(world, number, seen)
    elif process.step == "acquire":
        key, verdict, entry = protocol.acquire(world.key, NOW, token(number), ALIVE, refresh=process.kind == "F")
        if entry is not None:
            yield from judged(world, entry, process)
            world = shown(world, int(entry.payload or b"0"))
        elif verdict != "token":
            world = shown(world, present)
        yield moved(world, number, process._replace(step="load") if verdict == "token" else done, key)
    elif process.step == "load":
        yield moved(world, number, process._replace(step="fill", moment=present))
    elif process.step == "fill":
        loaded = entry_of(world.history, process.moment)
        filled = protocol.fill(world.key, NOW, token(number), loaded)[0]
        yield moved(shown(world, process.moment), number, done, filled)


def judged(world: World, entry: Entry, reader: Process) -> Iterator[str]:
    """What is broken when a reader who started then comes back with this."""
    if stale(world, entry, reader.least):
        yield "I4"
    if stale(world, entry, reader.shown):
        yield "I7"


def shown(world: World, moment: int) -> World:
    """A reader has come back with what the store held at that moment."""
    while world.history[moment].foreign:
        moment -= 1
    return world._replace(shown=max(world.shown, moment))


def writes(world: World, rules: Rules, number: int, process: Process) -> Iterator[World | str]:
    name = token(number)
    if process.step == "start":
        begun = process._replace(step="commit")
        yield moved(world, number, begun, protocol.begin(world.key, NOW, name, ALIVE, hide=rules.hide))
        if rules.unreachable:
            mistrusted = world._replace(suspensions=world.suspensions + rules.suspend)
            yield moved(mistrusted, number, begun._replace(suspends=rules.suspend))
    elif process.step == "commit":
        row = Row(process.kind == "W", world.history[-1].version + 1)
        committed = world._replace(history=(*world.history, row))
        yield moved(committed, number, process._replace(step="finish", moment=len(world.history)))
    elif process.step in ("finish", "finish late"):
        stands = world.key.gate.writes(name) or not rules.look_first
        if rules.acknowledge_early and process.step == "finish" and not process.overdue and stands:
            yield acknowledged(world, number, process._replace(step="finish late"))
        populated = entry_of(world.history, process.moment) if rules.populate and process.kind == "W" else None
        version = world.history[process.moment].version
        key, _ = protocol.finish(world.key, NOW, name, version, populated)
        told = world._replace(suspensions=world.suspensions - process.suspends)
        yield moved(told, number, process._replace(step="acknowledge"), key)
        if rules.unreachable:
            untold = world._replace(suspensions=world.suspensions + (rules.suspend and not process.suspends))
            yield moved(untold, number, process._replace(step="untold" if rules.suspend else "acknowledge untold"))
    elif process.step == "acknowledge":
        yield acknowledged(world, number, process._replace(step="done"))
    elif process.step == "acknowledge untold":
        yield acknowledged(world, number, process._replace(step="gone"))
    elif process.step == "untold":
        yield acknowledged(world, number, process._replace(step="owing"))
    elif process.step == "owing":
        key, _ = protocol.invalidate(world.key, NOW, world.history[process.moment].version)
        told = world._replace(suspensions=world.suspensions - 1)
        yield moved(told, number, process._replace(step="done"), key)
    elif process.step == "gone":
        if rules.relay and process.moment:
            key, _ = protocol.invalidate(world.key, NOW, world.history[process.moment].version)
            yield moved(world, number, process._replace(step="done"), key)
        if any(writer.token == name and writer.deadline > NOW for writer in world.key.gate.writers):
            yield world._replace(key=expired(world.key, name))
    if world.faults.crash and process.step in ("commit", "finish", "finish late", "acknowledge"):
        crashed = world._replace(faults=world.faults._replace(crash=world.faults.crash - 1))
        yield moved(crashed, number, process._replace(step="gone"))


def acknowledged(world: World, number: int, process: Process) -> World:
    later = world._replace(acknowledged=max(world.acknowledged, process.moment))
    return moved(later, number, process)


def edits(world: World, rules: Rules, number: int, process: Process) -> Iterator[World | str]:
    if process.step == "start":
        present = world.history[-1]
        row = Row(True, present.version + (process.kind == "X"), foreign=True)
        edited = world._replace(history=(*world.history, row))
        yield moved(edited, number, process._replace(step="relay", moment=len(world.history)))
    elif process.step == "relay" and rules.relay:
        version, force = world.history[process.moment].version, process.kind == "U" and rules.force
        key, _ = protocol.invalidate(world.key, NOW, version, force=force)
        yield moved(world, number, process._replace(step="done"), key)


def failures(world: World) -> Iterator[World]:
    faults, key = world.faults, world.key
    if faults.evict and key.entry is not None:
        yield world._replace(key=State(None, key.gate), faults=faults._replace(evict=faults.evict - 1))
    if faults.lose_gate:
        # The reader's lease lies in a place of its own: either goes without the other, or both go.
        for left in {Gate(), Gate(key.gate.reader), replace(key.gate, reader=None)} - {key.gate}:
            lost = faults._replace(lose_gate=faults.lose_gate - 1)
            yield world._replace(key=State(key.entry, left), faults=lost)
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
    writers = frozenset(replace(one, deadline=NOW) if one.token == name else one for one in key.gate.writers)
    return State(key.entry, replace(key.gate, writers=writers))


def at_rest(world: World, rules: Rules) -> bool:
    for number, process in enumerate(world.processes):
        if process.step not in ("done", "gone") and not (process.step == "relay" and not rules.relay):
            return False
        holds = any(one.token == token(number) and one.deadline > NOW for one in world.key.gate.writers)
        if process.step == "gone" and (holds or (rules.relay and process.moment)):
            return False
    return True


def broken(processes: str, rules: Rules | None = None, faults: Faults | None = None) -> set[str]:
    """Which invariants some interleaving breaks."""
    rules = rules or Rules()
    history = (Row(True, 0),)
    key = State(entry_of(history, 0))
    first = World(history, key, 0, tuple(Process(kind) for kind in processes), faults or Faults())
    seen, queue, found = {first}, deque([first]), set[str]()
    while queue:
        world = queue.popleft()
        for after in steps(world, rules):
            if isinstance(after, str):
                found.add(after)
            elif after not in seen:
                seen.add(after)
                queue.append(after)
                entry = after.key.entry
                if entry is not None and entry != entry_of(after.history, int(entry.payload) if entry.known else -1):
                    found.update({"I2"} if entry.known else ())
        if at_rest(world, rules):
            entry = protocol.sweep(world.key, NOW).entry
            if entry is not None and entry != entry_of(world.history, len(world.history) - 1):
                found.add("I1")
    return found


@pytest.mark.parametrize(
    ("processes", "populate"),
    [("WWRR", True), ("WDRF", True), ("WDRR", False), ("WWRS", True), ("WDRS", True), ("WDRS", False)],
)
def test_no_fault_breaks_nothing(processes: str, populate: bool) -> None:
    assert broken(processes, Rules(populate=populate)) == set()


@pytest.mark.parametrize("processes", ["WWR", "WDR", "WRR", "WRF", "WRS", "WFS"])
def test_a_crash_beside_an_eviction_breaks_nothing(processes: str) -> None:
    assert broken(processes, faults=Faults(evict=1, crash=1)) == set()


@pytest.mark.parametrize("faults", [Faults(evict=1, expire=1), Faults(evict=1, lose_gate=1)])
@pytest.mark.parametrize("processes", ["WWR", "WDR", "WRR", "WRF", "WRS", "WFS"])
def test_after_an_acknowledgement_a_lost_or_expired_announcement_breaks_nothing(processes: str, faults: Faults) -> None:
    """Before it, some may see the write in the store while others are still shown what a reader filled meanwhile."""
    assert broken(processes, faults=faults) <= {"I7"}


@pytest.mark.parametrize("processes", ["WWRS", "WDRS"])
def test_a_vanished_writer_opens_the_gate_to_nobody_while_others_write(
    processes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert broken(processes, faults=Faults(crash=1)) == set()

    def opening(state: State, now: int) -> State:
        vanished = any(writer.deadline <= now for writer in state.gate.writers)
        return State(None, Gate(floor=state.gate.floor)) if vanished else strict(state, now)

    strict = protocol.sweep
    monkeypatch.setattr(protocol, "sweep", opening)
    assert broken(processes) == set()
    assert "I7" in broken(processes, faults=Faults(crash=1))


@pytest.mark.parametrize("lost", [Faults(lose_gate=1, crash=1), Faults(expire=1, crash=1)])
def test_a_crash_after_a_lost_token_is_healed_only_by_the_relay(lost: Faults) -> None:
    assert broken("WWR", Rules(relay=True), lost) == set()
    assert "I1" in broken("WWR", Rules(relay=False), lost)


def test_an_unreachable_redis_is_healed_by_the_relay() -> None:
    assert "I1" not in broken("WWR", Rules(relay=True, unreachable=True))
    assert "I1" in broken("WR", Rules(relay=False, unreachable=True))


@pytest.mark.parametrize("processes", ["WWR", "WDR", "WRR", "WRF", "WRS"])
def test_a_writer_who_cannot_tell_redis_suspends_it_before_acknowledging(processes: str) -> None:
    cut_off = Rules(unreachable=True)
    assert "I4" in broken(processes, cut_off._replace(relay=True))
    assert broken(processes, cut_off._replace(suspend=True), Faults(evict=1)) == set()
    assert broken(processes, cut_off._replace(suspend=True), Faults(lose_gate=1)) <= {"I7"}


@pytest.mark.parametrize("hide", [True, False])
@pytest.mark.parametrize("processes", ["XWR", "XRR", "XRF", "XXR"])
def test_an_edit_behind_the_back_is_carried_in_by_its_version(processes: str, hide: bool) -> None:
    for faults in (Faults(evict=1, expire=1), Faults(evict=1, crash=1)):
        assert "I1" not in broken(processes, Rules(hide=hide, relay=True), faults)
    assert "I1" in broken(processes, Rules(hide=hide, relay=False))


@pytest.mark.parametrize("processes", ["UWR", "URR", "URF", "UUR"])
def test_an_edit_without_a_version_is_carried_in_by_force_alone(processes: str) -> None:
    for faults in (Faults(evict=1, expire=1), Faults(evict=1, crash=1)):
        assert "I1" not in broken(processes, Rules(relay=True), faults)
    assert "I1" in broken(processes, Rules(relay=True, force=False))


@pytest.mark.parametrize("faults", [Faults(), Faults(evict=1, crash=1)])
def test_a_forced_invalidation_opens_the_gate_to_nobody_while_others_write(
    faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert broken("UWRS", Rules(relay=True), faults) == set()

    def opening(
        state: State, now: int, version: int, *, force: bool = False
    ) -> tuple[State, protocol.InvalidateVerdict]:
        after, verdict = strict(state, now, version, force=force)
        return State(after.entry, replace(after.gate, writers=frozenset())) if force else after, verdict

    strict = protocol.invalidate
    monkeypatch.setattr(protocol, "invalidate", opening)
    assert "I7" in broken("UWRS", Rules(relay=True), faults)


def test_populating_after_the_answer_is_safe_only_when_strict() -> None:
    early = Rules(acknowledge_early=True)
    assert broken("WWR", early, Faults(evict=1, expire=1)) == set()
    assert broken("WRR", early, Faults(evict=1, crash=1)) == set()
    assert "I4" in broken("WRR", early, Faults(lose_gate=1))
    for processes in ("WRR", "WWR", "WRF", "XWR"):
        assert "I4" not in broken(processes, early._replace(look_first=True, relay=True), Faults(lose_gate=1, evict=1))
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


def test_fills_without_a_lease_install_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = protocol.fill

    def unleased(state: State, now: int, name: str, entry: Entry) -> tuple[State, FillVerdict]:
        return strict(_with_reader(state, name), now, name, entry)

    monkeypatch.setattr(protocol, "fill", unleased)
    assert broken("WFR", Rules(populate=False), Faults(lose_gate=1)) == {"I1", "I4"}


def _with_reader(state: State, name: str) -> State:
    return State(state.entry, replace(state.gate, reader=Holder(name, ALIVE)))


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
