"""The history checker: which invariants a run has broken, judged from what everybody wrote down. Pure.

The store's versions order all writes of a key, so that most questions are interval arithmetic: a read may show a state
whose write had begun before the read ended, and that nothing acknowledged before the read began had superseded.
Operations of unknown outcome may have happened or not. What is served while the store is away may be outdated if it
says so; an absence and a histogram cannot say so, and are not judged then. Edits behind the back are acknowledged by
nobody: they raise no floor, but what they leave may be seen. The invariants are those of the issue:

    I1 at rest every entry equals the store          I8 age of what is outdated is bounded
    I2 only committed content is ever shown          I9 one filling load for each lease
    I3 entries never go back while Redis is intact   I10 at rest a read fills and the next one hits
    I4 no stale read after an acknowledged write     I11 nothing acknowledged is hidden, in windows and counts too
    I5 a session reads its own writes                I12 faults of Redis and of clients stop nobody
    I6 a session never reads backwards               I13 no stale read after an old dump came back
    I7 nobody reads behind what another has read     I15 no stale read around a live switch
    lost: the store lacks an acknowledged write, or holds one that was reported as failed
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Final

import msgspec

from tests.faults.history import (
    BLUE,
    HOT,
    RED,
    WRITES,
    Happened,
    History,
    Operation,
    Sampled,
    Seen,
    answers,
    genres_of,
)
from tests.faults.timeline import NOTHING, Floors, Rank, State, Timeline

STRICT: Final = frozenset(
    {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I15", "lost"}
)
BOUNDED: Final = frozenset({"I1", "I2", "I3", "I5", "I6", "I8", "I9", "I10", "I12", "lost"})
"""What is claimed in bounded mode: staleness is bounded there, not excluded."""

STALENESS_LIMIT: Final = 5.0
"""Seconds after which nothing outdated may be read any more, counted from the end of the last disturbance."""
_RECOVERY: Final = 3_000_000_000
"""Nanoseconds after a fault of the store within which clients may still find it away."""
_ECHO: Final = 2_000_000_000
_FORGETS: Final = frozenset({"redis-kill", "redis-old-dump", "redis-flushall", "redis-failover", "redis-split"})
_STORE: Final = ("store-",)
_DISTURBS: Final = ("redis-", "partition", "store-")
_NOT_DONE: Final = frozenset({"conflict", "missing", "exists", "unavailable"})


class Violation(msgspec.Struct, frozen=True):
    """A broken invariant, with the operations that prove it."""

    invariant: str
    key: str
    at: int
    text: str
    proof: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.invariant} {self.key} at {self.at / 1e9:.4f}: {self.text}", *self.proof))


class Verdict(msgspec.Struct):
    """All that was found. `ages` are seconds for which outdated answers had been outdated when they were asked for."""

    violations: list[Violation]
    ages: list[float]
    outcomes: dict[str, int]

    @property
    def operations(self) -> int:
        """How many operations were judged."""
        return sum(self.outcomes.values())

    def counts(self) -> dict[str, int]:
        """Violations by invariant."""
        return dict(sorted(Counter(violation.invariant for violation in self.violations).items()))

    def of(self, claims: frozenset[str]) -> list[Violation]:
        """The violations of what is claimed."""
        return [violation for violation in self.violations if violation.invariant in claims]


def check(history: History) -> Verdict:
    """Judge a history."""
    return _Checker(history).verdict()


class _Checker:
    def __init__(self, history: History) -> None:
        self._history = history
        self._lines: dict[tuple[str, str], Timeline] = defaultdict(Timeline)
        self._seen: dict[tuple[str, str], Floors] = {}
        self._failed: dict[str, Operation] = {}
        self._found: list[Violation] = []
        self._ages: list[float] = []
        self._read: dict[tuple[str, str, str], State] = {}
        self._wrote: dict[tuple[str, str, str], State] = {}
        self._store_faults = [fault for fault in history.faults if fault.fault.startswith(_STORE)]
        self._disturbances = sorted(
            (fault for fault in history.faults if fault.fault.startswith(_DISTURBS)), key=lambda fault: fault.at
        )

    def verdict(self) -> Verdict:
        self._lay_out()
        self._note_who_saw_what()
        for operation in self._history.operations:
            self._judge(operation)
        self._judge_samples()
        self._judge_leases()
        self._judge_the_end()
        self._found += [Violation(line.invariant, line.key, line.at, line.text) for line in self._history.noted]
        self._found.sort(key=lambda violation: violation.at)
        outcomes = Counter(f"{operation.operation} {operation.outcome}" for operation in self._history.operations)
        return Verdict(self._found, self._ages, dict(sorted(outcomes.items())))

    # ------------------------------------------------------------------------------------------------- the timelines

    def _lay_out(self) -> None:
        stores = {operation.store for operation in self._history.operations}
        for held in self._history.held:
            if not held.last and held.token:
                at = held.at
                self._lines[held.store, held.key].add(State((held.version, 0), held.token, at, at, at, told="at first"))
        for edit in self._history.edits:
            rank = (edit.version, edit.order) if edit.version else None
            certain = edit.at if edit.version else None
            state = State(rank, edit.token, edit.began, certain, foreign=True, number=edit.order)
            state.told = f"behind the back: version {edit.version} ({edit.token or 'removed'}) by {edit.at / 1e9:.4f}"
            self._lines[edit.store, edit.key].add(state)
        for operation in self._history.operations:
            if operation.operation not in WRITES:
                continue
            if operation.committed is None and operation.outcome in _NOT_DONE:
                if operation.token:
                    self._failed[operation.token] = operation
                continue
            # A client that died before it could say which store it wrote to may have written to either.
            for store in stores if operation.committed is None else (operation.store,):
                self._lines[store, operation.key].add(_state_of(operation))
        for store, seen, at in self._sightings():
            self._lines[store, seen.key].resolve(seen.version, seen.token, at)
        for line in self._lines.values():
            line.seal()

    def _sightings(self) -> list[tuple[str, Seen, int]]:
        found = [(s.store, Seen(s.key, s.version, s.token, "redis"), s.at) for s in self._history.samples]
        found += [(h.store, Seen(h.key, h.version, h.token, "store"), h.at) for h in self._history.held]
        for operation in self._history.operations:
            if operation.ended is not None:
                found += [(operation.store, seen, operation.ended) for seen in operation.seen]
        return found

    def _note_who_saw_what(self) -> None:
        known: dict[tuple[str, str], list[tuple[int, State]]] = defaultdict(list)
        for place, line in self._lines.items():
            for state in line.ranked:
                if state.acknowledged is not None and not state.foreign:
                    known[place].append((state.acknowledged, state))
        for operation in self._history.operations:
            if operation.ended is None or operation.labelled:
                continue
            for seen in operation.seen:
                place = operation.store, seen.key
                shown = self._lines[place].find(seen.version, seen.token)
                if shown is not None and not shown.foreign:
                    known[place].append((operation.ended, shown))
        self._seen = {place: Floors(what) for place, what in known.items()}

    # -------------------------------------------------------------------------------------------------------- reads

    def _judge(self, operation: Operation) -> None:
        self._judge_outcome(operation)
        if operation.ended is None:
            return
        if operation.operation == "get" and operation.outcome == "missing":
            self._judge_absence(operation, operation.key, operation.ended)
        for seen in operation.seen:
            self._judge_seen(operation, seen, operation.ended)
        if operation.operation == "browse" and operation.outcome == "ok" and not operation.labelled:
            self._judge_window(operation, operation.ended)
        if operation.operation == "genres" and operation.outcome == "ok" and not self._store_was_away(operation):
            self._judge_counts(operation, operation.ended)
        if operation.operation in WRITES and operation.outcome == "ok" and operation.version is not None:
            place = operation.session, operation.store, operation.key
            written = self._lines[operation.store, operation.key].find(operation.version, operation.token)
            if written is not None:
                _raise(self._wrote, place, written)

    def _judge_seen(self, operation: Operation, seen: Seen, ended: int) -> None:
        line = self._lines[operation.store, seen.key]
        state = line.find(seen.version, seen.token)
        if state is None:
            self._never_written(seen, operation, ended)
            return
        if state.began >= ended:
            self._find("I2", seen.key, ended, "read before it was written", str(operation), state.told)
            return
        self._age(line, state, operation, seen.key)
        if operation.labelled:
            return
        place = operation.session, operation.store, seen.key
        self._judge_floors(operation, seen, line, state, place)
        if not state.foreign:
            _raise(self._read, place, state)

    def _judge_floors(
        self, operation: Operation, seen: Seen, line: Timeline, state: State, place: tuple[str, str, str]
    ) -> None:
        def stale(invariant: str, text: str, above: State) -> None:
            read = f"shown: version {seen.version} ({seen.token}) from {seen.tier} by {operation}"
            self._find(invariant, seen.key, operation.began, text, read, above.told)

        floor = line.acknowledged_before(operation.began)
        known = self._seen[operation.store, seen.key].at(operation.began)
        mine, before = self._wrote.get(place), self._read.get(place)
        if floor is not None and floor.order > state.order:
            stale(self._cause(operation.began, floor), "a stale read after an acknowledged write", floor)
        elif known is not None and known.order > state.order:
            stale("I7", "a read behind what another reader had been shown", known)
        if mine is not None and mine.order > state.order:
            stale("I5", "a session does not see its own write", mine)
        if before is not None and before.order > state.order:
            stale("I6", "a session reads backwards", before)

    def _never_written(self, seen: Seen, source: Operation | Sampled, at: int) -> None:
        if failed := self._failed.get(seen.token):
            text = "a write that was reported as not done took effect"
            self._find("lost", seen.key, at, text, str(source), str(failed))
        else:
            text = f"version {seen.version} with content {seen.token!r} was never committed"
            versions = [state.told for state in self._lines[self._store_of(source), seen.key].ranked]
            near = [told for told in versions if str(seen.version) in told]
            self._find("I2", seen.key, at, text, str(source), *near)

    @staticmethod
    def _store_of(source: Operation | Sampled) -> str:
        return source.store

    def _judge_absence(self, operation: Operation, key: str, ended: int) -> None:
        line = self._lines[operation.store, key]
        last = line.absent_by(ended)
        if not any(not state.token and state.began < ended for state in line.unranked):
            self._age(line, last, operation, key)  # else a removal of unknown outcome may be what is seen
        possible = any(not state.token for state in line.possible(operation.began, ended))
        if possible or self._store_was_away(operation):
            return
        floor = line.acknowledged_before(operation.began) or NOTHING
        self._find("I11", key, operation.began, "an acknowledged movie is not found", str(operation), floor.told)

    def _judge_window(self, operation: Operation, ended: int) -> None:
        shown = {seen.key for seen in operation.seen}
        kind, _, name = operation.question.partition(" ")
        keys = self._hot(operation.store) if kind == "genre" else [operation.key]
        certain = maybe = 0
        for key in keys:
            line = self._lines[operation.store, key]
            matches = [answers(operation.question, s.token) if s.token else False for s in _states(line, operation)]
            certain += all(matches)
            maybe += any(matches)
            if key in shown and not any(matches):
                text = f"a window shows a movie that left it ({operation.question})"
            elif key not in shown and all(matches):
                text = f"a window lacks a movie that is in it ({operation.question})"
            else:
                continue
            floor = line.acknowledged_before(operation.began) or NOTHING
            self._find("I11", key, operation.began, text, str(operation), floor.told)
        if kind == "genre" and not certain <= operation.total <= maybe:
            text = f"a window says {operation.total} movies, which are {certain} to {maybe} ({name})"
            self._find("I11", "", operation.began, text, str(operation))

    def _judge_counts(self, operation: Operation, ended: int) -> None:
        for genre in (HOT, RED, BLUE):
            certain = maybe = 0
            for key in self._hot(operation.store):
                tokens = [state.token for state in _states(self._lines[operation.store, key], operation)]
                matches = [bool(token) and genre in genres_of(token) for token in tokens]
                certain += all(matches)
                maybe += any(matches)
            counted = operation.counts.get(genre, 0)
            if not certain <= counted <= maybe:
                text = f"a histogram says {counted} {genre}, which are {certain} to {maybe}"
                self._find("I11", "", operation.began, text, str(operation))

    def _hot(self, store: str) -> list[str]:
        return [key for where, key in self._lines if where == store and key.startswith("hot")]

    def _age(self, line: Timeline, state: State, operation: Operation, key: str) -> None:
        since = line.superseded(state)
        if since is None or since >= operation.began:
            return
        self._ages.append((operation.began - since) / 1e9)
        calm = since
        for fault in self._disturbances:
            if fault.began < operation.began and fault.at > since:
                calm = max(calm, min(fault.at, operation.began))
        if (operation.began - calm) / 1e9 > STALENESS_LIMIT and not operation.labelled:
            above = next(later for later in line.after(state) if later.certain is not None)
            text = f"outdated for {(operation.began - since) / 1e9:.2f} s"
            self._find("I8", key, operation.began, text, str(operation), above.told)

    def _cause(self, moment: int, above: State) -> str:
        """Stale reads are named after what made them, where that is plain."""
        faults = self._history.faults
        if any(f.fault == "redis-old-dump" and above.began - _ECHO < f.at < moment for f in faults):
            return "I13"
        if any(f.fault.endswith("-switch") and f.began < moment < f.at + _ECHO for f in faults):
            return "I15"
        return "I4"

    # ------------------------------------------------------------------------------------------ everything but reads

    def _judge_outcome(self, operation: Operation) -> None:
        outcome = operation.outcome
        if outcome.startswith("error"):
            self._find("I12", operation.key, operation.began, "an unexpected error", str(operation))
        elif outcome in _NOT_DONE and operation.committed is not None:
            text = "a committed write was reported as not done"
            self._find("lost", operation.key, operation.began, text, str(operation))
        elif outcome in ("unavailable", "unknown") and not self._store_was_away(operation):
            self._find("I12", operation.key, operation.began, "failed though the store was well", str(operation))

    def _store_was_away(self, operation: Operation) -> bool:
        ended = operation.ended or operation.began
        return any(f.began < ended and operation.began < f.at + _RECOVERY for f in self._store_faults)

    def _judge_samples(self) -> None:
        losses = [fault for fault in self._history.faults if fault.fault in _FORGETS]
        last: dict[tuple[str, str], Sampled] = {}
        for sample in sorted(self._history.samples, key=lambda sample: sample.began):
            if not sample.token:
                continue
            place = sample.store, sample.key
            seen = Seen(sample.key, sample.version, sample.token, "redis")
            state = self._lines[place].find(sample.version, sample.token)
            if state is None:
                self._never_written(seen, sample, sample.at)
            elif state.began >= sample.at:
                self._find("I2", sample.key, sample.at, "cached before it was written", str(sample), state.told)
            before = last.get(place)
            if before is not None and before.version > sample.version and not _lost_between(losses, before, sample):
                text = "an older state was installed over a newer one"
                self._find("I3", sample.key, sample.began, text, str(before), str(sample))
            last[place] = sample

    def _judge_leases(self) -> None:
        granted: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        by_name = {(lease.store, lease.key, lease.lease): lease for lease in self._history.leases}
        for lease in self._history.leases:
            granted[lease.store, lease.key].append((lease.began, lease.at))
        for times in granted.values():
            times.sort()
        for fill in self._history.fills:
            held = by_name.get((fill.store, fill.key, fill.lease))
            if fill.verdict != "set" or held is None:
                continue
            times = granted[fill.store, fill.key]
            for began, at in times[bisect_left(times, (held.at, 0)) :]:
                if began >= fill.began:
                    break
                if at < fill.began:
                    text = "a second lease was given while the first could still fill"
                    self._find("I9", fill.key, fill.began, text, str(held), str(fill))
                    break

    def _judge_the_end(self) -> None:
        ends = {(held.store, held.key): held for held in self._history.held if held.last}
        for place, line in self._lines.items():
            promised = line.last_acknowledged()
            if promised is None or not any(store == place[0] for store, _ in ends):
                continue
            held = ends.get(place)
            if held is not None:
                fine = line.find(held.version, held.token) is not None and (held.version, 1 << 62) > promised.order
            else:
                later = [promised, *line.after(promised), *line.unranked]
                fine = any(not state.token for state in later)
            if not fine:
                text = f"the store holds {held or 'nothing'} in the end"
                self._find("lost", place[1], promised.acknowledged or 0, text, promised.told)

    def _find(self, invariant: str, key: str, at: int, text: str, *proof: str) -> None:
        near = [f.fault for f in self._history.faults if f.began < at + _ECHO // 4 and at < f.at + _ECHO]
        self._found.append(
            Violation(invariant, key, at, text, (*proof, f"faults near by: {', '.join(near) or 'none'}"))
        )


def _states(line: Timeline, operation: Operation) -> list[State]:
    assert operation.ended is not None
    return list(line.possible(operation.began, operation.ended))


def _state_of(operation: Operation) -> State:
    rank: Rank | None = None if operation.version is None else (operation.version, 0)
    acknowledged = operation.ended if operation.outcome == "ok" else None
    return State(
        rank,
        operation.token,
        operation.began,
        certain=operation.committed if acknowledged is None else acknowledged,
        acknowledged=acknowledged,
        added=operation.operation == "add",
        base=operation.base,
        told=str(operation),
    )


def _raise(floors: dict[tuple[str, str, str], State], place: tuple[str, str, str], state: State) -> None:
    if place not in floors or floors[place].order < state.order:
        floors[place] = state


def _lost_between(losses: list[Happened], before: Sampled, after: Sampled) -> bool:
    return any(loss.began <= after.at and loss.at >= before.began for loss in losses)
