"""Timeline: everything that one key of one store went through, in the order that the store's versions give it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import msgspec

Rank = tuple[int, int]
"""A version, and the number of an edit that left the version alone. The order of ranks is the order of commits."""


class State(msgspec.Struct, eq=False):
    """What one write left under a key: a movie with this token, or nothing where it is empty.

    `rank` is None while nobody knows whether, and as what, the write took effect. `acknowledged` is when its writer was
    told, `certain` when it was committed for sure. `foreign` writes were made behind the program's back.
    """

    rank: Rank | None
    token: str
    began: int
    certain: int | None = None
    acknowledged: int | None = None
    foreign: bool = False
    added: bool = False
    """A movie was put where there was none."""
    base: int = 0
    number: int = 0
    """The second part of the rank, once the version is known."""
    told: str = ""
    """The operation in words."""

    @property
    def order(self) -> Rank:
        """The rank of a write that took effect."""
        assert self.rank is not None
        return self.rank


NOTHING = State((0, 0), "", -1, -1, -1, told="before anything was written")
"""A key that nobody has written yet."""


class Floors:
    """The highest state known to somebody at any time: a running maximum."""

    def __init__(self, known: list[tuple[int, State]]) -> None:
        self._times: list[int] = []
        self._states: list[State] = []
        for at, state in sorted(known, key=lambda item: item[0]):
            if not self._states or state.order > self._states[-1].order:
                self._times.append(at)
                self._states.append(state)

    def at(self, moment: int) -> State | None:
        """The highest state that was known before this moment."""
        found = bisect_left(self._times, moment)
        return self._states[found - 1] if found else None


class Timeline:
    """The states of one key. After adding some, `seal` it; only then ask."""

    def __init__(self) -> None:
        self.ranked: list[State] = [NOTHING]
        self.unranked: list[State] = []
        self.seal()

    def add(self, state: State) -> None:
        """Another write that took effect, or may have."""
        (self.unranked if state.rank is None else self.ranked).append(state)

    def resolve(self, version: int, token: str, by: int) -> None:
        """Somebody saw this content: if it is that of a write of unknown outcome, it took effect by then.

        An edit that left no version is given one later by the program's own relay: its content has two versions then.
        So has a movie that was added beside a removal of its id, above which it is raised.
        """
        for state in self.unranked:
            if token and state.token == token:
                state.rank, state.certain = (version, state.number), by
                self.unranked.remove(state)
                self.ranked.append(state)
                return
        for state in self.ranked:
            if state.added and state.acknowledged is None and state.token == token and state.order[0] < version:
                state.rank = (version, state.number)
        same = [state for state in self.ranked if state.foreign and token and state.token == token]
        if same and same[0].number and all(state.order[0] != version for state in same):
            edit = same[0]
            healed = State((version, edit.number), token, edit.began, foreign=True, number=edit.number)
            healed.told = f"{edit.told}, given version {version}"
            self.ranked.append(healed)

    def seal(self) -> None:
        """Put everything in order."""
        self.ranked.sort(key=lambda state: state.order)
        self._ranks = [state.order for state in self.ranked]
        self._content = {(state.order[0], state.token): state for state in self.ranked}
        self._added = {state.token: state for state in self.ranked if state.added}
        # One write at most can succeed on one base: where another did, the one of unknown outcome did not.
        spent = {state.base for state in self.ranked if state.base and not state.foreign}
        self.unranked = [state for state in self.unranked if not state.base or state.base not in spent]
        earliest: int | None = None
        superseded: list[int | None] = []
        for state in reversed(self.ranked):
            superseded.append(earliest)
            if state.certain is not None:
                earliest = state.certain if earliest is None else min(earliest, state.certain)
        self._superseded = superseded[::-1]
        told = [(state.acknowledged, state) for state in self.ranked if state.acknowledged is not None]
        self._acknowledged = Floors([item for item in told if not item[1].foreign])

    def find(self, version: int, token: str) -> State | None:
        """The write that left this version with this content."""
        found, added = self._content.get((version, token)), self._added.get(token)
        # Until it is raised above the removal beside it, an added movie has a lower version.
        return added if found is None and added is not None and version < added.order[0] else found

    def acknowledged_before(self, moment: int) -> State | None:
        """The highest state whose writer was told so before this moment."""
        return self._acknowledged.at(moment)

    def last_acknowledged(self) -> State | None:
        """The highest state that anybody was promised."""
        return self._acknowledged.at(1 << 62)

    def superseded(self, state: State) -> int | None:
        """From when on it was certain that this state is past; None while it is the last."""
        return self._superseded[bisect_left(self._ranks, state.order)]

    def possible(self, began: int, ended: int) -> Iterator[State]:
        """The states that a read between these moments may show: not superseded by an acknowledged one before it."""
        floor = self.acknowledged_before(began) or NOTHING
        for state in self.ranked[bisect_left(self._ranks, floor.order) :]:
            if state is not floor and state.began >= ended:
                break
            yield state
        for state in self.unranked:
            if state.began < ended:
                yield state

    def absent_by(self, ended: int) -> State:
        """The last state without a movie that began before this moment."""
        candidates = [state for state in self.ranked if not state.token and state.began < ended]
        return candidates[-1]

    def after(self, state: State) -> list[State]:
        """The states above this one."""
        return self.ranked[bisect_right(self._ranks, state.order) :]
