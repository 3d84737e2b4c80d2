"""LinePanel: lines of plain text in named styles, of which only those that changed are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terms import PANELS, WORDS, word_at
from tui.widgets.explained import Explained
from tui.widgets.extent import set_extent

Part = tuple[str, str]
"""Text, and the name of its style: "" or one of `LinePanel.COMPONENT_CLASSES` without "line--"."""
Line = tuple[Part, ...]


class LinePanel(ScrollView, Explained):
    """A widget whose content is a list of lines. The text is shown as it is: no markup, no control character.

    A subclass says in `lines` what to show, and calls `redraw` when that has changed. While the widget is not on the
    screen, `redraw` does nothing; it is made up for when the widget appears."""

    PART: ClassVar[str] = ""
    """By which name the texts know it, for tooltips."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--muted",
        "line--value",
        "line--good",
        "line--warning",
        "line--bad",
        "line--active",
        "line--chart",
        "line--cursor",
        "line--chosen",
        "line--fault",
    }
    DEFAULT_CSS = """
    LinePanel {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 30%;
        scrollbar-background: $surface;
        & > .line--muted { color: $foreground 60%; }
        & > .line--value { color: $foreground; text-style: bold; }
        & > .line--good { color: $text-success; }
        & > .line--warning { color: $text-warning; text-style: bold; }
        & > .line--bad { color: $text-error; text-style: bold; }
        & > .line--active { color: auto 95%; background: $accent; text-style: bold; }
        & > .line--chart { color: $primary; }
        & > .line--cursor { color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold; }
        & > .line--chosen { color: $text-accent; text-style: bold; }
        & > .line--fault { color: auto 95%; background: $error; text-style: bold; }
        &:light > .line--muted { color: $foreground 72%; }
    }
    LinePanel.-framed {
        scrollbar-gutter: stable;
        border: round $foreground 25%;
        border-title-color: $foreground 70%;
        border-subtitle-color: $foreground 60%;
        &:focus {
            border: round $border;
            border-title-color: $foreground;
            border-title-style: bold;
        }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []
        self._on_screen = False

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What to show in so many cells and rows; more rows than that can be scrolled to."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Ask for the lines anew and paint those that differ."""
        if not self._on_screen:
            return
        size = self.scrollable_content_region.size
        if not size:
            return
        before, self._lines = self._lines, list(self.lines(size.width, size.height))
        if len(before) != len(self._lines):
            set_extent(self, Size(size.width, len(self._lines)))
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(top, min(top + size.height, len(before))):
            if before[y] != self._lines[y]:
                self.refresh_line(y)

    def caption(self, subtitle: str) -> None:
        """Write our own words (no data: this is markup) into the lower border, painting only when they differ."""
        if (self.border_subtitle or "") != subtitle:
            self.border_subtitle = subtitle

    @property
    def page(self) -> int:
        """How many lines a screenful moves by: one stays in sight."""
        return max(1, self.scrollable_content_region.height - 1)

    def bring_into_sight(self, row: int) -> None:
        """Scroll as little as shows this line."""
        top, rows = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= row < top + rows:
            self.scroll_to(y=row if row < top else row - rows + 1, animate=False, immediate=True)

    def line_at(self, event: events.Click, count: int) -> int | None:
        """Which of the first so many lines was clicked; None where none of them was."""
        place = event.get_content_offset(self)
        row = -1 if place is None else place.y + self.scroll_offset.y
        return row if 0 <= row < count else None

    def explanation(self, place: Offset | None) -> str:
        """The meaning of the word under the pointer where words are explained, of the whole on its frame."""
        words, about = WORDS.get(self.PART, {}), PANELS.get(self.PART, "")
        if place is None:
            return about
        row = place.y + self.scroll_offset.y
        if not words or row >= len(self._lines):
            return ""
        word = word_at("".join(text for text, _ in self._lines[row]), place.x, words)
        return about if word is None else words[word]

    def on_show(self, event: events.Show) -> None:
        """Make up for what was left undone while out of sight."""
        self._on_screen = True
        self.redraw()

    def on_hide(self, event: events.Hide) -> None:
        """Stop working while out of sight."""
        self._on_screen = False

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new size."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """One line of the visible part, in the styles of the theme."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        base = self.rich_style
        if row >= len(self._lines):
            return Strip.blank(width, base)
        segments = [Segment(text, self._style(name, base)) for text, name in self._lines[row]]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _style(self, name: str, base: Style) -> Style:
        return self.get_component_rich_style(f"line--{name}") if name else base


def line_width(line: Line) -> int:
    """How many cells a line takes."""
    return sum(cell_len(text) for text, _ in line)
