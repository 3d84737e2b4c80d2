"""FieldInput: the box in which a person types one field of a movie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.message import Message
from textual.suggester import SuggestFromList

from core.model import Field, tidy
from tui.formats import count, visible
from tui.widgets.line_input import LineInput

MOST_TYPED: Final = 20_000
"""Characters that a box takes; a list of the largest size would hold more and be no pleasure in one line."""


class FieldInput(LineInput):
    """A compact Input that knows its field: suggestions, room, pasted text made one line, odd characters visible."""

    @dataclass
    class Refused(Message):
        """Posted when typed or pasted text did not fit; the box kept what it held."""

        input: FieldInput
        reason: str

        @property
        def control(self) -> FieldInput:
            """The box."""
            return self.input

    def __init__(self, field: Field, text: str) -> None:
        super().__init__(
            text,
            placeholder=field.hint,
            highlighter=_Visible(),
            suggester=SuggestFromList(field.choices, case_sensitive=False) if field.choices else None,
            # A stored text that is longer than the rule can still be shortened here.
            max_length=max(room(field), len(text)),
            select_on_focus=False,
            compact=True,
            id=f"field-{field.name}",
        )
        self.field = field

    def on_paste(self, event: events.Paste) -> None:
        """Insert all lines of the pasted text as one, where the stock box would keep the first alone."""
        event.prevent_default()
        event.stop()
        self._insert(event.text)

    def action_paste(self) -> None:
        """Insert the program's own clipboard."""
        self._insert(self.app.clipboard)

    def restricted(self) -> None:
        """Say that nothing more fits, where the stock box only rings."""
        self.post_message(self.Refused(self, f"is full: at most {count(self.max_length or 0)} characters"))

    def _insert(self, text: str) -> None:
        limit = self.max_length or MOST_TYPED
        if len(text) > limit:
            reason = f"took no paste of {count(len(text))} characters: at most {count(limit)} fit"
            self.post_message(self.Refused(self, reason))
        elif line := tidy(text):
            self.replace(line, *self.selection)


def room(field: Field) -> int:
    """How many characters a box of this field takes."""
    match field.kind:
        case "text":
            return field.longest
        case "list":
            return min(MOST_TYPED, field.many * (field.longest + 2))
        case _:
            return 40


class _Visible(Highlighter):
    """Shows control characters as signs, so that a pasted escape sequence is seen and never obeyed."""

    def __call__(self, text: str | Text) -> Text:
        plain = text.plain if isinstance(text, Text) else text
        return Text(visible(plain), no_wrap=True, overflow="ignore", end="")

    def highlight(self, text: Text) -> None:
        """Nothing to add: `__call__` makes the whole text."""
