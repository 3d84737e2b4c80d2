"""WatchedScreen: the live counters: which window they show, since when, and whether they hold still."""

from __future__ import annotations

from typing import Final

from textual import on

from core.observe.stats import Stats
from tui.remembered import Memory
from tui.screens import dialogs
from tui.screens.panes import PanedScreen
from tui.trace_filter import parse_trace_filter
from tui.widgets.consistency import ConsistencyPanel
from tui.widgets.counters import CountersPanel, CountersStrip
from tui.widgets.status import StatusLine
from tui.widgets.trace import TracePanel
from tui.windows import SPANS, Windows

_BY_LABEL: Final = {span.label: span for span in SPANS}


class WatchedScreen(PanedScreen):
    """Takes the samples of the core's counters, and shows them as the person chose. Sampling never stops."""

    def __init__(self, strategies: tuple[str, ...], stores: tuple[str, ...], memory: Memory) -> None:
        super().__init__(strategies, stores, memory)
        self.windows = Windows()
        self._span = _BY_LABEL.get(memory.now.window or "", SPANS[0])
        self._newest: Stats | None = None
        self._paused = False
        self.metrics_at = ""
        """Where metrics are served or pushed to, in short; empty where they are not."""

    @property
    def visitors_mark(self) -> str:
        """What the status line says of simulated traffic; nothing where there is none."""
        return ""

    def watch_stats(self, stats: Stats) -> None:
        """Take a sample; show it, unless the counters hold still."""
        self.windows.add(stats)
        self._newest = stats
        if not self._paused:
            self._show_figures()

    def _show_figures(self) -> None:
        summary = self.windows.summary(self._span)
        if summary is None or self._newest is None or not self.whole.is_set():
            return
        marks = {"visitors": self.visitors_mark, "metrics": self.metrics_at}
        self.query_one(StatusLine).show(summary, paused=self._paused, **marks)
        self.query_one(CountersPanel).show(summary, paused=self._paused)
        self.query_one(CountersStrip).show(summary)
        self.query_one(ConsistencyPanel).show(summary)
        self.query_one(TracePanel).show(self._newest.trace)

    @on(TracePanel.Opened)
    def open_operation(self, event: TracePanel.Opened) -> None:
        """Show one line of the log whole."""
        event.stop()
        self.app.push_screen(dialogs.OperationScreen(event.line, self.windows.summary(self._span)))

    def action_filter_log(self) -> None:
        """Ask which lines of the log to show."""
        log = self.query_one(TracePanel)
        hint = "Words that the line holds, such as miss, save, store or Q123; >10ms or <1ms. Empty shows all."
        self.app.push_screen(
            dialogs.AskScreen("Filter the log", hint, log.filter_text, refuses=_refused), self._filter_log
        )

    def _filter_log(self, text: str | None) -> None:
        if text is not None:
            self.action_pane("log")
            self.query_one(TracePanel).filter(text)

    def action_window(self) -> None:
        """Look back further, or from the longest window on the shortest again."""
        self._span = SPANS[(SPANS.index(self._span) + 1) % len(SPANS)]
        self.memory.change(window=self._span.label)
        self._show_figures()

    def action_pause(self) -> None:
        """Hold the counters and the log still, or go on with what is counted now."""
        self._paused = not self._paused
        self._show_figures()

    def action_clear_counters(self) -> None:
        """Count from now on; what Redis counts of itself stays."""
        self.windows.clear()
        self._show_figures()


def _refused(text: str) -> str:
    try:
        parse_trace_filter(text)
    except ValueError as problem:
        return str(problem)
    return ""
