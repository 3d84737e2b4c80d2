"""PlaceList: what is around a place, nearest first, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from core.place import Nearby, Place
from tui import figures
from tui.formats import visible
from tui.widgets.cursor_panel import CursorPanel, cursor_bindings
from tui.widgets.lines import Line

SIGNS = {"city": "●", "theater": "◆"}
_DISTANCE = 10
_KIND = 9
_ROOM_FOR_KIND = 44


class PlaceList(CursorPanel, can_focus=True):
    """One line for each place. Enter, or a second click, asks to go there."""

    BORDER_TITLE = "Nearest first"
    DEFAULT_CLASSES = "-framed"
    BINDINGS: ClassVar[list[BindingType]] = [
        *cursor_bindings("places"),
        Binding("enter", "go", "Go there", show=False, id="places.go"),
    ]

    class Chosen(Message):
        """A place was chosen to go to."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    class Pointed(Message):
        """The cursor came to a place."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._found: tuple[Nearby, ...] = ()
        self._nothing = ""

    @property
    def current(self) -> Place | None:
        """The place under the cursor."""
        return self._found[self._cursor].place if self._found else None

    def show(self, found: Sequence[Nearby], nothing: str) -> None:
        """Take what was found; `nothing` is said where there is none."""
        before = self.current
        self._found, self._nothing = tuple(found), nothing
        places = [near.place for near in self._found]
        self._cursor = places.index(before) if before in places else 0
        self.scroll_to(y=0 if not self._cursor else None, animate=False)
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The places, each with its distance and what it is."""
        if not self._found:
            return [((self._nothing, "muted"),)]
        return [self._line(number, near, width) for number, near in enumerate(self._found)]

    def _line(self, number: int, near: Nearby, width: int) -> Line:
        roomy = width >= _ROOM_FOR_KIND
        name = figures.fit(described(near.place), max(6, width - _DISTANCE - 3 - (_KIND if roomy else 0)))
        kind = figures.fit(near.place.kind, _KIND) if roomy else ""
        distance = figures.fit_right(km(near.distance_km), _DISTANCE)
        if number == self._cursor and self.has_focus:
            return ((f"▸{SIGNS[near.place.kind]} {name}{kind}{distance}", "cursor"),)
        mark = "▸" if number == self._cursor else " "
        style = "chart" if near.place.kind == "city" else "warning"
        return ((mark, ""), (f"{SIGNS[near.place.kind]} ", style), (name, ""), (kind, "muted"), (distance, ""))

    @property
    def count(self) -> int:
        """How many places there are."""
        return len(self._found)

    def action_move(self, lines: int) -> None:
        """Move the cursor by so many places, and say where it came to."""
        super().action_move(lines)
        if (place := self.current) is not None:
            self.post_message(self.Pointed(place))

    def action_go(self) -> None:
        """Ask to go to the place under the cursor."""
        if (place := self.current) is not None:
            self.post_message(self.Chosen(place))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line; a second click goes there."""
        if (row := self.clicked(event)) is None:
            return
        event.stop()
        self.action_move(row - self._cursor)
        if event.chain == 2:
            self.action_go()


def described(place: Place) -> str:
    """A place in words: a city with its country, a theater with its address."""
    if place.kind == "city":
        return visible(f"{place.label}, {place.country}" if place.country else place.label)
    return visible(" · ".join(part for part in (place.label, place.address) if part))


def km(distance: float) -> str:
    """A distance as a person reads it."""
    return f"{distance:.1f} km" if distance < 100 else f"{distance:,.0f} km"
