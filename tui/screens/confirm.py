"""ConfirmScreen: a question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.formats import visible
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog


class ConfirmScreen(HelpedScreen[bool]):
    """Asks; `y` answers yes, `n` and Esc no, Enter what has the focus, which is no at first."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]
    KEYS_OF = "a question"
    KEYS = (
        ("y", "Yes."),
        ("n Esc", "No."),
        ("← → ↑ ↓", "Go to the other answer."),
        ("Enter", "Give the answer that is marked."),
    )
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen Dialog { width: 64; max-width: 100%; padding: 1 2; }
    ConfirmScreen .confirm--answers { height: auto; margin-top: 1; align-horizontal: center; }
    ConfirmScreen .confirm--answers Button {
        margin: 0 1;
        min-width: 18;
        background: $panel;
        color: $text;
        text-style: none;
    }
    ConfirmScreen .confirm--answers Button:hover { background: $panel-lighten-1; }
    ConfirmScreen .confirm--answers Button:focus { background: $primary; color: $text; text-style: bold; }
    ConfirmScreen .confirm--answers Button.-risky { color: $text-error; }
    ConfirmScreen .confirm--answers Button.-risky:focus { background: $error; color: $text; }
    """

    def __init__(self, question: str, *, yes: str = "yes", no: str = "no", danger: bool = False) -> None:
        super().__init__()
        self._question = question
        self._yes = yes
        self._no = no
        self._danger = danger

    def compose(self) -> ComposeResult:
        yield Dialog(
            Static(Content(visible(self._question))),
            Horizontal(
                Button(Content(visible(self._no)), id="no", compact=True),
                Button(Content(visible(self._yes)), id="yes", compact=True, classes="-risky" if self._danger else None),
                classes="confirm--answers",
            ),
            title="Please confirm",
            keys="y yes · n no · enter chosen",
            danger=self._danger,
        )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer and close."""
        self.dismiss(answer)
