"""FieldRow: one line of a form: the label with its mark, the box, and the word about it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from core.model import Field, Value
from tui.field_hints import hint
from tui.formats import DASH, visible
from tui.widgets.field_input import FieldInput
from tui.widgets.tags import Completions, TagEditor

LABEL_WIDTH: Final = 20
WORD_WIDTH: Final = 40
BESIDE_FROM: Final = 92
"""The width in cells from which the word stands beside the box instead of below it."""
MOST_OF_OLD: Final = 200
"""Characters of the old value that are shown beside the new one."""


class FieldRow(Widget):
    """A field being edited. `judge` shows what the draft says of it.

    The row draws label and word itself, around its one child: a form of 24 rows opens in half the time that way.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"field-row--label", "field-row--word"}
    DEFAULT_CSS = """
    FieldRow { layout: vertical; height: 1; }
    FieldRow.-spoken { height: 2; }
    FieldRow.-beside { height: 1; }
    FieldRow.-list { height: auto; }
    FieldRow > FieldInput, FieldRow > TagEditor { background: $panel; margin: 0 0 0 20; }
    FieldRow.-spoken > TagEditor { margin: 0 0 1 20; }
    FieldRow.-beside > FieldInput, FieldRow.-beside > TagEditor { margin: 0 41 0 20; }
    FieldRow > FieldInput:focus, FieldRow > TagEditor:focus-within {
        background: $primary-muted;
        background-tint: $primary 0%;
    }
    FieldRow.-wrong > FieldInput, FieldRow.-wrong > TagEditor { background: $error-muted; }
    FieldRow > .field-row--label, FieldRow > .field-row--word { color: $foreground 65%; }
    FieldRow.-here > .field-row--label { color: $foreground; text-style: bold; }
    FieldRow.-dirty > .field-row--label { color: $text-accent; text-style: bold; }
    FieldRow:light.-dirty > .field-row--label { color: $foreground; }
    FieldRow:light.-wrong > .field-row--label { color: $text-error; }
    FieldRow.-wrong > .field-row--label, FieldRow.-wrong > .field-row--word { color: $text-error; }
    """

    word: reactive[str] = reactive("")
    """What is to be said of the field: what is wrong, or what it was and, in focus, what may be typed."""

    def __init__(self, field: Field, value: Value, text: str, *, completions: Completions | None = None) -> None:
        """`value` is what the field holds, `text` the same as text; lists alone are shown by their value."""
        super().__init__(id=f"row-{field.name}", classes="-list" if field.kind == "list" else None)
        self.field = field
        self.tags: TagEditor | None = None
        if field.kind == "list":
            entries = value if isinstance(value, tuple) else ()
            look_up = partial(completions, field.name) if completions else None
            self.tags = TagEditor(field, entries, look_up=look_up)
            self.input: FieldInput = self.tags.input
        else:
            self.input = FieldInput(field, text)
        self._problem: str | None = None
        self._before = ""

    def compose(self) -> ComposeResult:
        yield self.tags or self.input

    def show(self, value: Value) -> None:
        """Hold another value."""
        if self.tags is not None:
            self.tags.show(value if isinstance(value, tuple) else ())
        else:
            self.input.value = self.field.show(value)
            self.input.cursor_position = len(self.input.value)

    def on_resize(self, event: events.Resize) -> None:
        """Put the word where there is room for it, and see that it is on the screen while it helps with typing."""
        self.set_class(event.size.width >= BESIDE_FROM, "-beside")
        if self.has_class("-here"):
            self.scroll_visible(animate=False, immediate=True)

    def judge(self, *, dirty: bool, old: str | None, problem: str | None) -> None:
        """Show whether the field is changed, from what (None: from nothing), and what is wrong with it."""
        self.set_class(dirty, "-dirty")
        self.set_class(problem is not None and (dirty or not self.field.required), "-wrong")
        self._problem = problem
        self._before = f"was {old[:MOST_OF_OLD] or DASH}" if dirty and old is not None else ""
        self._speak(focused=self.input.has_focus)
        self.refresh()

    def on_tag_editor_moved(self, event: TagEditor.Moved) -> None:
        """Say what keys do on an entry, or in the text."""
        event.stop()
        self._speak(focused=self.input.has_focus)

    def on_descendant_focus(self) -> None:
        """Say what may be typed."""
        # Textual keeps a drawn part's style over a change of :focus-within, though not over one of a class.
        self.add_class("-here")
        self._speak(focused=True)

    def on_descendant_blur(self) -> None:
        """Say no more than what is wrong or was there before."""
        self.remove_class("-here")
        self._speak(focused=False)

    def _speak(self, *, focused: bool) -> None:
        said = [self._before, self._hint if focused else ""]
        if self.tags is not None and self.tags.tags.chosen is not None:
            said.reverse()  # what the keys do now comes before what was
        self.word = self._problem or " · ".join(part for part in said if part)
        self.set_class(bool(self.word), "-spoken")

    @property
    def _hint(self) -> str:
        return hint(self.field, self.input.value, self.tags.tags if self.tags is not None else None)

    def render(self) -> Content:
        mark = "* " if self.has_class("-dirty") else "  "
        label = Content.styled(
            f"{mark}{self.field.label}".ljust(LABEL_WIDTH), self.get_visual_style("field-row--label", partial=True)
        )
        word = Content.styled(visible(self.word), self.get_visual_style("field-row--word", partial=True))
        width = self.size.width
        if self.has_class("-beside"):
            return label + Content(" " * (width - LABEL_WIDTH - WORD_WIDTH)) + word.truncate(WORD_WIDTH, ellipsis=True)
        below = word.truncate(max(0, width - LABEL_WIDTH), ellipsis=True)
        return label + Content("\n" * max(1, self.size.height - 1) + " " * LABEL_WIDTH) + below
