"""TracePanel: the last operations, each with the tier that answered, the verdict and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from core.observe.stats import TraceLine
from tui import figures
from tui.formats import visible
from tui.trace_filter import TraceFilter, parse_trace_filter
from tui.verdicts import in_words
from tui.widgets.lines import Line, LinePanel

_TIER_STYLES: Final = {"near": "chosen", "redis": "good", "store": "warning"}
_NARROW: Final = 48
"""Below so many cells, time and operation give way to the key."""
_ROOMY: Final = 72
"""From so many cells on, the time has milliseconds."""
_WIDE: Final = 96
"""From so many cells on, the strategy has a column too."""

_KEY: Final = (21, 40)
"""Cells of a key: as many before the verdict grows, and at most, for further apart the eye loses the row."""
_VERDICT: Final = (12, 30)
"""Cells of a verdict at least and at most."""
_VERSION: Final = 19
"""Cells of a version: microseconds since 1970, with a "v" before and blanks after."""


class TracePanel(LinePanel):
    """The log of the cache, the newest at the bottom.

    Scrolled away from there, or with the cursor on a line, it holds still; End follows again.
    """

    PART = "log"
    BORDER_TITLE = "4 Log"
    DEFAULT_CLASSES = "-framed"
    DEFAULT_CSS: ClassVar[str] = "TracePanel { padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "point(-1)", "Line up", show=False, id="log.up"),
        Binding("down,j", "point(1)", "Line down", show=False, id="log.down"),
        Binding("pageup", "point_page(-1)", "Page up", show=False, id="log.page_up"),
        Binding("pagedown", "point_page(1)", "Page down", show=False, id="log.page_down"),
        Binding("home,g", "point(-100_000)", "Oldest", show=False, id="log.first"),
        Binding("end,G", "follow", "Newest, and follow", id="log.follow"),
        Binding("enter", "open", "Whole line", show=False, id="log.open"),
    ]

    class Opened(Message):
        """A line was asked to be shown whole."""

        def __init__(self, line: TraceLine) -> None:
            super().__init__()
            self.line = line

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trace: tuple[TraceLine, ...] = ()
        self._shown: tuple[TraceLine, ...] = ()
        self._texts: dict[int, Line] = {}
        self._texts_width = 0
        self._follows = True
        self._cursor: int | None = None
        """The number of the line that the cursor is on."""
        self._filter = TraceFilter()
        self._filter_text = ""

    @property
    def filter_text(self) -> str:
        """The filter in force, as it was typed."""
        return self._filter_text

    def filter(self, text: str) -> None:
        """Show the lines that this filter lets through alone; an empty one shows all. Raises ValueError."""
        self._filter, self._filter_text = parse_trace_filter(text), text
        self._cursor, self._follows = None, True
        self.redraw()

    def show(self, trace: tuple[TraceLine, ...]) -> None:
        """Take the newest lines; nothing is done when there is none that was not there before."""
        if trace is self._trace or (trace and self._trace and trace[-1].number == self._trace[-1].number):
            return
        self._trace = trace
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines kept; only those that are new are put into words."""
        if self._follows:
            self._shown = tuple(line for line in self._trace if self._filter.shows(line))
        if not self._shown:
            nothing = "No line matches: L changes the filter." if self._trace else "Nothing was read or written yet."
            return [((nothing, "muted"),)]
        before = self._texts if self._texts_width == width else {}
        self._texts = {line.number: before.get(line.number) or trace_line(line, width) for line in self._shown}
        self._texts_width = width
        return [
            ((figures.fit("".join(text for text, _ in parts), width), "cursor"),) if number == self._cursor else parts
            for number, parts in self._texts.items()
        ]

    def redraw(self) -> None:
        """Paint what is new, and stay at the end if that is where the reader was."""
        super().redraw()
        if self._follows and self._on_screen:
            # Forced, because the first lines arrive before the scrollbar that would allow it.
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
            self.vertical_scrollbar.position = self.scroll_offset.y
        newer = self._trace[-1].number - self._shown[-1].number if self._trace and self._shown else 0
        held = "" if self._follows else f"held, {figures.count(newer)} newer: End follows"
        only = f"only “{self._filter_text}”" if self._filter_text else ""
        caption = Content(visible(" · ".join(part for part in (only, held) if part)))
        if self.border_subtitle != caption.markup:
            self.border_subtitle = caption

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Hold still when the reader leaves the end, follow when they come back."""
        super().watch_scroll_y(old_value, new_value)
        follows = self._cursor is None and round(new_value) >= self.max_scroll_y
        if follows != self._follows:
            self._follows = follows
            self.redraw()

    def action_follow(self) -> None:
        """Go to the newest line and stay with what comes."""
        self._follows, self._cursor = True, None
        self.redraw()

    def action_point(self, lines: int) -> None:
        """Move the cursor by so many lines; the first key puts it on the newest line."""
        if not self._shown:
            return
        numbers = [line.number for line in self._shown]
        if self._cursor in numbers:
            place = max(0, min(len(numbers) - 1, numbers.index(self._cursor) + lines))
        else:
            place = len(numbers) - 1 if lines > -len(numbers) else 0
        self._point_at(place)

    def action_point_page(self, pages: int) -> None:
        """Move the cursor by a page."""
        self.action_point(pages * self.page)

    def action_open(self) -> None:
        """Ask for the line under the cursor, or for the newest, to be shown whole."""
        if self._shown:
            chosen = (line for line in self._shown if line.number == self._cursor)
            self.post_message(self.Opened(next(chosen, self._shown[-1])))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line; a second click shows it whole."""
        if (row := self.line_at(event, len(self._shown))) is None:
            return
        event.stop()
        self._point_at(row)
        if event.chain == 2:
            self.action_open()

    def _point_at(self, place: int) -> None:
        self._cursor, self._follows = self._shown[place].number, False
        self.bring_into_sight(place)
        self.redraw()


def trace_line(line: TraceLine, width: int) -> Line:
    """One operation in so many cells; the key takes what the columns leave."""
    roomy = width >= _ROOMY
    clock = figures.clock(line.at)
    at = f"{clock} " if roomy else f"{clock[:8]} " if width >= _NARROW else ""
    operation = figures.fit(figures.printable(line.operation), 8 if roomy else 6) + " " if width >= _NARROW else ""
    strategy = figures.fit(figures.printable(line.strategy), 14) if width >= _WIDE else ""
    room = width - len(at) - len(strategy) - 2 - len(operation) - 6 - 9 - 2
    least, most = _VERDICT
    judged = min(max(room - _KEY[0], least), most)
    verdict = figures.fit(figures.printable(in_words(line.verdict)), judged)
    room -= judged
    version = ""
    if room >= _VERSION + _KEY[0]:
        version = figures.fit(f"v{line.version}" if line.version is not None else "", _VERSION)
        room -= _VERSION
    tier = line.tier or figures.NOTHING
    key = figures.fit(figures.printable(line.key), min(max(room, 4), _KEY[1]))
    took = figures.fit_right(figures.latency(line.seconds), 9)
    # Few changes of style: each costs more bytes on the wire than the word it colours.
    return (
        (at, "muted"),
        (f"{operation}{key} ", ""),
        (figures.fit(tier, 6), _TIER_STYLES.get(tier, "muted")),
        (f"{verdict} {version}{took}", ""),
        (f"  {strategy}" if strategy else "", "muted"),
    )
