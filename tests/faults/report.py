"""The table of cells, faults, operations and violations in core/DECISIONS.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.cell import Result

DECISIONS: Final = Path(__file__).parents[2] / "core" / "DECISIONS.md"
BEGIN: Final = "<!-- chaos: begin -->"
END: Final = "<!-- chaos: end -->"


def write_table(rows: Sequence[str], file: Path = DECISIONS) -> Path:
    """Put the table between the markers; where there are none, at the end under a heading of its own."""
    text = file.read_text("utf-8")
    block = f"{BEGIN}\n{table(rows)}\n{END}"
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        text = before + block + rest.partition(END)[2]
    else:
        text = f"{text.rstrip()}\n\n# Chaos\n\n{block}\n"
    file.write_text(text, "utf-8")
    return file


def table(rows: Sequence[str]) -> str:
    """The rows of several cells as a table."""
    lines = [
        "`python -m tests.faults --all` wrote this; `tests/faults/checker.py` says what each invariant means.",
        "",
        "| Cell | Seed | Seconds | Operations | Faults | Oldest answer | Violations |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines)


def row(result: Result) -> str:
    """One cell as a row of the table."""
    cell, verdict = result.cell, result.verdict
    faults = ", ".join(f"{count} {name}" for name, count in result.faults.items() if count)
    oldest = f"{max(verdict.ages):.2f} s" if verdict.ages else "never outdated"
    broken = verdict.counts()
    unclaimed = {name: count for name, count in broken.items() if name not in cell.claims}
    claimed = {name: count for name, count in broken.items() if name in cell.claims}
    words = _told(claimed) or "**0**"
    if unclaimed:
        words += f" (not claimed: {_told(unclaimed)})"
    cells = (cell.name, cell.seed, f"{cell.seconds:.0f}", verdict.operations, faults, oldest, words)
    return f"| {' | '.join(map(str, cells))} |"


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
