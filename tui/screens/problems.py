"""ProblemsScreen: what went wrong so far, to be read again and copied."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui import figures
from tui.formats import plural, visible
from tui.problems import PastProblem
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog


class ProblemsScreen(HelpedScreen[None]):
    """One line for each error and warning that was shown, the newest first; the marked one in full below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,exclamation_mark", "dismiss(None)", "Close", id="problems.close", priority=True),
        Binding("Y,c", "copy", "Copy", id="problems.copy"),
        Binding("j", "move(1)", "Down", show=False, id="problems.down"),
        Binding("k", "move(-1)", "Up", show=False, id="problems.up"),
    ]
    KEYS_OF = "the problems"
    KEYS = (
        ("↑ ↓ k j", "Go to another problem, the newest first."),
        ("Y c", "Copy the marked one as text."),
        ("Esc q !", "Close; Enter too."),
    )
    DEFAULT_CSS = """
    ProblemsScreen { align: center middle; }
    ProblemsScreen Dialog { width: 96; max-width: 100%; }
    ProblemsScreen OptionList, ProblemsScreen OptionList:focus {
        height: auto; max-height: 8; border: none; padding: 0; background: $surface; background-tint: transparent;
        scrollbar-size-vertical: 1;
    }
    ProblemsScreen .problems--whole { height: auto; margin-top: 1; }
    """

    def __init__(self, past: tuple[PastProblem, ...]) -> None:
        super().__init__()
        self._past = past
        self._list = OptionList(*(Option(_line(problem)) for problem in past))
        self._whole = Static(classes="problems--whole")

    def compose(self) -> ComposeResult:
        if self._past:
            keys = "↑ ↓ choose · Y copy · esc close · ? keys"
            yield Dialog(self._list, self._whole, title=f"Problems · {plural(len(self._past), 'notice')}", keys=keys)
        else:
            nothing = "Nothing has gone wrong so far. Errors and warnings are kept here to be read again."
            yield Dialog(Static(Content(nothing)), title="Problems", keys="esc close")

    def on_mount(self) -> None:
        if self._past:
            self._list.highlighted = 0
            self._list.focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the marked one in full."""
        rows = self._past[event.option_index].rows()
        self._whole.update(
            Content("\n").join(Content.assemble((f"{label:<13}", "$text-muted"), visible(text)) for label, text in rows)
        )
        self.query_one(Dialog).say("")

    def action_copy(self) -> None:
        """Hand the marked one to the terminal's clipboard."""
        if self._list.highlighted is not None:
            rows = self._past[self._list.highlighted].rows()
            self.app.copy_to_clipboard("\n".join(f"{label:<13}{text}" for label, text in rows))
            self.query_one(Dialog).say("Copied, where the terminal lets programs copy.", "success")

    def action_move(self, rows: int) -> None:
        """Mark another one."""
        if rows > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()


def _line(problem: PastProblem) -> Content:
    error = problem.notice.severity == "error"
    first = " ".join(visible(problem.notice.message or problem.notice.text).split())
    return Content.assemble(
        # No colour: it would have to be read on the cursor's, too.
        (f"{'✗' if error else '!'} ", "bold"),
        f"{figures.clock(problem.at)[:8]}  ",
        (f"{visible(problem.notice.title) or 'Notice'}: ", "bold"),
        figures.fit(first, 60).rstrip(),
    )
