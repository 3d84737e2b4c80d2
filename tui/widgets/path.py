"""PathPanel: the way that the last read and the last write of a strategy really took, walked through step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from rich.cells import cell_len

from core.observe.stats import Step, TraceLine
from tui import figures
from tui.verdicts import in_words
from tui.widgets.lines import Line, LinePanel, Part

READS: Final = ("get", "browse")
WRITES: Final = ("save", "add", "remove")
STEP_SECONDS: Final = 0.25
ROWS: Final = 4
"""Two for the read, two for the write."""
_INDENT: Final = 12


class PathPanel(LinePanel, can_focus=False):
    """The last read and the last write of one strategy. A highlight walks along both, unless animations are off.

    Operations that come meanwhile are shown when the walk has reached its end, so that an eye can follow it."""

    DEFAULT_CSS: ClassVar[str] = f"PathPanel {{ height: {ROWS}; overflow-y: hidden; }}"

    def __init__(self, trace: Callable[[], tuple[TraceLine, ...]], store: str, strategy: str) -> None:
        super().__init__()
        self._recent = trace
        self._store = store
        self._strategy = strategy
        self._operations: tuple[TraceLine | None, TraceLine | None] = (None, None)
        self._at: int | None = None

    def on_mount(self) -> None:
        """Look at the trace, and begin to walk."""
        self.explain(self._strategy)
        still = self.app.animation_level == "none"
        self.set_interval(1.0 if still else STEP_SECONDS, self._renew if still else self.walk)

    def explain(self, strategy: str) -> None:
        """Show another strategy's last operations, from their beginning."""
        self._strategy = strategy
        self._at = None if self.app.animation_level == "none" else 0
        self._renew()

    def walk(self) -> None:
        """Go one step further along both paths; after the longer one's end, look for newer operations."""
        self._at = (self._at or 0) + 1
        if self._at > max(len(operation.steps) + 2 if operation else 0 for operation in self._operations):
            self._at = 0
            self._renew()
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Two rows for each of both operations."""
        rows: list[Line] = []
        for kind, operation in zip(("read", "write"), self._operations, strict=True):
            if operation is None:
                nothing = f"{'last ' + kind:<{_INDENT}}none under {self._strategy} among the last operations"
                rows += [((figures.fit(nothing, width).rstrip(), "muted"),), ()]
            else:
                path = path_lines(operation, self._store, width, self._at)
                rows += [*path, ()][:2]
        return rows[:height]

    def _renew(self) -> None:
        trace = self._recent()
        self._operations = (
            last_operation(trace, self._strategy, READS),
            last_operation(trace, self._strategy, WRITES),
        )
        self.redraw()


def last_operation(trace: Iterable[TraceLine], strategy: str, operations: Sequence[str]) -> TraceLine | None:
    """The newest of these operations under this strategy; None where the trace has none."""
    found = (line for line in reversed(tuple(trace)) if line.strategy == strategy and line.operation in operations)
    return next(found, None)


def path_lines(operation: TraceLine, store: str, width: int, at: int | None) -> list[Line]:
    """The way of an operation in at most two rows, with stop `at` highlighted; without times where there is no room.

    Stop 0 is the asker, the last one the asker again; a stop beyond that highlights none."""
    rows = _wrapped(operation, store, width, at, timed=True)
    if len(rows) > 2:
        rows = _wrapped(operation, store, width, at, timed=False)
    return rows[:2]


def _wrapped(operation: TraceLine, store: str, width: int, at: int | None, *, timed: bool) -> list[Line]:
    took = f"you, {figures.latency(operation.seconds)}{' in all' if timed else ''}"
    stops = ["you", *(_stop(step, store if timed else "store", timed=timed) for step in operation.steps), took]
    if not operation.steps:
        stops.insert(1, figures.printable(in_words(operation.verdict)))
    rows: list[list[Part]] = [[(f"{figures.fit('last ' + operation.operation, _INDENT)}", "muted")]]
    taken = _INDENT
    for number, stop in enumerate(stops):
        arrow = " → " if number else ""
        if taken > _INDENT and taken + len(arrow) + cell_len(stop) > width:
            rows.append([(" " * (_INDENT - 2), "")])
            arrow, taken = "→ ", _INDENT - 2
        rows[-1] += [(arrow, "muted"), (stop, "chosen" if number == at else "")]
        taken += len(arrow) + cell_len(stop)
    return [tuple(parts) for parts in rows]


def _stop(step: Step, store: str, *, timed: bool) -> str:
    where = {"near": "here", "redis": "Redis"}.get(step.where, store)
    took = f" {figures.latency(step.seconds)}" if timed and step.seconds is not None else ""
    return f"{where}: {figures.printable(step.outcome)}{took}"
