"""PlaceSource: the theaters of one file, whatever its format."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

from core.errors import InvalidPlace
from core.place import Place, check_place
from data.cities import refuse_exchanged
from data.opening import opening
from data.place_formats import Begin, recognise
from data.rejects import RejectsFile
from data.rows import Reject
from data.seen import Seen
from data.text import TextFile, Warnings

_MOST_TOLD: Final = 5


class PlaceSource:
    """The places and rejects of one file: each iteration reads it anew.

    `format` is the name of what was recognised, `size` the bytes on disk, `refused` what the last iteration refused
    first, in words with the line. Iterating raises UnreadableFile where the file turns out damaged. It blocks on the
    disk: iterate in a thread.
    """

    def __init__(self, path: Path, size: int, format: str, begin: Begin) -> None:
        self.path = path
        self.size = size
        self.format = format
        self.refused: list[str] = []
        self._begin = begin
        self._text: TextFile | None = None
        self._warnings = Warnings()

    @property
    def fraction(self) -> float:
        """How much of the bytes on disk the last iteration has consumed, from 0 to 1."""
        return self._text.fraction if self._text else 0.0

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

    def __iter__(self) -> Generator[Place | Reject]:
        self.refused, self._warnings = [], Warnings()
        for row in self._rows():
            if isinstance(row, Reject) and len(self.refused) < _MOST_TOLD:
                self.refused.append(f"line {row.line}: {row.reason}")
            yield row

    def _rows(self) -> Generator[Place | Reject]:
        seen = Seen()
        with TextFile(self.path, self._warnings) as text:
            self._text = text
            reading = self._begin(text)
            for row in reading.rows:
                if isinstance(row, Reject):
                    yield row
                    continue
                try:
                    place = checked(reading.place(row))
                except (InvalidPlace, ValueError, OverflowError) as problem:
                    yield reading.rows.reject(str(problem))
                    continue
                if seen.add(place.id):
                    yield place
                else:
                    yield reading.rows.reject(f"has the same id as an earlier row ({place.id})")


def checked(place: Place) -> Place:
    """The place, if it keeps the rules of a place and its coordinates do not look exchanged. Raises InvalidPlace."""
    place = check_place(place)
    refuse_exchanged(place.lat, place.lon, place.country)
    return place


def read_places(path: str | Path) -> PlaceSource:
    """The theaters of a file, its format told from its content. Raises UnreadableFile where that cannot be."""
    path = Path(path)
    begin = opening(path)
    format, reading = recognise(begin)
    return PlaceSource(path, begin.size, format, reading)
