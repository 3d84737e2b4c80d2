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
from tui.widgets.lines import Line, LinePanel

SIGNS = {"city": "●", "theater": "◆"}
_DISTANCE = 10
_KIND = 9
_ROOM_FOR_KIND = 44


class PlaceList(LinePanel, can_focus=True):
    """One line for each place. Enter, or a second click, asks to go there."""

    BORDER_TITLE = "Nearest first"
    DEFAULT_CLASSES = "-framed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "point(-1)", "Up", show=False, id="places.up"),
        Binding("down,j", "point(1)", "Down", show=False, id="places.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="places.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="places.page-down"),
        Binding("home,g", "point(-100000)", "First", show=False, id="places.first"),
        Binding("end,G", "point(100000)", "Last", show=False, id="places.last"),
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
        self._cursor = 0
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

    def action_point(self, lines: int) -> None:
        """Move the cursor by so many lines."""
        if not self._found:
            return
        self._cursor = max(0, min(len(self._found) - 1, self._cursor + lines))
        top, rows = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= self._cursor < top + rows:
            y = self._cursor if self._cursor < top else self._cursor - rows + 1
            self.scroll_to(y=y, animate=False, immediate=True)
        self.redraw()
        self.post_message(self.Pointed(self._found[self._cursor].place))

    def action_page(self, pages: int) -> None:
        """Move the cursor by a page."""
        self.action_point(pages * max(1, self.scrollable_content_region.height - 1))

    def action_go(self) -> None:
        """Ask to go to the place under the cursor."""
        if (place := self.current) is not None:
            self.post_message(self.Chosen(place))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line; a second click goes there."""
        at = event.get_content_offset(self)
        if at is None or not 0 <= (row := at.y + self.scroll_offset.y) < len(self._found):
            return
        event.stop()
        self.action_point(row - self._cursor)
        if event.chain == 2:
            self.action_go()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.redraw()

    def on_blur(self) -> None:
        """Show the cursor as a mark alone."""
        self.redraw()


def described(place: Place) -> str:
    """A place in words: a city with its country, a theater with its address."""
    if place.kind == "city":
        return visible(f"{place.label}, {place.country}" if place.country else place.label)
    return visible(" · ".join(part for part in (place.label, place.address) if part))


def km(distance: float) -> str:
    """A distance as a person reads it."""
    return f"{distance:.1f} km" if distance < 100 else f"{distance:,.0f} km"
