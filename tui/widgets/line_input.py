"""LineInput: the box under every box to type a line in."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.widgets import Input

EDITING_KEYS: Final = {
    "backspace": "delete_left",
    "delete": "delete_right",
    "left": "cursor_left",
    "right": "cursor_right",
    "home": "home",
    "end": "end",
    "ctrl+u": "delete_left_all",
    "ctrl+k": "delete_right_all",
    "ctrl+w": "delete_left_word",
}


class LineInput(Input):
    """An Input in which keys that arrive in one go, as over a slow line, act in their order."""

    async def on_key(self, event: events.Key) -> None:
        """Edit here and now, where a binding would act later, and on whatever has the focus by then."""
        if action := EDITING_KEYS.get(event.key):
            event.prevent_default()
            event.stop()
            await self.run_action(action)
