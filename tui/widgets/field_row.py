"""FieldRow: one line of a form: the label with its mark, the box, and the word about it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from core.model import Field
from tui.formats import DASH, visible
from tui.widgets.field_input import FieldInput

MOST_OF_OLD = 200
"""Characters of the old value that are shown beside the new one."""


class FieldRow(Container):
    """A field being edited. `judge` shows what the draft says of it."""

    DEFAULT_CSS = """
    FieldRow {
        layout: grid;
        grid-size: 2;
        grid-columns: 20 1fr;
        grid-rows: auto;
        height: auto;
    }
    FieldRow > .field-row--label { height: 1; padding: 0 1 0 2; color: $text-muted; text-wrap: nowrap; }
    FieldRow > .field-row--word {
        column-span: 2;
        height: 1;
        padding-left: 20;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        display: none;
    }
    FieldRow.-spoken > .field-row--word { display: block; }
    FieldRow > FieldInput { background: $panel; }
    FieldRow > FieldInput:focus { background: $primary-muted; background-tint: $primary 0%; }
    FieldRow:focus-within > .field-row--label { color: $text; text-style: bold; }
    FieldRow.-dirty > .field-row--label { padding-left: 0; color: $text-accent; text-style: bold; }
    FieldRow:light.-dirty > .field-row--label { color: $accent-darken-3; }
    FieldRow.-wrong > .field-row--label, FieldRow.-wrong > .field-row--word { color: $text-error; }
    FieldRow.-wrong > FieldInput { background: $error-muted; }
    """

    def __init__(self, field: Field, text: str, *, known: Sequence[str] = ()) -> None:
        super().__init__(id=f"row-{field.name}")
        self.field = field
        self.input = FieldInput(field, text, known=known)
        self._label = Static(self._labelled(dirty=False), classes="field-row--label")
        self._word = Static(classes="field-row--word")

    def compose(self) -> ComposeResult:
        yield self._label
        yield self.input
        yield self._word

    def judge(self, *, dirty: bool, old: str, problem: str | None) -> None:
        """Show whether the field is changed, from what, and what is wrong with it."""
        self.set_class(dirty, "-dirty")
        self.set_class(problem is not None and (dirty or not self.field.required), "-wrong")
        self._label.update(self._labelled(dirty=dirty), layout=False)
        word = problem or (f"was {visible(old[:MOST_OF_OLD]) or DASH}" if dirty else "")
        self.set_class(bool(word), "-spoken")
        self._word.update(Content(visible(word)), layout=False)

    def _labelled(self, *, dirty: bool) -> Content:
        return Content(f"* {self.field.label}" if dirty else self.field.label)
