"""The detail of one movie: `ReadingText` draws it, `DetailPanel` is the side panel of a wide screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Offset, Size
from textual.reactive import reactive
from textual.widget import Widget

from core.reading import Reading
from tui.terms import PANELS
from tui.widgets.explained import Explained
from tui.widgets.movie_text import field_lines, provenance, reading_lines


class ReadingText(Widget):
    """A reading laid out for the width there is."""

    DEFAULT_CSS = """
    ReadingText { height: auto; width: 1fr; }
    """

    reading: reactive[Reading | None] = reactive(None, layout=True)
    by_field: reactive[bool] = reactive(False, layout=True)

    def lines(self, width: int) -> list[Content]:
        """The text for a width in cells; none before something was read."""
        if self.reading is None or width <= 0:
            return []
        return (field_lines if self.by_field else reading_lines)(self.reading, width)

    def render(self) -> Content:
        return Content("\n").join(self.lines(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width))


class DetailPanel(VerticalScroll, Explained, can_focus=True):
    """The movie under the cursor, beside the table."""

    BORDER_TITLE = "6 Details"
    DEFAULT_CSS = """
    DetailPanel {
        border: round $primary-muted;
        border-title-color: $text-primary;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    DetailPanel:focus { border: round $primary; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ReadingText()

    def compose(self) -> ComposeResult:
        yield self._text

    def explanation(self, place: Offset | None) -> str:
        """What the panel is for, on its frame."""
        return PANELS["details"] if place is None else ""

    def show(self, reading: Reading | None) -> None:
        """Show a reading; None empties the panel."""
        self._text.reading = reading
        self.border_subtitle = None if reading is None else Content(provenance(reading))
        self.scroll_home(animate=False)
