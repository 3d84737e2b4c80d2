"""AskScreen: one question that is answered by typing a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from tui.formats import visible
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog
from tui.widgets.filter_bar import BoundedInput


class AskScreen(HelpedScreen[str | None]):
    """A box to type in, with a line that explains it; it ends with the text, or with None after Esc.

    `refuses` says what is wrong with a text, or nothing: the box then stays open with what was typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel", id="ask.cancel")]
    KEYS_OF = "a box"
    KEYS = (
        ("Enter", "Take what stands in the box."),
        ("Esc", "Leave it."),
        ("F1", "Show these keys: in the box, ? is text."),
    )
    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen Dialog { width: 76; max-width: 100%; }
    AskScreen Input { height: 1; border: none; padding: 0; background: $boost; margin: 1 0; }
    AskScreen .ask--hint { color: $text-muted; }
    """

    def __init__(self, title: str, hint: str, text: str = "", *, refuses: Callable[[str], str] = lambda _: "") -> None:
        super().__init__()
        self._title, self._hint, self._text, self._refuses = title, hint, text, refuses

    def compose(self) -> ComposeResult:
        yield Dialog(
            Static(Content(visible(self._hint)), classes="ask--hint"),
            BoundedInput(self._text, compact=True, select_on_focus=True),
            title=self._title,
            keys="enter done · esc leave it · F1 keys",
        )

    @on(Input.Changed)
    def unsay(self) -> None:
        """A problem is one of the text that was there before."""
        self.query_one(Dialog).say("")

    @on(Input.Submitted)
    def answer(self, event: Input.Submitted) -> None:
        """Close with the text, or say what is wrong with it."""
        event.stop()
        text = event.value.strip()
        if problem := self._refuses(text):
            self.query_one(Dialog).say(problem, "error")
        else:
            self.dismiss(text)
