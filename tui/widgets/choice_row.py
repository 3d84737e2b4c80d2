"""ChoiceRow: one field of a conflict, where a person takes mine or theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from core.model import Value
from tui.editing import FieldMerge, Side
from tui.formats import DASH, visible

MOST_SHOWN = 240
"""Characters of a value that the conflict view shows."""


class ChoiceRow(Widget, can_focus=True):
    """The values of both sides, and of the base where there is room; the chosen one is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,m,h", "choose('mine')", "Mine", show=False),
        Binding("right,t,l", "choose('theirs')", "Theirs", show=False),
        Binding("up,k", "app.focus_previous", "Previous field", show=False),
        Binding("down,j", "app.focus_next", "Next field", show=False),
    ]
    DEFAULT_CSS = """
    ChoiceRow { height: auto; padding: 0 1; border-left: blank; }
    ChoiceRow Horizontal { height: auto; }
    ChoiceRow .choice-row--label { width: 1fr; color: $text-muted; text-style: bold; height: 1; }
    ChoiceRow .choice-row--value { width: 1fr; height: auto; max-height: 6; padding: 0 1; color: $text-muted; }
    ChoiceRow .choice-row--base { display: none; color: $text-disabled; }
    ChoiceRow.-mine .-mine-side, ChoiceRow.-theirs .-theirs-side {
        color: $text-success;
        background: $success-muted;
    }
    ChoiceRow.-open .choice-row--label { color: $text-warning; }
    ChoiceRow:light.-open .choice-row--label { color: $foreground; }
    ChoiceRow:light.-mine .-mine-side, ChoiceRow:light.-theirs .-theirs-side { color: $foreground; }
    ChoiceRow:focus { border-left: thick $primary; background: $boost; }
    ChoiceRow:focus .choice-row--label { color: $text; }
    """

    choice: reactive[Side | None] = reactive(None)

    @dataclass
    class Chosen(Message):
        """Posted when the person took a side."""

        row: ChoiceRow

    def __init__(self, part: FieldMerge) -> None:
        super().__init__(id=f"choice-{part.field.name}")
        self.part = part
        self._label = Static(classes="choice-row--label")
        self._mine = Static(classes="choice-row--value -mine-side")
        self._theirs = Static(classes="choice-row--value -theirs-side")
        self._base = Static(Content(self._shown(part.base)), classes="choice-row--value choice-row--base")
        self.set_reactive(ChoiceRow.choice, part.preselected)

    def compose(self) -> ComposeResult:
        yield self._label
        with Horizontal():
            yield self._mine
            yield self._theirs
            yield self._base

    def on_mount(self) -> None:
        self._show()

    def watch_choice(self) -> None:
        """Mark the side now chosen."""
        if self.is_mounted:
            self._show()

    def action_choose(self, side: Side) -> None:
        """Take this side."""
        self.choice = side
        self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """Take the side that was clicked on."""
        if event.widget is self._mine:
            self.action_choose("mine")
        elif event.widget is self._theirs:
            self.action_choose("theirs")

    def _show(self) -> None:
        choice = self.choice
        for side in ("mine", "theirs"):
            self.set_class(choice == side, f"-{side}")
        self.set_class(choice is None, "-open")
        note = {"mine": "only you changed it", "theirs": "only they changed it"}.get(
            self.part.verdict, "both changed it"
        )
        self._label.update(Content(f"{self.part.field.label} · {note}{'' if choice else ' · choose'}"))
        # A letter as well as a colour: the mark must survive a terminal without colours.
        self._mine.update(Content(f"{'(x)' if choice == 'mine' else '( )'} {self._shown(self.part.mine)}"))
        self._theirs.update(Content(f"{'(x)' if choice == 'theirs' else '( )'} {self._shown(self.part.theirs)}"))

    def _shown(self, value: Value) -> str:
        show = self.part.field.show
        return visible(excerpt(show(value), parting(show(self.part.mine), show(self.part.theirs)))) or DASH


def parting(one: str, other: str) -> int:
    """How many characters two texts share from their beginning."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def excerpt(text: str, differs_at: int, most: int = MOST_SHOWN) -> str:
    """The part of a long text around where it differs; short text whole."""
    start = max(0, differs_at - most // 3) if len(text) > most else 0
    end = start + most
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
