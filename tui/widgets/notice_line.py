"""NoticeLine: work under way, or the store being away; it takes the status line's place while there is either."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.columns import visible


class NoticeLine(Widget):
    """One line of plain text; `alarming` says it in the colours of an error."""

    DEFAULT_CSS = """
    NoticeLine {
        height: 1; padding: 0 1; background: $panel; color: $text-accent; text-style: bold; display: none;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    NoticeLine.-active { display: block; }
    NoticeLine.-alarming { background: $error-muted; color: $text-error; }
    """

    text: reactive[str] = reactive("")

    def watch_text(self, text: str) -> None:
        self.set_class(bool(text), "-active")

    def say(self, text: str, *, alarming: bool = False) -> None:
        """Show a text; an empty one puts the line away."""
        self.text = visible(text)
        self.set_class(alarming, "-alarming")

    def render(self) -> Content:
        return Content(self.text)
