"""Explained: a widget that says in a tooltip what the pointer is on."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.geometry import Offset
from textual.widget import Widget


class Explained(Widget):
    """Its tooltip follows the pointer from word to word. The text is shown as it is: no markup is read in it."""

    def explanation(self, place: Offset | None) -> str:
        """What to say of a place in the content, or of the frame around it (None); empty where there is nothing."""
        raise NotImplementedError

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain what the pointer is on now."""
        text = self.explanation(event.get_content_offset(self))
        tip = Content(text) if text else None
        if tip != self.tooltip:
            self.tooltip = tip
