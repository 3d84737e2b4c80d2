"""OperationScreen: one operation of the log, whole, with what its verdict means."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from core.observe.histogram import BOUNDS
from core.observe.stats import TraceLine
from tui import figures
from tui.formats import visible
from tui.screens.help import HelpedScreen
from tui.verdicts import explain, in_words, rank, tier_in_words
from tui.widgets.dialog import Dialog
from tui.windows import Summary, read_latency


class OperationScreen(HelpedScreen[None]):
    """Everything known about one operation; Esc or Enter closes it, `Y` copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "Close", id="operation.close"),
        Binding("Y", "copy", "Copy", id="operation.copy"),
    ]
    KEYS_OF = "one operation"
    KEYS = (
        ("Y", "Copy it as text."),
        ("Esc Enter q", "Back to the log."),
    )
    DEFAULT_CSS = """
    OperationScreen { align: center middle; }
    OperationScreen Dialog { width: 78; max-width: 100%; }
    """

    def __init__(self, line: TraceLine, summary: Summary | None) -> None:
        super().__init__()
        self._rows = operation_rows(line, summary)
        self._title = f"{line.operation} {line.key}"

    def compose(self) -> ComposeResult:
        rows = (
            Content.assemble((f"{label:<10}", "$text-muted"), visible(text)) if label else Content(f"  {visible(text)}")
            for label, text in self._rows
        )
        yield Dialog(Static(Content("\n").join(rows)), title=self._title, keys="Y copy · esc close · ? keys")

    def action_copy(self) -> None:
        """Hand the text to the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join(f"{label:<10}{text}".rstrip() for label, text in self._rows))
        self.query_one(Dialog).say("Copied, where the terminal lets programs copy.", "success")


def operation_rows(line: TraceLine, summary: Summary | None) -> list[tuple[str, str]]:
    """What is known about an operation, as labelled lines."""
    rows = [
        ("at", figures.clock(line.at)),
        ("operation", line.operation),
        ("key", line.key),
        ("strategy", line.strategy),
        ("from", tier_in_words(line)),
        ("verdict", in_words(line.verdict)),
    ]
    if meaning := explain(line):
        rows.append(("", meaning))
    if line.version is not None:
        rows.append(("version", f"{line.version}, microseconds since 1970" if line.version else "none: not there"))
    rows.append(("took", figures.latency(line.seconds)))
    if summary is not None and (compared := _compared(line, summary)):
        rows.append(("", compared))
    return rows


def _compared(line: TraceLine, summary: Summary) -> str:
    """How its duration stands among those of its kind."""
    total = summary.now.total
    if line.operation in ("get", "browse"):
        kind, latency = "reads", read_latency(total)
    elif line.operation in ("save", "add", "remove"):
        kind, latency = "writes", total.write_latency
    else:
        return ""
    share = rank(latency, line.seconds, BOUNDS)
    if share is None:
        return ""
    return f"longer than {figures.share(share)} of the {kind} in the window ({summary.span.label})"
