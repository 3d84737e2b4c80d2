"""FieldInput: the box in which a person types one field of a movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input

from core.model import Field, tidy
from tui.formats import count, visible

MOST_TYPED: Final = 20_000
"""Characters that a box takes; a list of the largest size would hold more and be no pleasure in one line."""

EDITING_KEYS: Final = {
    "backspace": "delete_left",
    "delete": "delete_right",
    "left": "cursor_left",
    "right": "cursor_right",
    "home": "home",
    "end": "end",
    "ctrl+u": "delete_left_all",
    "ctrl+k": "delete_right_all",
    "ctrl+w": "delete_left_word",
}


class FieldInput(Input):
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

    def __init__(self, field: Field, text: str, *, known: Sequence[str] = ()) -> None:
        super().__init__(
            text,
            placeholder=field.hint,
            highlighter=_Visible(),
            suggester=_suggester(field, known),
            # A stored text that is longer than the rule can still be shortened here.
            max_length=max(room(field), len(text)),
            select_on_focus=False,
            compact=True,
            id=f"field-{field.name}",
        )
        self.field = field

    async def on_key(self, event: events.Key) -> None:
        """Edit here and now, where a binding would act on whatever has the focus by the time it is looked up."""
        if action := EDITING_KEYS.get(event.key):
            event.prevent_default()
            event.stop()
            await self.run_action(action)

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


class SuggestLastItem(Suggester):
    """Completes the last item of a comma list from known names, those already in the list left out."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text with its last item completed, or None."""
        *before, last = value.split(",")
        begun = last.lstrip()
        if not begun:
            return None
        taken = {item.strip().casefold() for item in before}
        for name in self._known:
            # Comparing the cut keeps the completed text as long as what was typed, which the box relies on.
            if name[: len(begun)].casefold() == begun.casefold() and name.casefold() not in taken:
                return value[: len(value) - len(begun)] + name
        return None


def _suggester(field: Field, known: Sequence[str]) -> Suggester | None:
    if field.kind == "list":
        return SuggestLastItem(known) if known else None
    choices = known or field.choices
    return SuggestFromList(choices, case_sensitive=False) if choices else None


class _Visible(Highlighter):
    """Shows control characters as signs, so that a pasted escape sequence is seen and never obeyed."""

    def __call__(self, text: str | Text) -> Text:
        plain = text.plain if isinstance(text, Text) else text
        return Text(visible(plain), no_wrap=True, overflow="ignore", end="")

    def highlight(self, text: Text) -> None:
        """Nothing to add: `__call__` makes the whole text."""
