"""PlaceSource: the theaters of one file, whatever its format."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

from core.errors import InvalidPlace
from core.place import Place, check_place
from data.cities import refuse_exchanged
from data.file_source import FileSource
from data.opening import opening
from data.place_formats import Begin, recognise
from data.rows import Reject
from data.seen import Seen
from data.text import TextFile, Warnings

_MOST_TOLD: Final = 5


class PlaceSource(FileSource):
    """The places and rejects of one file; `refused`: what the last iteration refused first, in words."""

    def __init__(self, path: Path, size: int, format: str, begin: Begin) -> None:
        super().__init__(path, size, format)
        self.refused: list[str] = []
        self._begin = begin

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
