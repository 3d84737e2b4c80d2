"""The extent of a view that scrolls over more lines than it shows."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView


def set_extent(view: ScrollView, size: Size) -> None:
    """Set `virtual_size`. Textual lays the whole screen out anew for that, and only a scrollbar that comes or goes is
    worth it."""
    scrolls = size.height > view.container_size.height
    if not view.container_size or scrolls != view.show_vertical_scrollbar:
        view.virtual_size = size
        return
    view.set_reactive(ScrollView.virtual_size, size)
    if scrolls:
        view.vertical_scrollbar.window_virtual_size = size.height
    view.scroll_y = view.validate_scroll_y(view.scroll_y)
