"""FillingLine: how far the first loading of the shipped catalogue has come, in one thin line."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from core.model import LoadProgress


class FillingLine(Widget):
    """Text and a bar; not there when nothing is being loaded."""

    DEFAULT_CSS = """
    FillingLine { height: 1; padding: 0 1; color: $text-muted; display: none; }
    FillingLine.-active { display: block; }
    """

    progress: reactive[LoadProgress | None] = reactive(None)

    def watch_progress(self, progress: LoadProgress | None) -> None:
        self.set_class(progress is not None, "-active")

    def render(self) -> Content:
        if self.progress is None:
            return Content("")
        done = self.progress.stored + self.progress.unchanged
        text = f"Loading the shipped catalogue: {done:,} movies  "
        fraction = self.progress.fraction
        if fraction is None:
            return Content(text)
        percent = f" {fraction:4.0%}"
        room = max(0, self.size.width - len(text) - len(percent))
        filled = round(room * min(1.0, max(0.0, fraction)))
        return Content.assemble(text, ("━" * filled, "$primary"), ("━" * (room - filled), "$panel-lighten-2"), percent)
