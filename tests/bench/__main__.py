"""The table S1 to S15, by one command: `python -m tests.bench`.

Each row is one measurement. `measured` is the median of its samples, in brackets their quartiles and, behind the
semicolon, the 95th percentile. What stands beside it ran in the same run, on the same servers, in turns with ours and
in shuffled order; `ratio` is ours over that, the median of the rounds' own ratios with their quartiles, so that a
machine that is busy for a while is busy for both. `goal` is what the ratio, or the value where it has a unit, is to
stay below; a row without one is there to compare with. Nothing is asserted on a clock: a missed goal is a verdict, and
the command fails only when something could not run at all. Some rows judge the goal: they measure the least that any
program of this kind needs, and say whether the goal is within reach of that.

Rows of latency (S1 to S7) are taken twice. Client and servers share one core first: to wake the other one costs more
than the work on a virtual machine, and hides what a client costs; those rows are judged. Then placement is free, for
comparison. Peers come with `pip install -e .[bench]`; one that is not installed is named and left out. The rows at size
need a million movies in each store, which are made once and kept in the state folder.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec

from core import Catalogue
from core.event_loop import run as run_on_loop
from tests.bench.row import HEAD, Row, Run, line, unmeasured, whole

ONE_CORE, FREE = "one core", "free placement"


class CannotRun(Exception):
    """A part ended before its time; it said why on standard error."""


class Part(msgspec.Struct, frozen=True):
    """A module that measures, in a process of its own: what one leaves in memory or on a core is not the next one's."""

    name: str
    goals: tuple[str, ...]
    pinned: bool = False
    """Whether its rows are of latency: taken on one core, and once more wherever the system puts them."""


PARTS: Final = (
    Part("reads", ("S1", "S2", "S3", "S4", "S5", "S6"), pinned=True),
    Part("saves", ("S7",), pinned=True),
    Part("windows", ("S8", "S11", "S12")),
    Part("histogram", ("S10",)),
    Part("start", ("S13",)),
    Part("screen", ("S9", "S14", "S15")),
)
GOALS: Final = tuple(f"S{number}" for number in range(1, 16))
SHORT_ROWS: Final = 20_000


def main() -> int:
    """Print the table; 1 when a part could not run."""
    options = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--short", action="store_true", help="a run of seconds: few rounds, few rows, one store")
    options.add_argument("--only", help="the goals to measure, as in S1,S8", default="")
    options.add_argument("--rows", type=int, help="rows of the goals at size (1,000,000; short: 20,000)")
    options.add_argument("--store", choices=(*Catalogue.stores, "both"))
    options.add_argument("--free", action="store_true", help="let the system choose the cores for all rows")
    options.add_argument("--state", type=Path, help="the folder that keeps the rows at size")
    options.add_argument("--part", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.part:
        measure(asked.part, msgspec.json.decode(sys.stdin.buffer.read(), type=Run, dec_hook=_decoded))
        return 0
    only = tuple(name.strip().upper() for name in asked.only.split(",") if name.strip())
    if strange := set(only) - set(GOALS):
        options.error(f"no goal is called {', '.join(sorted(strange))}")
    store = asked.store or ("postgresql" if asked.short else "both")
    with tempfile.TemporaryDirectory(prefix="rc-") as temporary:
        kept = Path(temporary) if asked.short else Path(tempfile.gettempdir()) / "reelcache-bench"
        run = Run(
            short=asked.short,
            rows=asked.rows or (SHORT_ROWS if asked.short else 1_000_000),
            stores=Catalogue.stores if store == "both" else (store,),
            state=asked.state or kept,
            placement=FREE if asked.free else ONE_CORE,
            only=only,
        )
        return table(run)


def table(run: Run) -> int:
    """Print every row as it comes, and at the end what became of each goal."""
    _say(HEAD)
    rows: list[Row] = []
    failed = 0
    for part in PARTS:
        if not run.wants(*part.goals):
            continue
        twice = part.pinned and run.placement == ONE_CORE and not run.short
        for placement in (ONE_CORE, FREE) if twice else (run.placement if part.pinned else FREE,):
            _say(f"-- {part.name}, {placement}, load {os.getloadavg()[0]:.1f}")
            seen = set()
            try:
                for row in _rows(part, msgspec.structs.replace(run, placement=placement)):
                    judged = not (twice and placement == FREE)
                    shown = row if judged else msgspec.structs.replace(row, goal="", verdict="")
                    rows.append(shown)
                    seen.add(row.number)
                    _say(line(shown))
            except CannotRun:
                failed += 1
                for number in part.goals:
                    if run.wants(number) and number not in seen:
                        rows.append(unmeasured(number, part.name, "it could not run, see above"))
                        _say(line(rows[-1]))
    for number in GOALS:
        if run.wants(number):
            _say(f"{number:4}{whole([row for row in rows if row.number == number])}")
    return 1 if failed else 0


def _rows(part: Part, run: Run) -> Iterator[Row]:
    """The rows of one part, as its process prints them."""
    command = [sys.executable, "-m", "tests.bench", "--part", part.name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(run, enc_hook=str))
        process.stdin.close()
        for told in process.stdout:
            yield msgspec.json.decode(told, type=Row)
    if process.returncode:
        raise CannotRun(part.name)


def measure(part: str, run: Run) -> None:
    """Do one part in this process, and print its rows for the table's own."""
    logging.disable(logging.WARNING)
    if run.placement == ONE_CORE and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    async def all_rows() -> None:
        async for row in import_module(f"tests.bench.{part}").rows(run):
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
            sys.stdout.buffer.flush()

    run_on_loop(all_rows())


def _decoded(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
