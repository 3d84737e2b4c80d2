"""DetailScreen: everything about one movie, and where the answer came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from core.errors import ReelcacheError
from core.reading import Reading
from tui.screens.help import HelpedScreen
from tui.widgets.detail import ReadingText
from tui.widgets.dialog import Dialog
from tui.widgets.movie_text import heading, provenance


class DetailScreen(HelpedScreen[str | None]):
    """One movie, read when the screen opens and again at `r`; ends with "edit" when it is to be edited, else None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "read", "Read again", id="detail.read"),
        Binding("e", "edit", "Edit", id="detail.edit"),
        Binding("f", "fields", "Field by field", id="detail.fields"),
        Binding("escape,q,enter", "close", "Close", id="detail.close"),
        Binding("down,j", "scroll('down')", show=False),
        Binding("up,k", "scroll('up')", show=False),
        Binding("pagedown,space", "scroll('page_down')", show=False),
        Binding("pageup", "scroll('page_up')", show=False),
        Binding("home,g", "scroll('home')", show=False),
        Binding("end,G", "scroll('end')", show=False),
    ]
    KEYS_OF = "the details"
    KEYS = (
        ("r", "Read it again: a miss becomes a hit before one's eyes."),
        ("e", "Edit it."),
        ("f", "Show it field by field, as it is kept, or as people read it."),
        ("↑ ↓ k j", "Scroll by a line."),
        ("PgUp PgDn", "Scroll by a screen; Space too."),
        ("Home g", "Go to the beginning."),
        ("End G", "Go to the end."),
        ("Esc Enter q", "Back to the table."),
    )
    DEFAULT_CSS = """
    DetailScreen { align: center middle; }
    DetailScreen Dialog { width: 150; max-width: 100%; min-height: 5; }
    """

    def __init__(self, read: Callable[[], Awaitable[Reading]]) -> None:
        super().__init__()
        self._read = read
        self._text = ReadingText()
        self._dialog = Dialog(self._text, title="Details", keys="r read again · e edit · f fields · esc close · ? keys")
        self._reads = 0

    def compose(self) -> ComposeResult:
        yield self._dialog

    def on_mount(self) -> None:
        self.action_read()

    def action_read(self) -> None:
        """Read the movie, once more: a miss becomes a hit before one's eyes."""
        self._dialog.say("Reading…")
        self.run_worker(self._show(), exclusive=True, exit_on_error=False)

    async def _show(self) -> None:
        try:
            reading = await self._read()
        except ReelcacheError as error:
            stays = " Below is what was read before." if self._text.reading else ""
            self._dialog.say(f"{error}{stays}", "error")
            return
        self._reads += 1
        before = self._text.reading
        self._text.reading = reading
        self._dialog.title_bar("Details", heading(reading.movie)[:60])
        change = f", before: {provenance(before)}" if before else ""
        self._dialog.say(
            f"Read {self._reads}: {provenance(reading)}{change}.",
            "warning" if reading.tier == "store" or reading.freshness == "stale" else "success",
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say so when a read broke in a way that nobody foresaw."""
        if event.state is WorkerState.ERROR:
            self._dialog.say(
                f"Not read: something unforeseen went wrong ({type(event.worker.error).__name__}).", "error"
            )

    def action_edit(self) -> None:
        """Close with the wish to edit this movie."""
        if self._text.reading is not None:
            self.dismiss("edit")

    def action_fields(self) -> None:
        """Show the record field by field, or laid out again."""
        self._text.by_field = not self._text.by_field
        self._dialog.scroll_home(animate=False)

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_scroll(self, way: str) -> None:
        """Move the text."""
        match way:
            case "down":
                self._dialog.scroll_down(animate=False)
            case "up":
                self._dialog.scroll_up(animate=False)
            case "page_down":
                self._dialog.scroll_page_down(animate=False)
            case "page_up":
                self._dialog.scroll_page_up(animate=False)
            case "home":
                self._dialog.scroll_home(animate=False)
            case _:
                self._dialog.scroll_end(animate=False)
