"""Source: the movies of one file, whatever its format."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any, Final

from core.errors import InvalidMovie, UnreadableFile
from core.model import Movie, check
from core.packed import CELL, Columns, movies_of
from data.apart import LARGE, Batch, read_apart
from data.file_source import FileSource
from data.formats import RECOGNISERS
from data.opening import Format, Opening, opening
from data.rows import InRuns, Reading, Reject
from data.seen import Seen
from data.text import TextFile, Warnings

_FEW: Final = 50
"""Rows of the first run: whoever shows them waits for the first of them."""
_MOST: Final = 1_000
_CHARACTERS: Final = 256_000
"""About the rows and the text of a run."""
SHIPPED_HASH: Final = "0984835e54b19a0043f433a2cb532d9ab714fa8931b93701994e6c9fae38a6e5"
"""sha256 of the shipped catalogue, uncompressed: changes when the movies do."""


class Source(FileSource):
    """The movies and rejects of one file, a row at a time. A large file is read in a process of its own, which ends
    when the iteration does."""

    def __init__(self, path: Path, size: int, format: Format) -> None:
        super().__init__(path, size, format.name)
        self._format = format

    def __iter__(self) -> Generator[Movie | Reject]:
        return self._apart() if self.large else self.here()

    def _apart(self) -> Generator[Movie | Reject]:
        with closing(self.batches()) as batches:
            for batch in batches:
                yield from batch.rows

    @property
    def large(self) -> bool:
        """Whether it is worth a process."""
        return self.size >= LARGE

    def batches(self) -> Generator[Batch]:
        """The same in batches, as a process of their own sends them."""
        self._text, self._fraction, self._warnings = None, 0.0, Warnings()
        recipe = ("file", str(self.path), *map(str, self._format.companions))
        with closing(read_apart(str(self.path), recipe)) as batches:
            for batch in batches:
                self._fraction = batch.fraction
                self._warnings.messages += batch.warnings
                self._warnings.count = batch.warning_count
                yield batch
                if batch.damage:
                    reason, remedy = batch.damage
                    raise UnreadableFile(str(self.path), reason, remedy=remedy)

    def here(self) -> Generator[Movie | Reject]:
        """The same, read in this process."""
        for found in self.runs():
            if isinstance(found, Movie | Reject):
                yield found
            else:
                yield from movies_of(found)

    def runs(self) -> Generator[Columns | Movie | Reject]:
        """The same, many movies as one where nothing in them is out of the ordinary."""
        self._warnings = Warnings()
        seen = Seen()
        with TextFile(self.path, self._warnings) as text:
            self._text = text
            reading = self._format.begin(text)
            most = _FEW
            rows = iter(reading.rows)
            while (row := next(rows, None)) is not None:
                movie = _movie(reading, row, seen)
                if movie is not None:
                    yield movie
                if not isinstance(movie, Movie) or not isinstance(reading, InRuns):
                    continue
                while (columns := reading.run(most, _CHARACTERS)) is not None:
                    most = min(2 * most, _MOST)
                    if seen.add_all(columns[0].split(CELL)):
                        yield columns
                    else:
                        reading.put_back()


def _movie(reading: Reading[Any], row: Any, seen: Seen) -> Movie | Reject | None:
    """What becomes of a row; None where it says nothing of a movie."""
    if isinstance(row, Reject):
        return row
    try:
        movie = reading.movie(row)
        if movie is None:
            return None
        movie = check(movie)
    except (InvalidMovie, ValueError) as error:
        return reading.rows.reject(str(error))
    except OverflowError:
        return reading.rows.reject("holds a number that is too large")
    if not seen.add(movie.id):
        return reading.rows.reject(f"has the same id as an earlier row ({movie.id})")
    return movie


def read(path: str | Path, *, companions: Sequence[str | Path] = ()) -> Source:
    """The movies of a file, its format told from its content.

    `companions` are files that belong to it (title.ratings, links.csv, credits); those that stand beside it under
    their usual names are found. Raises UnreadableFile when it cannot be read or its format is none of the known ones.
    """
    path = Path(path)
    given = [Path(companion) for companion in companions]
    begin = opening(path)
    for recognise in RECOGNISERS:
        if format := recognise(begin, given):
            for companion in given:
                if companion not in format.companions:
                    raise UnreadableFile(
                        str(companion),
                        f"does not belong to {path.name} ({format.name}).",
                        remedy="IMDb: title.ratings; MovieLens: links.csv; TMDB: the credits file.",
                    )
            return Source(path, begin.size, format)
    raise _unknown(begin)


def _unknown(begin: Opening) -> UnreadableFile:
    return UnreadableFile(
        str(begin.path),
        "is of no known format.",
        remedy=(
            "Known are sample_mflix (JSON), IMDb title.basics, TMDB and MovieLens movies, and any CSV with a header "
            "row that has at least a title column; theaters are loaded by `reelcache places load`."
        ),
    )


def shipped() -> Source:
    """The movies that come with the program."""
    return read(Path(str(resources.files("data").joinpath("movies.csv.gz"))))
