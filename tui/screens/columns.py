"""ColumnsScreen: which columns the movie table shows."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.columns import OPTIONAL, WITH_IMDB, Column
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog

CHOICES: Final[tuple[Column, ...]] = tuple({column.id: column for column in (*OPTIONAL, *WITH_IMDB)}.values())


class ColumnsScreen(HelpedScreen[tuple[str, ...] | None]):
    """A tick for each column that is wanted, in the order wanted; the title is always there, and first.

    It ends with the ids wanted, in their order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="columns.cancel"),
        Binding("space", "tick", "Tick", id="columns.tick", priority=True),
        Binding("enter", "keep", "Keep", id="columns.keep", priority=True),
        Binding("j", "cursor(1)", "Down", show=False, id="columns.down"),
        Binding("k", "cursor(-1)", "Up", show=False, id="columns.up"),
        Binding("shift+down,right_square_bracket,J", "move(1)", "Later", id="columns.later"),
        Binding("shift+up,left_square_bracket,K", "move(-1)", "Earlier", id="columns.earlier"),
    ]
    KEYS_OF = "the columns"
    KEYS = (
        ("↑ ↓ k j", "Go to another column."),
        ("[ K Shift+↑", "Move the column forward: further left in the table."),
        ("] J Shift+↓", "Move the column back: further right in the table."),
        ("Space", "Show the column, or do not."),
        ("Enter", "Show the table so; it is remembered."),
        ("Esc", "Leave the table as it was."),
    )
    DEFAULT_CSS = """
    ColumnsScreen { align: center middle; }
    ColumnsScreen Dialog { width: 64; max-width: 100%; }
    ColumnsScreen OptionList, ColumnsScreen OptionList:focus {
        height: auto; border: none; padding: 0; background: $surface; background-tint: transparent;
    }
    """

    def __init__(self, shown: tuple[str, ...]) -> None:
        super().__init__()
        rest = tuple(column for column in CHOICES if column.id not in shown)
        self._by_id = {column.id: column for column in CHOICES}
        self._order = (*(id for id in shown if id in self._by_id), *(column.id for column in rest))
        self._ticked = set(shown)
        self._list = OptionList(*self._choices())

    def _choices(self) -> list[Option]:
        return [Option(self._choice(id), id) for id in self._order]

    def _choice(self, id: str) -> Content:
        # A letter, for a terminal without colours; Textual's own list of ticks tells them by colour alone.
        return Content(f"{'[x]' if id in self._ticked else '[ ]'} {self._by_id[id].label}")

    def compose(self) -> ComposeResult:
        yield Dialog(self._list, title="Columns", keys="space tick · [ ] move · enter keep · esc leave · ? keys")

    def on_mount(self) -> None:
        self._list.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click ticks."""
        event.stop()
        self.action_tick()

    def action_tick(self) -> None:
        """Show the marked column, or do not."""
        if (at := self._list.highlighted) is not None:
            self._ticked ^= {self._order[at]}
            self._list.replace_option_prompt_at_index(at, self._choice(self._order[at]))

    def action_keep(self) -> None:
        """Close with what is ticked."""
        self.dismiss(tuple(id for id in self._order if id in self._ticked))

    def action_move(self, places: int) -> None:
        """Move the marked column by a place, not beyond either end."""
        at = self._list.highlighted
        if at is None or not 0 <= at + places < len(self._order):
            return
        order = list(self._order)
        order.insert(at + places, order.pop(at))
        self._order = tuple(order)
        self._list.clear_options()
        self._list.add_options(self._choices())
        self._list.highlighted = at + places

    def action_cursor(self, rows: int) -> None:
        """Move by a row."""
        if rows > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()
