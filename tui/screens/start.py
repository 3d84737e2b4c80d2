"""StartScreen: what is being started, how long it has taken, and what to do where it failed."""

from __future__ import annotations

from time import monotonic
from typing import Final, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from core.errors import ReelcacheError
from tui.bindings import bindings
from tui.columns import visible

_NAMES: Final = {"redis": "Redis", "postgresql": "PostgreSQL", "mongodb": "MongoDB"}
_TICK: Final = 0.25
_DONE: Final = ("ready", "running", "adopted", "reachable", "found", "ok")
_FAILED: Final = ("failed", "missing", "unreachable")


class StartScreen(Screen[None]):
    """One line for each server. It is replaced as soon as the catalogue is open."""

    CSS_PATH = "start.tcss"
    BINDINGS = bindings("start")

    class Chosen(Message):
        """After a failed start: try again, or with PostgreSQL."""

        def __init__(self, what: Literal["retry", "postgresql"]) -> None:
            super().__init__()
            self.what = what

    def __init__(self, store: str) -> None:
        super().__init__()
        self._store = store
        self._steps: dict[str, tuple[str, str, float]] = {}
        self._began: dict[str, float] = {}
        self._failed = False

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static("Reelcache", id="name")
            yield Static("Starting the servers…", id="steps")
            yield Static("", id="failure", markup=False)
            yield Static("", id="keys")

    def on_mount(self) -> None:
        self.set_interval(_TICK, self._show)

    def show_step(self, step: object) -> None:
        """Show how far a server has come: `step` has server, state, detail and seconds."""
        server = str(getattr(step, "server", "server"))
        self._began.setdefault(server, monotonic() - float(getattr(step, "seconds", 0.0)))
        self._steps[server] = (
            str(getattr(step, "state", "")),
            str(getattr(step, "detail", "")),
            float(getattr(step, "seconds", 0.0)),
        )
        self._show()

    def show_failure(self, error: Exception) -> None:
        """Show why the catalogue could not be opened, and the keys that help."""
        self._failed = True
        if isinstance(error, ReelcacheError):
            told = [error.message, error.remedy]
        else:
            told = [f"Unexpected: {type(error).__name__}."]
        self.query_one("#failure", Static).update(Content("\n".join(visible(line) for line in told if line)))
        keys = "[bold $text-accent]r[/] try again   [bold $text-accent]q[/] quit"
        if self._store == "mongodb":
            keys += "   [bold $text-accent]p[/] use PostgreSQL instead"
        self.query_one("#keys", Static).update(keys)
        self.add_class("-failed")
        self._show()

    def action_retry(self) -> None:
        if self._failed:
            self.post_message(self.Chosen("retry"))

    def action_postgresql(self) -> None:
        if self._failed and self._store == "mongodb":
            self.post_message(self.Chosen("postgresql"))

    def _show(self) -> None:
        if not self._steps or not self.is_mounted:
            return
        lines = []
        for server, (state, detail, seconds) in self._steps.items():
            done, failed = state in _DONE, state in _FAILED
            if not done and not failed and not self._failed:
                seconds = monotonic() - self._began[server]
            sign, look = ("✓", "$text-success") if done else ("✗", "$text-error") if failed else ("·", "$text-accent")
            lines.append(
                Content.assemble(
                    (f"{sign} ", look),
                    (f"{_NAMES.get(server, visible(server)):<12}", "bold"),
                    (f"{visible(state):<12}", look),
                    (f"{seconds:5.1f} s  ", ""),
                    (visible(detail), "$text-muted"),
                )
            )
        self.query_one("#steps", Static).update(Content("\n").join(lines))
