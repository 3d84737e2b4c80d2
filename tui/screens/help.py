"""HelpScreen: every key, those of the part in focus first."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import ACTIONS, PLACES, Where

_MARKS = (
    ("h", "The row came from Redis."),
    ("n", "The row came from the near tier, this program's own memory."),
    ("m", "The row was missing in the cache and came from the store."),
)


class HelpScreen(ModalScreen[None]):
    """A page of keys; any of Esc, ? and q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss", "Close", show=False, id="help.close"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="help.up"),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $border; padding: 0 2;
        scrollbar-size-vertical: 1; scrollbar-background: $surface;
        border-title-style: bold;
    }
    HelpScreen Static { height: auto; }
    """

    def __init__(self, place: Where) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        page = VerticalScroll(Static(help_text(self._place)))
        page.border_title = "Keys"
        page.border_subtitle = "Esc closes"
        yield page

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def help_text(place: Where) -> Content:
    """All keys by place, `place` first, and what the marks of the last column mean."""
    places: list[Where] = sorted((name for name in PLACES if name != "start"), key=lambda name: name != place)
    lines: list[Content] = []
    for name in places:
        lines.append(Content.styled(PLACES[name], "bold $text-accent"))
        lines += [
            Content.assemble((f"  {action.shown:<9}", "bold"), (action.help, ""))
            for action in ACTIONS
            if action.where == name and action.shown
        ]
        lines.append(Content(""))
    lines.append(Content.styled("The last column of the table", "bold $text-accent"))
    lines += [Content.assemble((f"  {mark:<9}", "bold"), (meaning, "")) for mark, meaning in _MARKS]
    return Content("\n").join(lines)
