"""ReelcacheApp: opens the catalogue, shows the screens, tells the person what went wrong, and ends cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from core.catalogue import Catalogue
from core.settings import Settings
from core.telemetry import Telemetry
from tui.bindings import app_bindings
from tui.jobs import JobControl, has_shell
from tui.keys_help import box_help, panel_help, panel_title, start_help
from tui.legible import legible
from tui.messages import (
    CatalogueFailed,
    CatalogueOpened,
    ServerReported,
    StatsSampled,
    TelemetryFailed,
    WorkFailed,
)
from tui.problems import Notice, Problems
from tui.remembered import Memory
from tui.screens import dialogs
from tui.screens.browse import BrowseScreen
from tui.screens.start import StartScreen
from tui.session import Failed, Opened, Opener, Reported, Session, Told, Untold
from tui.terminal import LastingOutput, endings, hung_up, input_descriptor, silence

if TYPE_CHECKING:
    from tui.palette import ActionCommands

_SCREENS: Final = Path(__file__).with_name("screens")
STATS_SECONDS: Final = 0.5
HANG_UP_SECONDS: Final = 0.25


def _action_commands() -> type[ActionCommands]:
    from tui.palette import ActionCommands  # when the palette is opened

    return ActionCommands


class ReelcacheApp(App[int]):
    """The dashboard over one catalogue. Its result is the exit code of the program."""

    TITLE = "Reelcache"
    # With the screens, all styles would be parsed anew for each.
    CSS_PATH = [_SCREENS / "browse.tcss", _SCREENS / "start.tcss"]  # noqa: RUF012  # Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = app_bindings()
    COMMANDS = {_action_commands}  # noqa: RUF012  # Textual declares it so
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        settings: Settings,
        opener: Opener | None = None,
        memory: Memory | None = None,
        session: Session | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """`session` may have begun to open the catalogue of these settings; without one it is opened by `opener`."""
        super().__init__()
        self.settings = settings
        self.memory = memory or Memory(None)
        self.catalogue: Catalogue | None = None
        self.problems = Problems(settings.state_dir)
        self._telemetry = telemetry
        self._session = session or Session(opener, telemetry)
        self._signals = ExitStack()
        self._jobs: JobControl | None = None
        self._start: StartScreen | None = None
        self._browse: BrowseScreen | None = None
        self._told_of_memory: str | None = None
        theme = self.memory.now.theme
        if theme in self.available_themes and "TEXTUAL_THEME" not in os.environ:
            self.theme = theme

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables, its words legible; Textual's own are not on light backgrounds."""
        few = self.console.color_system == "standard"
        self.theme_variables = legible(super().get_css_variables(), dark=self.current_theme.dark, few=few)
        return self.theme_variables

    # ---------------------------------------------------------------------------------------------- start and end

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, with an output that outlives its terminal."""
        base = super().get_driver_class()

        class Lasting(base):  # type: ignore[misc, valid-type]  # which one it is, the platform says
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                if (file := getattr(self, "_file", None)) is not None:
                    self._file = LastingOutput(file)

        return Lasting

    def get_default_screen(self) -> Screen[Any]:
        """The table, where the catalogue is open by now: one of Textual's own below it would only take time."""
        if (catalogue := self._session.catalogue) is None:
            return super().get_default_screen()
        self._browse = BrowseScreen(catalogue, self.memory)
        return self._browse

    def on_mount(self) -> None:
        self.watch(self, "theme", lambda name: self.memory.change(theme=name), init=False)
        self._tell_of_memory()  # now, for the next choice writes the file anew
        self._begin()
        self.set_interval(STATS_SECONDS, self._sample)
        if not self.is_headless:
            self._signals.enter_context(endings(asyncio.get_running_loop(), self._end))
            if (descriptor := input_descriptor()) is not None:
                if self._driver is not None and self._driver.can_suspend and hasattr(signal, "SIGTSTP"):
                    self._jobs = JobControl(self._driver, descriptor, lambda: self._exit)
                    self._signals.callback(self._jobs.close)
                self.set_interval(HANG_UP_SECONDS, lambda: self._leave_lost_terminal(descriptor))

    async def on_unmount(self) -> None:
        self._signals.close()
        self.catalogue = None
        if self._browse is not None:
            await self._browse.visitors.stop()
        await self._session.close()

    async def action_quit(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        """Ctrl-C: copy what is selected, or say how to quit; nothing typed is lost to a habit."""
        box = self.focused if isinstance(self.focused, Input) else None
        if box is not None and box.selected_text:
            box.action_copy()
        elif selected := self.screen.get_selected_text():
            self.copy_to_clipboard(selected)
        else:
            back = "Esc goes back, then q" if box is not None or self.screen.is_modal else "q"
            self.notify(f"{back} quits.", title="Ctrl-C copies what is selected", timeout=4)

    def action_suspend_process(self) -> None:
        """Stop, and with it whoever started the program in the shell's place, for the shell looks at them all."""
        if self._jobs is None or not has_shell():
            self.notify("There is no shell here that could bring it back.", title="Stop", severity="warning")
        else:
            os.kill(0, signal.SIGTSTP)

    def _leave_lost_terminal(self, descriptor: int) -> None:
        if not hung_up(descriptor):
            return
        silence()
        self._end(128 + signal.SIGHUP)

    def _end(self, code: int) -> None:
        self.exit(code, return_code=code)

    def watch_app_focus(self, focus: bool) -> None:
        """A screen that opened while the window was in the background takes the keys now; Textual leaves it without."""
        wanted = self.AUTO_FOCUS if self.screen.AUTO_FOCUS is None else self.screen.AUTO_FOCUS
        if focus and wanted and self.screen.focused is None:
            self.screen.focus_next(wanted)

    def _begin(self) -> None:
        """Show the catalogue where it is open already, else how far that is."""
        told = self._session.listen(self._hear)
        if any(isinstance(one, Opened) for one in told):
            told = [one for one in told if isinstance(one, Opened)]
        elif self._session.begun:
            self._start = StartScreen(self.settings.store)
            self.push_screen(self._start)
        else:
            self._open(self.settings)
        for one in told:
            self._hear(one)

    def _hear(self, told: Told) -> None:
        match told:
            case Opened(catalogue):
                self.post_message(CatalogueOpened(catalogue))
            case Failed(error):
                self.post_message(CatalogueFailed(error))
            case Reported(step):
                self.post_message(ServerReported(step))
            case Untold(problem):
                self.post_message(TelemetryFailed(problem))

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
        if self._browse is None or self._browse.catalogue is not event.catalogue:
            self._browse = BrowseScreen(event.catalogue, self.memory)
            if self._start is None:
                self.push_screen(self._browse)
            else:
                self.switch_screen(self._browse)
        self._start = None
        if self._telemetry is not None and (where := self._telemetry.where):
            self._browse.metrics_at = ", ".join(where)
            self.notify("\n".join(where.values()), title="Metrics", timeout=6, markup=False)
        if limits := event.catalogue.limits:
            self.notify("\n".join(limits), title="Not to be had here", severity="warning", timeout=12, markup=False)

    def on_catalogue_failed(self, event: CatalogueFailed) -> None:
        if self._start is not None:
            self._start.show_failure(event.error)
            if (notice := self.problems.notice(event.error, "start", monotonic())) is not None:
                self.problems.keep(notice, time())

    def on_start_screen_chosen(self, event: StartScreen.Chosen) -> None:
        store = self.settings.store
        if event.what == "postgresql":
            store = event.what
            self.memory.change(store=store)
        self._open(replace(self.settings, store=store))

    def on_telemetry_failed(self, event: TelemetryFailed) -> None:
        self.notify(event.problem, title="OpenTelemetry", severity="warning", timeout=8, markup=False)

    def on_work_failed(self, event: WorkFailed) -> None:
        notice = self.problems.notice(event.error, event.doing, monotonic())
        if notice is not None:
            self.problems.keep(notice, time())
            super().notify(notice.text, title=notice.title, severity=notice.severity, timeout=8, markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast; what is more than information is kept, to be read again."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
        if severity != "information":
            self.problems.keep(Notice(title, message, severity), time())

    def action_problems(self) -> None:
        """Show what went wrong so far, in place of the toasts that would cover it."""
        self.clear_notifications()
        self.push_screen(dialogs.ProblemsScreen(self.problems.past))

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
        """Show the keys of what is in focus. A dialog shows its own."""
        if self.screen is self._start:
            self.push_screen(dialogs.HelpScreen("Keys of the start", start_help()))
        elif self._browse is not None and self.screen is self._browse:
            if self._browse.in_box:
                self.push_screen(dialogs.HelpScreen("Keys of the filter box", box_help()))
            else:
                self.push_screen(dialogs.HelpScreen(panel_title(self._browse.pane), panel_help(self._browse.pane)))
