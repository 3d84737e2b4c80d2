"""Exporting a filter's movies: asked of the catalogue window by window, so that a million rows need no more memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from core.errors import ReelcacheError
from core.model import Movie
from core.query import Page, Query

WINDOW: Final = 500
Browse = Callable[[Query, int, int], Awaitable[Page]]
Told = Callable[[int, int], None]
"""Told how many rows are written, and of how many."""


class CannotExport(ReelcacheError):
    """The file cannot be written; the message names it and why."""


class Exported(msgspec.Struct, frozen=True):
    """How an export ended: its rows, and the entries of lists whose bar CSV cannot hold."""

    rows: int
    replaced: int


async def export_all(browse: Browse, query: Query, path: Path, told: Told) -> Exported:
    """Write the whole answer of a query. Cancelled or failed, it leaves no file.

    Raises CannotExport, and as `browse` does."""
    from data.export import ExportFile  # with what reads files, which the first screen need not wait for

    try:
        with ExportFile(path) as file:
            rows, total = 0, 1
            while rows < total:
                page = await browse(query, rows, WINDOW)
                if not page.movies:
                    break
                await asyncio.to_thread(file.write, page.movies)
                rows, total = rows + len(page.movies), page.total
                told(rows, total)
            file.finish()
            return Exported(rows, file.replaced)
    except OSError as problem:
        raise _cannot(path, problem) from None


async def export_some(movies: Sequence[Movie], path: Path) -> Exported:
    """Write these movies. Raises CannotExport."""
    from data.export import ExportFile

    try:
        with ExportFile(path) as file:
            await asyncio.to_thread(file.write, movies)
            file.finish()
            return Exported(len(movies), file.replaced)
    except OSError as problem:
        raise _cannot(path, problem) from None


def refusal(text: str) -> str:
    """What is wrong with the name of a file to export to; empty where nothing is."""
    from data.export import SUFFIXES

    if not text:
        return "Type the name of a file, such as movies.csv."
    path = path_of(text)
    if path.suffix.casefold() not in SUFFIXES:
        return f"The name ends in {' or '.join(SUFFIXES)}, which says the format."
    if path.is_dir():
        return f"{path} is a folder."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    return ""


def path_of(text: str) -> Path:
    """The file that a person named; ~ is their home."""
    return Path(text).expanduser()


def _cannot(path: Path, problem: OSError) -> CannotExport:
    return CannotExport(
        f"{path} cannot be written: {problem.strerror or problem}.", remedy="Choose another folder, or make room."
    )
