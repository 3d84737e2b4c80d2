"""How a file begins: all that is looked at to tell its format."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from core.errors import UnreadableFile
from data.rows import Reading
from data.text import OverlongLine, TextFile

_CHARACTERS: Final = 262_144


@dataclass(frozen=True)
class Opening:
    """The first lines of a file, decoded."""

    path: Path
    size: int
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, without their endings; the last one may be cut."""
        return [line for line in self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]

    def cells(self, delimiter: str = ",", *, row: int = 0) -> list[str]:
        """The cells of one of the first lines, without blanks around them; none where it cannot be taken apart."""
        if row >= len(self.lines):
            return []
        try:
            return [cell.strip() for cell in next(csv.reader([self.lines[row]], delimiter=delimiter, strict=True), [])]
        except csv.Error:
            return []


@dataclass(frozen=True)
class Format:
    """A recognised file: the format's name, how to begin a pass through it, and the files beside it that it uses."""

    name: str
    begin: Callable[[TextFile], Reading]  # type: ignore[type-arg]  # the row type is the format's own affair
    companions: tuple[Path, ...] = ()


def opening(path: Path) -> Opening:
    """The beginning of a file. Raises UnreadableFile when there is none to read."""
    parts: list[str] = []
    length = 0
    with TextFile(path) as text:
        try:
            while length < _CHARACTERS and (part := text.piece()):
                parts.append(part)
                length += len(part)
        except (UnreadableFile, OverlongLine):
            # Damage further in is met, and reported with its line, when the file is read.
            if not parts:
                raise
        return Opening(path, text.size, "".join(parts))


def companion(of: Path, given: Sequence[Path], names: Sequence[str], fits: Callable[[Opening], bool]) -> Path | None:
    """The file that belongs to another: a given one whose content fits, or one beside it so named."""
    for path in given:
        if fits(opening(path)):
            return path
    for name in names:
        for path in sorted(of.parent.glob(name)):
            if path != of and path.is_file():
                try:
                    if fits(opening(path)):
                        return path
                except UnreadableFile:
                    continue
    return None
