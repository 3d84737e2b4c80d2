"""Export: movies written to a file, in our own CSV, which `read` takes back, or as JSON Lines; whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from core.model import FIELDS, Movie, value_of

SUFFIXES: Final = (".csv", ".jsonl")
_BAR: Final = "|"
_INSTEAD: Final = "/"


class ExportFile:
    """A file that appears under its name once everything is in it: leaving the context early leaves nothing behind.

    `replaced` counts the entries of lists that hold a bar, which CSV has between entries: they get a slash instead.
    Raises OSError where the folder or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        """The suffix of `path` is one of SUFFIXES and says the format."""
        self._path = path
        self._write = {".csv": self._csv, ".jsonl": self._json}[path.suffix.casefold()]
        self._whole = False
        self.replaced = 0

    def __enter__(self) -> Self:
        handle, self._temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        if self._path.suffix.casefold() == ".csv":
            self._file.write(_row(field.name for field in FIELDS))
        return self

    def write(self, movies: Iterable[Movie]) -> None:
        """Add these movies."""
        self._file.write("".join(map(self._write, movies)))

    def finish(self) -> None:
        """Put the file in place: all is written."""
        self._file.flush()
        os.chmod(self._temporary, 0o666 & ~_umask())
        os.replace(self._temporary, self._path)
        self._whole = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._file.close()
        if not self._whole:
            with suppress(OSError):
                os.unlink(self._temporary)

    def _csv(self, movie: Movie) -> str:
        cells: list[str] = []
        for field in FIELDS:
            value = value_of(movie, field.name)
            if isinstance(value, tuple):
                self.replaced += sum(_BAR in entry for entry in value)
                value = _BAR.join(entry.replace(_BAR, _INSTEAD) for entry in value)
            cells.append("" if value is None else str(value))
        return _row(cells)

    @staticmethod
    def _json(movie: Movie) -> str:
        return msgspec.json.encode(movie).decode() + "\n"


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
