"""TourBox: one step of the tour, below the live dashboard."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class TourBox(Static):
    """What a step means and what to do; not there while nobody is on the tour. Also the one line that offers it."""

    DEFAULT_CSS = """
    TourBox { display: none; height: auto; max-height: 50%; padding: 0 1; background: $surface; color: $foreground; }
    TourBox.-offer { display: block; color: $text-accent; }
    TourBox.-step {
        display: block; border: round $accent;
        border-title-color: $text-accent; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, ...] = ()

    def offer(self, text: str) -> None:
        """Say in one line that there is a tour."""
        self._show("-offer", text)

    def show(self, title: str, text: str, task: str, *, done: bool) -> None:
        """Show a step: `text` may be empty where there is no room for it; `task` is what to do, or what was done."""
        self._show("-step", title, text, task, "done" if done else "")

    def put_away(self) -> None:
        """Show nothing."""
        self._show("")

    def _show(self, look: str, *parts: str) -> None:
        if (look, *parts) == self._shown:
            return
        self._shown = (look, *parts)
        self.set_class(look == "-offer", "-offer")
        self.set_class(look == "-step", "-step")
        if look == "-step":
            title, text, task, done = parts
            self.border_title = Content(title)
            self.border_subtitle = Content("n next · b back · Esc leaves the tour")
            sign = ("✓ ", "bold $text-success") if done else ("▸ ", "bold $text-accent")
            lines = [Content(text)] if text else []
            self.update(Content("\n").join([*lines, Content.assemble(sign, (task, "bold"))]))
        else:
            self.border_title = self.border_subtitle = None
            self.update(Content("".join(parts)))
