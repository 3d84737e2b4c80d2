"""StrategyBar: strategies, stores and the near tier in one line, what is in force unmistakable; a click switches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

import msgspec
from textual import events
from textual.message import Message

from tui import figures
from tui.widgets.lines import Line, LinePanel, Part, line_width

Kind = Literal["strategy", "store"]
NEAR: Final = "near tier"
"""What a click on the last word switches."""


class StrategyBar(LinePanel, can_focus=False):
    """The switches of strategy, store and near tier. A click on a name posts `StrategyChosen`, `StoreChosen` or
    `NearChosen`."""

    PART = "bar"
    DEFAULT_CSS: ClassVar[str] = "StrategyBar { height: 1; overflow-y: hidden; background: $panel; }"

    class StrategyChosen(Message):
        """This strategy shall be put in force."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class StoreChosen(Message):
        """This store shall be put in force."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class NearChosen(Message):
        """The near tier shall be turned on where it is off, or off where it is on."""

    def __init__(self, strategies: tuple[str, ...], stores: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strategies, self._stores = strategies, stores
        self._strategy = self._store = ""
        self._near = False
        self._switching: str | None = None
        self._names: tuple[Name, ...] = ()

    def show(self, strategy: str, store: str, switching: str | None = None, *, near: bool = False) -> None:
        """Say what is in force, and what is being switched to (None when nothing is)."""
        self._strategy, self._store, self._near, self._switching = strategy, store, near, switching
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The line, shortened as far as the width demands."""
        line, self._names = bar_line(
            self._strategies, self._strategy, self._stores, self._store, self._switching, width, near=self._near
        )
        return [line]

    def on_click(self, event: events.Click) -> None:
        """Switch to the name that was clicked; in force already, or switching: nothing."""
        offset = event.get_content_offset(self)
        if offset is None or self._switching is not None:
            return
        for name in self._names:
            if not name.start <= offset.x < name.end:
                continue
            if name.kind == NEAR:
                self.post_message(self.NearChosen())
            elif name.name != self._current(name.kind):
                chosen = self.StrategyChosen if name.kind == "strategy" else self.StoreChosen
                self.post_message(chosen(name.name))

    def _current(self, kind: str) -> str:
        return self._strategy if kind == "strategy" else self._store


class Name(msgspec.Struct, frozen=True):
    """Where in the line a click chooses what."""

    start: int
    end: int
    kind: Kind | Literal["near tier"]
    name: str


def bar_line(
    strategies: tuple[str, ...],
    strategy: str,
    stores: tuple[str, ...],
    store: str,
    switching: str | None,
    width: int,
    *,
    near: bool = False,
) -> tuple[Line, tuple[Name, ...]]:
    """The line, and what a click on it chooses: with captions, without them, or with the names in force alone.

    In the shortest form a click goes to the next name, as the others are not there to be clicked. The near tier gives
    way before anything else does."""
    notice: Line = ((f" switching to {figures.printable(switching)}…", "warning"),) if switching else ()
    room = width - line_width(notice)
    for captions in (("Strategy", "Store"), ("", "")):
        line, names = _spelled_out(strategies, strategy, stores, store, captions)
        if line_width(line) <= room:
            with_near, where = _with_near(line, near)
            if line_width(with_near) <= room:
                return with_near + notice, (*names, where)
            return line + notice, names
    line = ()
    names = ()
    kinds: tuple[tuple[Kind, tuple[str, ...], str], ...] = (
        ("strategy", strategies, strategy),
        ("store", stores, store),
    )
    for kind, every, current in kinds:
        start = line_width(line)
        following = every[(every.index(current) + 1) % len(every)] if current in every else current
        line += ((f"▸{current} ", "active"), (f"1 of {len(every)} ", "muted"))
        names += (Name(start, line_width(line), kind, following),)
    return line + notice, names


def _with_near(line: Line, near: bool) -> tuple[Line, Name]:
    divided: Line = (*line, (" │ ", "muted"))
    line = (*divided, (f"▸{NEAR} ", "active") if near else (f" {NEAR} ", ""))
    return line, Name(line_width(divided), line_width(line), NEAR, NEAR)


def _spelled_out(
    strategies: tuple[str, ...], strategy: str, stores: tuple[str, ...], store: str, captions: tuple[str, str]
) -> tuple[Line, tuple[Name, ...]]:
    parts: list[Part] = []
    names: list[Name] = []
    kinds: tuple[tuple[Kind, str, tuple[str, ...], str], ...] = (
        ("strategy", captions[0], strategies, strategy),
        ("store", captions[1], stores, store),
    )
    for kind, caption, every, current in kinds:
        if parts:
            parts.append((" │", "muted"))
        if caption:
            parts.append((f" {caption}", "muted"))
        for name in every:
            in_force = name == current
            parts.append((" ", ""))
            start = line_width(tuple(parts))
            parts.append((f"▸{name} ", "active") if in_force else (f" {name} ", ""))
            names.append(Name(start, line_width(tuple(parts)), kind, name))
    return tuple(parts), tuple(names)
