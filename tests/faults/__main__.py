"""The chaos by hand: `python -m tests.faults --seconds 600 --store postgresql --strategy write-through --seed 7`.

`--all` runs every cell and the baselines, and writes the table of what was found into core/DECISIONS.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from core.servers.binaries import ServerName
from core.settings import CONSISTENCIES, STORES, STRATEGIES
from tests.core.cache.topologies import TOPOLOGIES
from tests.faults import schedule
from tests.faults.cell import Cell, Result, run_cell
from tests.faults.report import row, write_table
from tests.faults.servers import Servers
from tests.faults.weakness import WEAKNESSES

_DEFAULT: Final = dict.fromkeys(TOPOLOGIES, (*schedule.FAILOVERS, *schedule.CONTINUOUS, "store-stall"))
"""What happens where Redis is more than one server."""
_SHOWN: Final = 12
"""Violations that are printed in full."""


def main(
    seconds: Annotated[float, typer.Option(help="How long each cell is disturbed.")] = 60.0,
    store: Annotated[str, typer.Option(help=" or ".join(STORES))] = "postgresql",
    strategy: Annotated[str, typer.Option(help=", ".join(STRATEGIES))] = "cache-aside",
    consistency: Annotated[str, typer.Option(help=" or ".join(CONSISTENCIES))] = "strict",
    implementation: Annotated[str, typer.Option(help=f"core, naive, {', '.join(WEAKNESSES)}")] = "core",
    faults: Annotated[str, typer.Option(help=f"Of {','.join(schedule.ALL)}; all without it.")] = "",
    seed: Annotated[int, typer.Option(help="Decides faults and operations; by chance without it.")] = 0,
    clients: Annotated[int, typer.Option(help="How many client processes.")] = 4,
    keep: Annotated[Path | None, typer.Option(help="A folder for the history; must not exist.")] = None,
    movies: Annotated[int, typer.Option(help="How many movies they are at; with 1, all meet all the time.")] = 12,
    near: Annotated[bool, typer.Option("--near", help="The clients have a near tier.")] = False,
    redis: Annotated[str, typer.Option(help=f"single, {', '.join(TOPOLOGIES)}")] = "single",
    every: Annotated[bool, typer.Option("--all", help="Run every cell, and write the table.")] = False,
    row_file: Annotated[Path | None, typer.Option("--row", help="Also write the row of the table there.")] = None,
    together: Annotated[int, typer.Option(help="How many cells run at once, each on servers of its own.")] = 1,
) -> None:
    """Run one cell, or all of them; ends with 1 where a claimed invariant was broken."""
    chosen = tuple(name for name in faults.split(",") if name) or _DEFAULT.get(redis, schedule.ALL)
    if unknown := set(chosen) - {*schedule.ALL, *schedule.FAILOVERS}:
        raise typer.BadParameter(f"no such fault: {', '.join(sorted(unknown))}")
    seed = seed or random.randrange(1, 1_000_000)
    cells = _every_cell(seconds, seed, clients, chosen) if every else []
    if not every:
        cells = [
            Cell(
                store=_store(store),
                strategy=strategy,
                consistency=consistency,
                implementation=implementation,
                faults=chosen,
                seconds=seconds,
                seed=seed,
                clients=clients,
                movies=movies,
                near=near,
                redis=redis,
            )
        ]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left running
    try:
        if every:
            rows, good = asyncio.run(_all(cells, together))
            _say(f"the table is in {write_table(rows)}")
            raise typer.Exit(0 if good else 1)
        result = asyncio.run(_one(cells[0], keep))
    except KeyboardInterrupt:
        _say("stopped; everything was cleaned up")
        raise typer.Exit(130) from None
    if row_file is not None:
        row_file.write_text(row(result), "utf-8")
    raise typer.Exit(1 if result.broken and result.cell.implementation == "core" else 0)


def _every_cell(seconds: float, seed: int, clients: int, faults: tuple[str, ...]) -> list[Cell]:
    def cell(store: str, strategy: str, consistency: str, implementation: str) -> Cell:
        return Cell(
            store=_store(store),
            strategy=strategy,
            consistency=consistency,
            implementation=implementation,
            faults=faults,
            # The naive ones fail within seconds.
            seconds=seconds if implementation == "core" else seconds / 5,
            seed=seed,
            clients=clients,
        )

    cells = [cell(store, strategy, "strict", "core") for store in STORES for strategy in STRATEGIES]
    cells += [cell(store, "cache-aside", "bounded", "core") for store in STORES]
    cells += [cell(store, name, "strict", "naive") for store in STORES for name in ("cache-aside", "write-through")]
    return cells


async def _one(cell: Cell, keep: Path | None) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    servers = Servers(folder)
    try:
        async with contextlib.AsyncExitStack() as stack:
            if cell.redis != "single":
                servers.topology = await stack.enter_async_context(TOPOLOGIES[cell.redis]())
            _say(f"== {cell.name}, seed {cell.seed}, {cell.seconds:.0f} s")
            result = await run_cell(cell, servers, _say, keep)
            _tell(result)
            return result
    finally:
        await servers.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _all(cells: list[Cell], together: int) -> tuple[list[str], bool]:
    """The rows of all cells, each run in a process of its own, and whether all claims held."""
    turns = asyncio.Semaphore(together)
    good = True

    async def one(cell: Cell, file: Path) -> str:
        nonlocal good
        async with turns:
            words = (sys.executable, "-m", "tests.faults", *_again(cell).split(), "--row", str(file))
            process = await asyncio.create_subprocess_exec(*words)
            try:
                good &= await process.wait() == 0
            except asyncio.CancelledError:
                process.terminate()
                await process.wait()
                raise
        return _row_in(file) or f"| {cell.name} | {cell.seed} | broke off | | | | |"

    with tempfile.TemporaryDirectory() as folder:
        rows = await asyncio.gather(*(one(cell, Path(folder, str(n))) for n, cell in enumerate(cells)))
    return list(rows), good


def _row_in(file: Path) -> str:
    return file.read_text("utf-8").strip() if file.exists() else ""


def _tell(result: Result) -> None:
    verdict = result.verdict
    _say(f"   operations {verdict.operations}: {verdict.outcomes}")
    _say(f"   faults {result.faults}")
    ages = sorted(verdict.ages)
    if ages:
        _say(f"   outdated answers {len(ages)}, median age {ages[len(ages) // 2]:.3f} s, oldest {ages[-1]:.3f} s")
    _say(f"   violations {verdict.counts() or 'none'}, of claims {len(result.broken)}")
    shown = result.broken or verdict.violations
    for violation in shown[:_SHOWN]:
        _say(str(violation))
    if len(shown) > _SHOWN:
        _say(f"   ... and {len(shown) - _SHOWN} more")
    if result.broken:
        _say(f"   again: python -m tests.faults {_again(result.cell)}")


def _again(cell: Cell) -> str:
    words = f"--store {cell.store} --strategy {cell.strategy} --consistency {cell.consistency}"
    words += f" --implementation {cell.implementation} --seconds {cell.seconds:g} --seed {cell.seed}"
    words += f" --movies {cell.movies}" if cell.movies != 12 else ""
    words += " --near" if cell.near else ""
    words += "" if cell.redis == "single" else f" --redis {cell.redis}"
    return (
        words if cell.faults == _DEFAULT.get(cell.redis, schedule.ALL) else f"{words} --faults {','.join(cell.faults)}"
    )


def _store(name: str) -> ServerName:
    return "mongodb" if name == "mongodb" else "postgresql"


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
