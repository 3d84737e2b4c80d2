"""DropDown: a short list of choices under the text that they complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.formats import visible

MOST_SHOWN: Final = 6
"""Choices that the list shows."""
_WIDEST: Final = 48
_KEYS: Final = "↓ choose · tab take · esc"


class DropDown(Widget):
    """Lies over what is below it, or above the text where there is no room below. Its owner hands it the keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"drop-down--marked"}
    DEFAULT_CSS = """
    DropDown {
        display: none;
        overlay: screen;
        constrain: inside inflect;
        margin-bottom: 1;
        width: auto;
        height: auto;
        background: $surface;
        border: round $primary;
        border-subtitle-color: $text-muted;
    }
    DropDown.-open { display: block; }
    DropDown > .drop-down--marked { background: $primary; color: $text; text-style: bold; }
    """

    choices: reactive[tuple[str, ...]] = reactive((), layout=True)
    marked: reactive[int | None] = reactive(None)
    """The place of the choice that the arrows have come to; None before they moved."""

    class Picked(Message):
        """A choice was clicked on."""

        def __init__(self, choice: str) -> None:
            super().__init__()
            self.choice = choice

    def on_mount(self) -> None:
        self.border_subtitle = Content(_KEYS)

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose."""
        return bool(self.choices)

    def open(self, choices: Sequence[str]) -> None:
        """Offer these, as far as there is room; none closes the list."""
        self.choices, self.marked = tuple(choices[:MOST_SHOWN]), None
        self.set_class(self.is_open, "-open")

    def close(self) -> None:
        """Offer nothing."""
        self.open(())

    def step(self, by: int) -> None:
        """Move the mark; above the first choice no choice has it."""
        place = (-1 if self.marked is None else self.marked) + by
        self.marked = min(place, len(self.choices) - 1) if place >= 0 else None

    @property
    def taken(self) -> str:
        """The choice that the mark stands on; the first where it stands on none."""
        return self.choices[self.marked or 0]

    def on_click(self, event: events.Click) -> None:
        """Pick the choice under the mouse."""
        event.stop()
        if (place := event.get_content_offset(self)) is not None and place.y < len(self.choices):
            self.post_message(self.Picked(self.choices[place.y]))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as the widest choice or the keys, as far as there is room."""
        widest = max((cell_len(visible(choice)) for choice in self.choices), default=0)
        return min(max(widest + 3, len(_KEYS) + 4), _WIDEST, viewport.width - 2)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each choice."""
        return len(self.choices)

    def render(self) -> Content:
        width = self.content_size.width
        marked = self.get_visual_style("drop-down--marked")
        lines: list[Content] = []
        for place, choice in enumerate(self.choices):
            # A sign as well as a colour: the mark must survive a terminal without colours.
            line = Content(f"{'▸' if place == self.marked else ' '} {visible(choice)}").truncate(
                width, ellipsis=True, pad=True
            )
            lines.append(line.stylize(marked) if place == self.marked else line)
        return Content("\n").join(lines)
