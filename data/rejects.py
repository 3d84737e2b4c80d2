"""The file that refused rows are written to."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, Final, Self

from data.rows import Reject

_COLUMNS: Final = ("line", "reason", "row")
_FORMULA_SIGNS: Final = ("=", "+", "-", "@")


class RejectsFile:
    """Rejects as CSV (line, reason, row), made on the first of them and readable by its owner alone.

    `path` says where it is: None while there is nothing in it. A folder that cannot be written to is replaced by the
    folder for temporary files; where that fails too, `problem` says why and the rejects are counted only.
    Never overwrites a file. Each row is on the disk before the next is read.
    """

    def __init__(self, source: Path, directory: Path | None = None) -> None:
        self._source = source
        self._directories = (directory or Path.cwd(), Path(tempfile.gettempdir()))
        self._file: IO[str] | None = None
        self.path: Path | None = None
        self.count = 0
        self.problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def write(self, reject: Reject) -> None:
        """Add one row, its text made harmless to a spreadsheet."""
        self.count += 1
        if self.problem:
            return
        try:
            file = self._file or self._create()
            csv.writer(file, lineterminator="\n").writerow((reject.line, reject.reason, _harmless(reject.row)))
        except OSError as error:
            where = self.path or self._directories[-1]
            self.problem = f"the rejected rows cannot be written to {where}: {error.strerror or error}"

    def close(self) -> None:
        """Close the file, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self.problem = f"the rejected rows could not be written to {self.path}: {error.strerror or error}"

    def _create(self) -> IO[str]:
        refused: OSError | None = None
        for directory in self._directories:
            try:
                return self._create_in(directory)
            except OSError as error:
                refused = error
        raise refused or OSError("no folder to write to")

    def _create_in(self, directory: Path) -> IO[str]:
        for path in _names(self._source, directory):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="", buffering=1)
            self.path = path
            csv.writer(self._file, lineterminator="\n").writerow(_COLUMNS)
            return self._file
        raise FileExistsError("no free name is left")


def _names(source: Path, directory: Path) -> Iterator[Path]:
    stem = source.name.removesuffix(".gz")
    stem = Path(stem).stem or "rows"
    yield directory / f"{stem}.rejects.csv"
    for number in count(2):
        yield directory / f"{stem}.rejects-{number}.csv"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
