"""`reelcache load`: a file into the store, with progress, and an account at the end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import data
from core import LoadProgress, LoadReport, Settings, open_catalogue


async def load_file(settings: Settings, file: Path | None, companions: tuple[Path, ...]) -> int:
    """Load the file, or the shipped catalogue when none is named; returns the exit code (130 when interrupted)."""
    console = Console(stderr=True)
    source = data.shipped() if file is None else data.read(file, companions=companions)
    console.print(f"{source.path.name}: {source.format}", markup=False, highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        loop.add_signal_handler(signal.SIGINT, stop.set)
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"), TimeRemainingColumn(),
            console=console, transient=True,
        )  # fmt: skip
        with bar:
            row = bar.add_task(escape(f"into {settings.store}"), total=1.0, figures="")

            def progress(so_far: LoadProgress) -> None:
                rate = so_far.read / so_far.seconds if so_far.seconds else 0.0
                bar.update(row, completed=so_far.fraction or 0.0, figures=f"{so_far.read:,} rows, {rate:,.0f}/s")

            report = await catalogue.load(source, progress, stop=stop)
        loop.remove_signal_handler(signal.SIGINT)
    console.print(account(report), markup=False, highlight=False)
    return 130 if report.cancelled else 0


def account(report: LoadReport) -> str:
    """What a load did, in one or two lines."""
    lines = [
        f"{'Stopped' if report.cancelled else 'Done'} after {report.seconds:.1f} s: {report.read:,} read, "
        f"{report.stored:,} stored, {report.unchanged:,} unchanged, {report.rejected:,} rejected."
    ]
    if report.rejects_path:
        lines.append(f"Rejected rows, each with its line and reason: {report.rejects_path}")
    if report.rejects_problem:
        lines.append(f"But {report.rejects_problem}.")
    return "\n".join(lines)
