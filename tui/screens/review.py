"""ReviewScreen: what a save is about to change, field by field, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tui.editing import Change
from tui.formats import DASH, plural, visible
from tui.screens.help import HelpedScreen
from tui.widgets.choice_row import excerpt, parting
from tui.widgets.dialog import Dialog

_MOST: Final = 160


class ReviewScreen(HelpedScreen[bool]):
    """The changes as old → new; Enter (or ctrl+s once more) goes on, Esc goes back and changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+s", "dismiss(True)", "Go on", id="review.yes"),
        Binding("escape", "dismiss(False)", "Back", id="review.no"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="review.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="review.up"),
    ]
    KEYS_OF = "the review"
    KEYS = (
        ("Enter ^s", "Go on."),
        ("Esc", "Back, nothing changed."),
        ("↑ ↓ k j", "Scroll."),
    )
    DEFAULT_CSS = """
    ReviewScreen { align: center middle; }
    ReviewScreen Dialog { width: 84; max-width: 100%; }
    ReviewScreen Static { height: auto; }
    """

    def __init__(self, title: str, changes: Sequence[Change], note: str = "", *, go: str = "save") -> None:
        super().__init__()
        self._changes = tuple(changes)
        self._dialog = Dialog(Static(review_text(self._changes)), keys=f"enter {go} · esc back · ? keys")
        self._dialog.title_bar(title, plural(len(self._changes), "change"))
        self._note = note

    def compose(self) -> ComposeResult:
        yield self._dialog

    def on_mount(self) -> None:
        self._dialog.say(self._note)

    def action_scroll(self, lines: int) -> None:
        """Move the text, where it is longer than the screen."""
        self._dialog.scroll_relative(y=lines, animate=False)


def review_text(changes: Sequence[Change]) -> Content:
    """The changes, each its field, what it held and what it will hold; long texts around where they differ."""
    lines: list[Content] = []
    for change in changes:
        old, new = _shown(change.field.show(change.old), change), _shown(change.field.show(change.new), change)
        label = (f"{change.field.label}  ", "bold")
        lines.append(Content.assemble(label, (old, "$text-error"), ("  →  ", "$text-muted"), (new, "$text-success")))
    return Content("\n").join(lines)


def _shown(text: str, change: Change) -> str:
    differs = parting(change.field.show(change.old), change.field.show(change.new))
    return visible(excerpt(text, differs, _MOST)) or DASH
