"""FieldInput: the box in which a person types one field of a movie."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList

from core.model import Field, forbidden, tidy
from tui.formats import count, visible
from tui.widgets.line_input import LineInput

Completions = Callable[[str, str], Awaitable[Sequence[str]]]
"""The values that other movies have in a field of this name, and that begin so; the likeliest first."""
LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""The same of one field."""

PAUSE: Final = 0.12
"""Seconds without a key before values are looked up."""

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

    @dataclass
    class Completed(Message):
        """Posted before an item that was offered is put into the box."""

        input: FieldInput
        item: str

        @property
        def control(self) -> FieldInput:
            """The box."""
            return self.input

    def __init__(self, field: Field, text: str, *, look_up: LookUp | None = None) -> None:
        super().__init__(
            text,
            placeholder=field.hint,
            highlighter=_Visible(),
            suggester=_suggester(field, look_up, lambda: self.has_focus),
            # A stored text that is longer than the rule can still be shortened here.
            max_length=max(room(field), len(text)),
            select_on_focus=False,
            compact=True,
            id=f"field-{field.name}",
        )
        self.field = field

    def action_cursor_right(self, select: bool = False) -> None:
        """Take what is offered, wherever the typed words stand in it; else move on."""
        offer = self.suggester.offer if isinstance(self.suggester, SuggestLastItem) else None
        if offer and offer.text == self.value and self.cursor_at_end and not select:
            self.post_message(self.Completed(self, offer.item))
            self.value = offer.text[: len(offer.text) - len(offer.begun)] + offer.item
            self.cursor_position = len(self.value)
        else:
            super().action_cursor_right(select)

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


@dataclass(frozen=True, slots=True)
class Offer:
    """An item offered for a text, in the place of what was begun at its end."""

    text: str
    begun: str
    item: str


class SuggestLastItem(Suggester):
    """Offers, for the last item of a comma list, a value that other movies have, those already in the list left out."""

    def __init__(self, look_up: LookUp, wanted: Callable[[], bool]) -> None:
        """`wanted` says whether somebody types: a box asks for what it was filled with, too."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._look_up = look_up
        self._wanted = wanted
        self._newest = ""
        self.offer: Offer | None = None

    async def get_suggestion(self, value: str) -> str | None:
        """The text with its last item completed, or followed by the item that it could become; None without one."""
        self._newest, self.offer = value, None
        *before, last = value.split(",")
        begun = last.lstrip()
        if not begun:
            return None
        await asyncio.sleep(PAUSE)
        if value != self._newest or not self._wanted():
            return None
        try:
            names = await self._look_up(begun.rstrip())
        except Exception:
            # Textual ends the program over an error here, and a store that is away says so elsewhere.
            return None
        taken = {item.strip().casefold() for item in before}
        offered = [name for name in names if name.casefold() not in taken and not forbidden(name)]
        if not offered or begun in offered or value != self._newest:
            return None
        goes_on = (name for name in offered if len(name) > len(begun) and _begins(name, begun))
        item = next(goes_on, offered[0])
        self.offer = Offer(value, begun, item)
        return value + item[len(begun) :] if _begins(item, begun) and len(item) > len(begun) else f"{value} → {item}"


def _begins(name: str, begun: str) -> bool:
    return name[: len(begun)].casefold() == begun.casefold()


def _suggester(field: Field, look_up: LookUp | None, wanted: Callable[[], bool]) -> Suggester | None:
    if field.kind == "list":
        return SuggestLastItem(look_up, wanted) if look_up else None
    return SuggestFromList(field.choices, case_sensitive=False) if field.choices else None


class _Visible(Highlighter):
    """Shows control characters as signs, so that a pasted escape sequence is seen and never obeyed."""

    def __call__(self, text: str | Text) -> Text:
        plain = text.plain if isinstance(text, Text) else text
        return Text(visible(plain), no_wrap=True, overflow="ignore", end="")

    def highlight(self, text: Text) -> None:
        """Nothing to add: `__call__` makes the whole text."""
