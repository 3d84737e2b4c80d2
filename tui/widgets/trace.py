"""TracePanel: the last operations, each with the tier that answered, the verdict and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from core.observe.stats import TraceLine
from tui import figures
from tui.widgets.lines import Line, LinePanel

_TIER_STYLES: Final = {"near": "good", "redis": "good", "store": "warning"}
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
    """The log of the cache, the newest at the bottom. Scrolled away from there it holds still; End follows again."""

    BORDER_TITLE = "4 Log"
    DEFAULT_CLASSES = "-framed"
    DEFAULT_CSS: ClassVar[str] = "TracePanel { padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Scroll up", show=False, id="log.up"),
        Binding("down,j", "scroll_down", "Scroll down", show=False, id="log.down"),
        Binding("home,g", "scroll_home", "Oldest", show=False, id="log.first"),
        Binding("end,G", "follow", "Newest, and follow", id="log.follow"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trace: tuple[TraceLine, ...] = ()
        self._shown: tuple[TraceLine, ...] = ()
        self._texts: dict[int, Line] = {}
        self._texts_width = 0
        self._follows = True

    def show(self, trace: tuple[TraceLine, ...]) -> None:
        """Take the newest lines; nothing is done when there is none that was not there before."""
        if trace is self._trace or (trace and self._trace and trace[-1].number == self._trace[-1].number):
            return
        self._trace = trace
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines kept; only those that are new are put into words."""
        if self._follows:
            self._shown = self._trace
        if not self._shown:
            return [(("Nothing was read or written yet.", "muted"),)]
        before = self._texts if self._texts_width == width else {}
        self._texts = {line.number: before.get(line.number) or trace_line(line, width) for line in self._shown}
        self._texts_width = width
        return list(self._texts.values())

    def redraw(self) -> None:
        """Paint what is new, and stay at the end if that is where the reader was."""
        super().redraw()
        if self._follows and self._on_screen:
            # Forced, because the first lines arrive before the scrollbar that would allow it.
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
            self.vertical_scrollbar.position = self.scroll_offset.y
        newer = self._trace[-1].number - self._shown[-1].number if self._trace and self._shown else 0
        self.caption("" if self._follows else f"held, {figures.count(newer)} newer: End follows")

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Hold still when the reader leaves the end, follow when they come back."""
        super().watch_scroll_y(old_value, new_value)
        follows = round(new_value) >= self.max_scroll_y
        if follows != self._follows:
            self._follows = follows
            self.redraw()

    def action_follow(self) -> None:
        """Go to the newest line and stay with what comes."""
        self._follows = True
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
    verdict = figures.fit(figures.printable(line.verdict.replace("_", " ")), judged)
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
