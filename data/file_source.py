"""FileSource: what one file tells of itself while it is read, whatever is in it."""

from __future__ import annotations

from pathlib import Path

from data.rejects import RejectsFile
from data.text import TextFile, Warnings


class FileSource:
    """A file that each iteration reads anew.

    `format` is the name of what was recognised, `size` the bytes on disk. Iterating raises UnreadableFile when the
    file turns out damaged in the middle; what came before stays good. It blocks on the disk: iterate in a thread.
    """

    def __init__(self, path: Path, size: int, format: str) -> None:
        self.path = path
        self.size = size
        self.format = format
        self._text: TextFile | None = None
        self._fraction = 0.0
        """Where another process has the text."""
        self._warnings = Warnings()

    @property
    def fraction(self) -> float:
        """How much of the bytes on disk the last iteration has consumed, from 0 to 1."""
        return self._text.fraction if self._text else self._fraction

    @property
    def warnings(self) -> list[str]:
        """What the last iteration put right silently, the first hundred of `warning_count`."""
        return self._warnings.messages

    @property
    def warning_count(self) -> int:
        """How many things the last iteration put right silently."""
        return self._warnings.count

    def rejects(self) -> RejectsFile:
        """A file for the rows that are refused, made in the working folder when there is a first one."""
        return RejectsFile(self.path)
