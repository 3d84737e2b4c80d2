"""One row of the table S1 to S15: what was measured, its scatter, what ran beside it, and whether the goal is kept.

A module that measures has `async def rows(run: Run) -> AsyncIterator[Row]`, which yields each row as soon as it is
there. `measured` makes a row from samples and judges it; `bound` makes one of the least that anybody could need;
`unmeasured` makes one that says why there is no figure.
Nothing here raises over a figure: a missed goal is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final, Literal, ParamSpec

import msgspec

Judged = Literal["median", "p95", "p99", "max"]
_How = ParamSpec("_How")
_TIMES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


class Run(msgspec.Struct, frozen=True):
    """What a run was asked for."""

    short: bool
    """A run of seconds: few rounds, few rows."""
    rows: int
    """Rows of the goals at size (S8 to S12, S14)."""
    stores: tuple[str, ...]
    state: Path
    """A folder kept between runs, in which each store has its rows: to make a million takes minutes."""
    placement: str
    """`one core` or `free`, as it is printed."""
    only: tuple[str, ...] = ()
    """The goals asked for; empty: all."""

    def wants(self, *numbers: str) -> bool:
        """Whether one of these goals is asked for."""
        return not self.only or any(number in self.only for number in numbers)


class Figure(msgspec.Struct, frozen=True):
    """The median of some samples, their quartiles, upper percentiles and maximum, in `unit` (seconds: `s`)."""

    value: float
    low: float
    high: float
    p95: float
    p99: float
    worst: float
    samples: int
    unit: str = "s"

    def judged(self, by: Judged) -> float:
        """The figure that a goal speaks of."""
        return {"median": self.value, "p95": self.p95, "p99": self.p99, "max": self.worst}[by]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table."""

    number: str
    """The goal that it belongs to, as in `S7`."""
    what: str
    figure: Figure | None = None
    peer: str = ""
    """What ran beside it in the same run."""
    base: Figure | None = None
    """What that took."""
    ratio: Figure | None = None
    """Ours over the peer's, round by round where they ran in rounds."""
    goal: str = ""
    """Empty where the row is there for comparison only."""
    reached: tuple[str, ...] = ()
    """What is held against each goal, as it is printed."""
    judged: Judged = "median"
    """Which figure the goal, and the ratio, is of."""
    verdict: str = ""
    """`kept`, `missed`, or `not measured: why`; of a bound `within reach` or `out of reach`."""
    floor: str = ""
    """Of a bound alone: the least that can be had, as it is printed."""


def measured(
    number: str,
    what: str,
    ours: Sequence[float],
    *,
    unit: str = "s",
    peer: str = "",
    theirs: Sequence[float] = (),
    ratio_at_most: float | None = None,
    at_most: float | None = None,
    judged: Judged = "median",
    paired: bool = True,
) -> Row:
    """A row from samples in `unit`. Lists of one length are rounds, and their ratio is taken round by round; where they
    are not (`paired`), or another figure than the median is `judged`, it is the ratio of those figures.

    `ratio_at_most` bounds the ratio to the peer, `at_most` the value itself; with both, both must hold."""
    figure = figure_of(ours, unit)
    base = figure_of(theirs, unit) if theirs else None
    ratio = None
    if base is not None:
        if paired and judged == "median" and len(ours) == len(theirs):
            ratio = figure_of([mine / other for mine, other in zip(ours, theirs, strict=True)], "")
        else:
            ratio = figure_of([figure.judged(judged) / base.judged(judged)], "")
    goals, reached, kept = list[str](), list[str](), True
    which = "" if judged == "median" else f"{judged} "
    if ratio_at_most is not None:
        goals.append(f"{which}<= {_times(ratio_at_most)}")
        reached.append(_times(ratio.value) if ratio is not None else "no ratio")
        kept = ratio is not None and ratio.value <= ratio_at_most
    if at_most is not None:
        goals.append(f"{which}<= {_amount(at_most, unit)}")
        reached.append(_amount(figure.judged(judged), unit))
        kept = kept and figure.judged(judged) <= at_most
    verdict = ("kept" if kept else "missed") if goals else ""
    return Row(
        number=number,
        what=what,
        figure=figure,
        peer=peer,
        base=base,
        ratio=ratio,
        goal=", ".join(goals),
        reached=tuple(reached),
        judged=judged,
        verdict=verdict,
    )


