"""CursorPanel: lines of which one has the cursor, moved by keys and kept in sight."""

from __future__ import annotations

from textual import events
from textual.binding import Binding, BindingType

from tui.widgets.lines import LinePanel

_BEYOND = 1_000_000
"""Lines that take the cursor to an end, wherever it stands."""


def cursor_bindings(part: str) -> list[BindingType]:
    """The keys that move the cursor; a key map knows them by the name of the part."""
    return [
        Binding("up,k", "move(-1)", "Up", show=False, id=f"{part}.up"),
        Binding("down,j", "move(1)", "Down", show=False, id=f"{part}.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id=f"{part}.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id=f"{part}.page-down"),
        Binding("home,g", f"move(-{_BEYOND})", "First", show=False, id=f"{part}.first"),
        Binding("end,G", f"move({_BEYOND})", "Last", show=False, id=f"{part}.last"),
    ]


class CursorPanel(LinePanel):
    """A subclass says in `count` how many lines can have the cursor; `_cursor` is the number of the one that has it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cursor = 0

    @property
    def count(self) -> int:
        """How many lines can have the cursor, from the first on."""
        raise NotImplementedError

    def action_move(self, lines: int) -> None:
        """Move the cursor by so many lines, not beyond either end."""
        if self.count:
            self._cursor = max(0, min(self.count - 1, self._cursor + lines))
            self.bring_into_sight(self._cursor)
            self.redraw()

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many screenfuls."""
        self.action_move(pages * self.page)

    def clicked(self, event: events.Click) -> int | None:
        """Which of the lines was clicked; None beside them."""
        return self.line_at(event, self.count)

    def on_focus(self) -> None:
        """Show the cursor as what Enter is for."""
        self.redraw()

    def on_blur(self) -> None:
        """Show the cursor as a place alone."""
        self.redraw()
