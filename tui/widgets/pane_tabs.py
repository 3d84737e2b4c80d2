"""PaneTabs: which of the panes is shown where only one fits."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.terms import PANELS

PANES: Final[dict[str, str]] = {
    "movies": "Movies",
    "stats": "Cache",
    "genres": "Genres",
    "log": "Log",
    "consistency": "Consistency",
    "details": "Details",
}


class PaneTabs(Widget):
    """One line: the panes by number, the shown one marked; a click chooses."""

    DEFAULT_CSS = """
    PaneTabs { height: 1; padding: 0 1; color: $text-muted;
        link-color: $text-muted; link-style: none;
        link-background: transparent; link-color-hover: $foreground; link-background-hover: $panel-lighten-2;
        link-style-hover: none;
    }
    """

    pane: reactive[str] = reactive("movies")

    def on_mount(self) -> None:
        self.tooltip = Content(PANELS["tabs"])

    def render(self) -> Content:
        tabs = []
        for number, (name, label) in enumerate(PANES.items(), 1):
            look = "bold underline $text-primary" if name == self.pane else "$text-muted"
            tabs.append(Content.from_markup(f"[@click=screen.pane('{name}')][{look}]{number} {label}[/][/]"))
        bare = sum(tab.cell_length for tab in tabs)
        gap = max(1, min(3, (self.size.width - bare) // (len(tabs) - 1)))
        return Content(" " * gap).join(tabs)
