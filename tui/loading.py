"""`reelcache load`: a file into the store, with progress, and an account at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import data
from core import LoadProgress, LoadReport, Settings, open_catalogue
from core.servers.server import ServerStep
from tui.columns import visible
from tui.terminal import endings

_SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_BETWEEN_LOOKS: Final = 0.1
_MOST_WARNINGS: Final = 5


async def load_file(settings: Settings, file: Path | None, companions: tuple[Path, ...]) -> int:
    """Load the file, or the shipped catalogue when none is named; returns the exit code (128 + signal when ended)."""
    source = data.shipped() if file is None else data.read(file, companions=companions)
    typer.echo(f"{visible(source.path.name)}: {source.format}", err=True)
    return await _load(settings, source)


async def load_invented(settings: Settings, count: int, seed: int) -> int:
    """Load so many invented movies; returns the exit code as `load_file` does."""
    source = data.Synthetic(count, seed)
    typer.echo(f"{count:,} {source.format}, seed {seed}: none of them is real", err=True)
    return await _load(settings, source)


async def _load(settings: Settings, source: data.Source | data.Synthetic) -> int:
    stop = asyncio.Event()
    code = 0

    def end(wanted: int) -> None:
        nonlocal code
        code = wanted
        stop.set()
        line.describe("stopping, what was read is made searchable")

    with ProgressLine(Console(stderr=True)) as line:
        async with open_catalogue(settings, report=line.show_step) as catalogue:
            line.describe("the shipped movies first")
            while so_far := catalogue.filling:
                line.show(so_far)
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            await catalogue.ready()
            line.begin(f"into {catalogue.store}")

            def progress(so_far: LoadProgress) -> None:
                if so_far.fraction == 1.0:
                    line.describe(f"into {catalogue.store}, making it searchable")
                line.show(so_far)

            with endings(asyncio.get_running_loop(), end):
                report = await catalogue.load(source, progress, stop=stop)
    typer.echo(account(report, source.warnings, source.warning_count))
    return code if report.cancelled else 0


class ProgressLine:
    """How far a load has come: one line that changes on a terminal, elsewhere a plain one every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._plain = not console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(), console=console, transient=True, disable=self._plain,
        )  # fmt: skip
        self._doing = "starting"
        self._row = self._bar.add_task(self._doing, total=None, figures="")
        self._starting: set[str] = set()
        self._due = time.monotonic() + _SECONDS_BETWEEN_LINES

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def begin(self, doing: str) -> None:
        """Say what is begun now, from nothing; what came before was another load."""
        self._bar.reset(self._row)
        self.describe(doing)

    def describe(self, doing: str) -> None:
        """Say what is being done now."""
        self._doing = visible(doing)
        self._bar.update(self._row, description=escape(self._doing))

    def show_step(self, step: ServerStep) -> None:
        """Say which servers are still being started."""
        if step.state == "starting":
            self._starting.add(step.server)
        else:
            self._starting.discard(step.server)
        self.describe(f"starting {', '.join(sorted(self._starting))}".rstrip())

    def show(self, so_far: LoadProgress) -> None:
        """Show rows, rate, share and time left."""
        rate = so_far.read / so_far.seconds if so_far.seconds else 0.0
        figures = f"{so_far.read:,} rows, {rate:,.0f}/s"
        self._bar.update(self._row, total=1.0, completed=so_far.fraction or 0.0, figures=figures)
        if self._plain and time.monotonic() >= self._due:
            self._due = time.monotonic() + _SECONDS_BETWEEN_LINES
            left = so_far.seconds / so_far.fraction - so_far.seconds if so_far.fraction else 0.0
            typer.echo(f"{self._doing}: {figures}, {so_far.fraction or 0.0:.0%}, about {left:,.0f} s left", err=True)


def account(report: LoadReport, warnings: Sequence[str] = (), warning_count: int = 0) -> str:
    """What a load did: a line of figures, then where the refused rows are and what was put right silently."""
    lines = [
        f"{'Stopped' if report.cancelled else 'Done'} after {report.seconds:.1f} s: {report.read:,} read, "
        f"{report.stored:,} stored, {report.unchanged:,} unchanged, {report.rejected:,} rejected."
    ]
    if report.cancelled:
        lines.append("What was read is in the store; load the file again for the rest.")
    if report.rejects_path:
        lines.append(f"Rejected rows, each with its line and reason: {visible(report.rejects_path)}")
    if report.rejects_problem:
        lines.append(f"But {visible(report.rejects_problem)}.")
    shown = warnings[:_MOST_WARNINGS]
    lines += [f"Note: {visible(warning)}" for warning in shown]
    if warning_count > len(shown):
        lines.append(f"Note: {warning_count - len(shown):,} more of this kind.")
    return "\n".join(lines)
