"""What the dashboard draws with in a visitor's process."""

from __future__ import annotations

from contextlib import suppress

from textual import events
from textual.drivers.web_driver import WebDriver


class PipeDriver(WebDriver):
    """Sends the screen through standard output to the web server, and goes on where that is gone.

    The app looks for a lost server by itself and then ends in order; an error out of each write would be faster.
    """

    def start_application_mode(self) -> None:
        super().start_application_mode()
        # It has just said that the page is in the background, where nothing takes the keys; it was opened this moment.
        self._app.call_later(self._app.post_message, events.AppFocus())

    def write(self, data: str) -> None:
        with suppress(BrokenPipeError):
            super().write(data)

    def write_meta(self, data: dict[str, object]) -> None:
        with suppress(BrokenPipeError):
            super().write_meta(data)
