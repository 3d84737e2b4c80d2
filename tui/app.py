"""ReelcacheApp: opens the catalogue, shows the screens, tells the person what went wrong, and ends cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic
from typing import ClassVar, Final

from textual.app import App
from textual.binding import BindingType

from core.catalogue import Catalogue
from core.settings import Settings
from tui.actions import app_bindings
from tui.messages import CatalogueFailed, CatalogueOpened, ServerReported, StatsSampled, WorkFailed
from tui.palette import ActionCommands
from tui.problems import Problems
from tui.remembered import Memory
from tui.screens.browse import BrowseScreen
from tui.screens.help import HelpScreen
from tui.screens.panes import place_of
from tui.screens.start import StartScreen
from tui.session import Opener, Session
from tui.terminal import endings, hung_up, input_descriptor, silence

STATS_SECONDS: Final = 0.5
HANG_UP_SECONDS: Final = 0.25
"""Short, for Textual's output thread dies at the first write to a lost terminal, and the program with it stands still
as soon as thirty more writes wait for that thread."""


class ReelcacheApp(App[int]):
    """The dashboard over one catalogue. Its result is the exit code of the program."""

    TITLE = "Reelcache"
    BINDINGS: ClassVar[list[BindingType]] = app_bindings()
    COMMANDS = {ActionCommands}  # noqa: RUF012  # Textual declares it so
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, settings: Settings, opener: Opener | None = None, memory: Memory | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.memory = memory or Memory(None)
        self.catalogue: Catalogue | None = None
        self.problems = Problems(settings.state_dir)
        self._session = Session(opener, self.post_message)
        self._signals = ExitStack()
        self._start: StartScreen | None = None
        self._browse: BrowseScreen | None = None
        self._told_of_memory: str | None = None

    # ---------------------------------------------------------------------------------------------- start and end

    def on_mount(self) -> None:
        theme = self.memory.now.theme
        if theme in self.available_themes and "TEXTUAL_THEME" not in os.environ:
            self.theme = theme
        self.watch(self, "theme", lambda name: self.memory.change(theme=name), init=False)
        self._tell_of_memory()  # now, for the next choice writes the file anew
        self._open(self.settings)
        self.set_interval(STATS_SECONDS, self._sample)
        if not self.is_headless:
            self._signals.enter_context(endings(asyncio.get_running_loop(), self._end))
            if (descriptor := input_descriptor()) is not None:
                self.set_interval(HANG_UP_SECONDS, lambda: self._leave_lost_terminal(descriptor))

    async def on_unmount(self) -> None:
        self._signals.close()
        self.catalogue = None
        if self._browse is not None:
            await self._browse.visitors.stop()
        await self._session.close()

    async def action_quit(self) -> None:
        self.exit(0)

    def _leave_lost_terminal(self, descriptor: int) -> None:
        if not hung_up(descriptor):
            return
        silence()
        if self._driver is not None:
            self._driver.write = lambda data: None  # type: ignore[method-assign]  # its thread is dead or dying
        self._end(128 + signal.SIGHUP)

    def _end(self, code: int) -> None:
        self.exit(code, return_code=code)

    def watch_app_focus(self, focus: bool) -> None:
        """A screen that opened while the window was in the background takes the keys now; Textual leaves it without."""
        wanted = self.AUTO_FOCUS if self.screen.AUTO_FOCUS is None else self.screen.AUTO_FOCUS
        if focus and wanted and self.screen.focused is None:
            self.screen.focus_next(wanted)

    def _open(self, settings: Settings) -> None:
        self.settings = settings
        self._start = StartScreen(settings.store)
        if isinstance(self.screen, StartScreen):
            self.switch_screen(self._start)
        else:
            self.push_screen(self._start)
        self._session.start(settings)

    # ------------------------------------------------------------------------------------------------- what happens

    def on_server_reported(self, event: ServerReported) -> None:
        if self._start is not None:
            self._start.show_step(event.step)

    def on_catalogue_opened(self, event: CatalogueOpened) -> None:
        self.catalogue = event.catalogue
        self._start = None
        self._browse = BrowseScreen(event.catalogue, self.memory)
        self.switch_screen(self._browse)

    def on_catalogue_failed(self, event: CatalogueFailed) -> None:
        if self._start is not None:
            self._start.show_failure(event.error)

    def on_start_screen_chosen(self, event: StartScreen.Chosen) -> None:
        store = self.settings.store
        if event.what == "postgresql":
            store = event.what
            self.memory.change(store=store)
        self._open(replace(self.settings, store=store))

    def on_work_failed(self, event: WorkFailed) -> None:
        notice = self.problems.notice(event.error, event.doing, monotonic())
        if notice is not None:
            self.notify(notice.text, title=notice.title, severity=notice.severity, timeout=8, markup=False)

    def _tell_of_memory(self) -> None:
        """Say once what keeps the choices of the screen from being read or written."""
        problem = self.memory.problem
        if problem is not None and problem != self._told_of_memory:
            self.notify(problem, title="Choices of the screen", severity="warning", timeout=8, markup=False)
        self._told_of_memory = problem

    def _sample(self) -> None:
        self._tell_of_memory()
        if self.catalogue is not None and self._browse is not None:
            self._browse.post_message(StatsSampled(self.catalogue.stats()))

    def action_help(self) -> None:
        if self._browse is not None and self.screen is self._browse:
            self.push_screen(HelpScreen(place_of(self._browse.pane)))
