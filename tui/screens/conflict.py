"""ConflictScreen: two edits of one movie, field by field, and which side to take."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from core.model import Movie
from tui.editing import Side, differing, resolve
from tui.formats import plural
from tui.screens.help import HelpedScreen
from tui.widgets.choice_row import ChoiceRow
from tui.widgets.dialog import Dialog


class ConflictScreen(HelpedScreen[Movie | None]):
    """Shows the fields in which mine and theirs differ; ends with the merged movie over their version, or None."""

    AUTO_FOCUS = "ChoiceRow"
    # Textual declares the breakpoints as an instance variable: no ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,enter", "accept", "Save the merge", id="conflict.accept"),
        Binding("M", "choose_all('mine')", "All mine", id="conflict.all_mine"),
        Binding("T", "choose_all('theirs')", "All theirs", id="conflict.all_theirs"),
        Binding("escape", "cancel", "Back to the form", id="conflict.cancel"),
    ]
    KEYS_OF = "the comparison"
    KEYS = (
        ("↑ ↓ k j", "Go to another field."),
        ("← m h", "Take mine in this field."),
        ("→ t l", "Take theirs in this field."),
        ("M", "Take mine in every field."),
        ("T", "Take theirs in every field."),
        ("Enter ^s", "Save the merge over their version."),
        ("Esc", "Back to the form; nothing is saved."),
    )
    DEFAULT_CSS = """
    ConflictScreen { align: center middle; }
    ConflictScreen Dialog { width: 96; max-width: 100%; border: round $warning; border-title-color: $text-warning; }
    ConflictScreen Dialog:light { border-title-color: $foreground; }
    ConflictScreen.-wide Dialog { width: 150; }
    ConflictScreen .conflict--happened { height: auto; padding: 0 1; }
    ConflictScreen .conflict--heads { height: 1; padding: 0 2; }
    ConflictScreen .conflict--heads Static { width: 1fr; padding: 0 1; color: $text-primary; text-style: bold; }
    ConflictScreen .conflict--base { display: none; }
    ConflictScreen.-wide .conflict--base, ConflictScreen.-wide .choice-row--base { display: block; }
    """

    def __init__(self, base: Movie, mine: Movie, theirs: Movie) -> None:
        super().__init__()
        self._mine = mine
        self._theirs = theirs
        self._rows = [ChoiceRow(part) for part in differing(base, mine, theirs)]
        self._dialog = Dialog()

    def compose(self) -> ComposeResult:
        heads = Horizontal(
            Static(Content("Mine")),
            Static(Content("Theirs, as stored now")),
            Static(Content("Before both"), classes="conflict--base"),
            classes="conflict--heads",
        )
        happened = Static(
            Content("Somebody else saved first. Mine replaces what they put there; theirs stays."),
            classes="conflict--happened",
        )
        keys = "←/m mine · →/t theirs · M all mine · T all theirs · enter save · esc back · ? keys"
        self._dialog = Dialog(happened, heads, *self._rows, keys=keys)
        yield self._dialog

    def on_mount(self) -> None:
        self._dialog.title_bar("Changed by somebody else", self._theirs.title[:40])
        if open_row := self._first_open():
            open_row.focus()
        self._report()

    def on_choice_row_chosen(self, event: ChoiceRow.Chosen) -> None:
        """Count what is left to choose."""
        event.stop()
        self._report()

    def action_choose_all(self, side: Side) -> None:
        """Take one side in every field."""
        for row in self._rows:
            row.choice = side
        self._report()

    def action_accept(self) -> None:
        """Close with the merged movie, or go to the first field that still needs a choice."""
        if open_row := self._first_open():
            open_row.focus()
            self._dialog.say("Choose a side here first: ← or m takes mine, → or t theirs.", "error")
            return
        choices = {row.part.field.name: row.choice for row in self._rows if row.choice is not None}
        self.dismiss(resolve(self._mine, self._theirs, choices))

    def action_cancel(self) -> None:
        """Back to the form, nothing chosen."""
        self.dismiss(None)

    def _first_open(self) -> ChoiceRow | None:
        return next((row for row in self._rows if row.choice is None), None)

    def _report(self) -> None:
        left = sum(row.choice is None for row in self._rows)
        if left:
            self._dialog.say(f"{plural(left, 'field')} left to choose.", "warning")
        else:
            mine = sum(row.choice == "mine" for row in self._rows)
            self._dialog.say(f"Enter saves: {mine} of mine, {len(self._rows) - mine} of theirs.", "success")
