"""Dialog: the frame that every modal screen puts its content in."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.formats import visible


class Dialog(VerticalScroll, can_focus=False):
    """A framed box in the middle of the screen: a title, content that scrolls, a notice line, and the keys below."""

    DEFAULT_CSS = """
    Dialog {
        width: 100%;
        height: auto;
        max-height: 100%;
        background: $surface;
        border: round $primary;
        border-title-color: $text-primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        scrollbar-color: $primary-muted;
    }
    Dialog.-danger { border: round $error; border-title-color: $text-error; }
    Dialog > .dialog--notice {
        dock: bottom;
        height: auto;
        max-height: 4;
        padding-left: 2;
        background: $surface;
        color: $text-muted;
        display: none;
    }
    Dialog > .dialog--notice.-shown { display: block; }
    Dialog > .dialog--notice.-warning { color: $text-warning; }
    Dialog > .dialog--notice.-error { color: $text-error; }
    Dialog > .dialog--notice.-success { color: $text-success; }
    Dialog:light > .dialog--notice.-warning { color: $foreground; text-style: bold; }
    Dialog:light > .dialog--notice.-success { color: $success-darken-3; }
    """

    class Noticed(Message):
        """The notice takes other lines than before."""

    class Stretched(Message):
        """All that can be scrolled takes other lines than before."""

    def __init__(self, *content: Widget, title: str = "", keys: str = "", danger: bool = False) -> None:
        super().__init__(classes="-danger" if danger else None)
        self._content = content
        self._notice = _Notice(classes="dialog--notice", markup=False)
        self._said = ("", "")
        self._titled = ""
        self.title_bar(title)
        self.border_subtitle = Content(keys) if keys else None

    def compose(self) -> ComposeResult:
        yield from self._content
        yield self._notice

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Keep what has the focus clear of the notice, which Textual's own scrolling takes for free room."""
        event.widget.scroll_visible(animate=False, immediate=True)

    def on_dialog_noticed(self) -> None:
        """Keep it clear of a notice that came or grew meanwhile."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            focused.scroll_visible(animate=False, immediate=True)

    def watch_virtual_size(self) -> None:
        """Tell who may want to scroll further than was possible so far."""
        self.post_message(self.Stretched())

    def title_bar(self, *parts: str) -> None:
        """Put these parts, apart by dots, into the upper border. They are data: no markup is read in them."""
        text = " · ".join(visible(part) for part in parts if part)
        if text != self._titled:
            self._titled = text
            self.border_title = Content(text) if text else None

    def say(self, text: str, tone: str = "") -> None:
        """Put a line below the content; `tone` is "", "success", "warning" or "error". No text takes the line away."""
        if (text, tone) == self._said:
            return
        self._said = (text, tone)
        for name in ("success", "warning", "error"):
            self._notice.set_class(tone == name, f"-{name}")
        self._notice.set_class(bool(text), "-shown")
        self._notice.update(Content(visible(text)))


class _Notice(Static):
    def on_resize(self) -> None:
        self.post_message(Dialog.Noticed())