def _judging_the_goal(measure: Callable[_How, Row]) -> Callable[_How, Row]:
    def bound(*samples: _How.args, **how: _How.kwargs) -> Row:
        row = measure(*samples, **how)
        if len(row.reached) != 1:
            raise ValueError("a bound is of one goal")
        verdict = "within reach" if row.verdict == "kept" else "out of reach"
        return msgspec.structs.replace(row, floor=row.reached[0], verdict=verdict)

    return bound


bound: Final = _judging_the_goal(measured)
"""A row that judges a goal instead of us: the least that a program of our kind can need, as it is measured beside ours.
Where even that misses the goal it is out of reach, else within; it counts as neither kept nor missed.

As `measured`, with one of the two goals: what misses a goal of `measured` rows is explained by a bound of that goal.
Raises ValueError for both or none."""


def whole(rows: Sequence[Row]) -> str:
    """What became of a goal, by its rows."""
    judged = [row for row in rows if row.verdict and not row.floor and (row.goal or not row.peer)]
    if not judged:
        return "not measured"
    missed = [row for row in judged if row.verdict == "missed"]
    if not missed:
        return next((row.verdict for row in judged if row.verdict.startswith("not measured")), "kept")
    said = f"missed in {len(missed)} of {len(judged)} rows" if len(judged) > 1 else "missed"
    goals = {goal for row in missed for goal in row.goal.split(", ")}
    floors = [row.floor for row in rows if row.verdict == "out of reach" and row.goal in goals]
    return f"{said}; its floor, {' and '.join(floors)}, is above the goal" if floors else said


def unmeasured(number: str, what: str, why: str) -> Row:
    """A row that says why there is no figure."""
    return Row(number=number, what=what, verdict=f"not measured: {why}")


def figure_of(samples: Sequence[float], unit: str = "s") -> Figure:
    """The figure of one sample or more."""
    ordered = sorted(samples)
    low, _, high = quantiles(ordered, n=4) if len(ordered) > 1 else (ordered[0],) * 3
    p95, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.95, 0.99))
    low, high = max(low, ordered[0]), min(high, ordered[-1])
    return Figure(median(ordered), low, high, p95, p99, ordered[-1], len(ordered), unit)


# ------------------------------------------------------------------------------------------------------- as it is read

HEAD: Final = (
    f"{'#':4}{'what':76} {'measured (quartiles; p95)':32} {'beside it, in the same run':32} {'ratio (quartiles)':24} "
    f"{'goal':18} verdict"
)


def line(row: Row) -> str:
    """The row under `HEAD`."""
    spread = ""
    if row.figure is not None:
        spread = _amount(row.figure.judged(row.judged), row.figure.unit)
        if row.judged != "median":
            spread = f"{row.judged} {spread}, median {_amount(row.figure.value, row.figure.unit)}"
        elif row.figure.samples > 1:
            spread += f" ({_quartiles(row.figure)}; {_amount(row.figure.p95, row.figure.unit)})"
    beside = f"{row.peer} {_amount(row.base.judged(row.judged), row.base.unit) if row.base else ''}".strip()
    ratio = ""
    if row.ratio is not None:
        ratio = _times(row.ratio.value)
        if row.ratio.samples > 1:
            ratio += f" ({row.ratio.low:.2f}-{row.ratio.high:.2f})"
    return f"{row.number:4}{row.what:76} {spread:32} {beside:32} {ratio:24} {row.goal:18} {row.verdict}".rstrip()


def _quartiles(figure: Figure) -> str:
    if figure.unit == "s":
        scale = _scale(figure.value)[0]
        return f"{_digits(figure.low / scale)}-{_digits(figure.high / scale)}"
    return f"{_digits(figure.low)}-{_digits(figure.high)}"


def _amount(value: float, unit: str) -> str:
    if unit != "s":
        return f"{_digits(value)} {unit}".rstrip()
    scale, name = _scale(value)
    return f"{_digits(value / scale)} {name}"


def _digits(value: float) -> str:
    """Three of them, and no exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _scale(seconds: float) -> tuple[float, str]:
    return next(((scale, name) for scale, name in _TIMES if abs(seconds) >= scale), _TIMES[-1])


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio >= 0.2 else f"{ratio:.3f}x = 1/{1 / ratio:.3g}" if ratio else "0"
