"""IMDb's title.basics, with title.ratings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import UnreadableFile
from core.model import Movie, unique
from data.opening import Format, Opening, companion
from data.table import Table
from data.text import TextFile

if TYPE_CHECKING:
    import numpy

_BASICS: Final = {"tconst", "titleType", "primaryTitle"}
_RATINGS: Final = ["tconst", "averageRating", "numVotes"]
_FILMS: Final = frozenset({"movie", "tvMovie"})
"""The kinds that are loaded; shorts, episodes and games are most of the file and no catalogue of films."""

_MOST_KINDS: Final = 20


def recognise(opening: Opening, companions: Sequence[Path]) -> Format | None:
    """A TSV file whose header names tconst, titleType and primaryTitle."""
    header = opening.cells("\t")
    if not set(header) >= _BASICS:
        return None
    ratings = companion(opening.path, companions, ("title.ratings.tsv", "title.ratings.tsv.gz"), is_ratings)
    name = "IMDb title.basics" + (" with title.ratings" if ratings else "")
    return Format(name, lambda text: Reading(text, header, ratings), (ratings,) if ratings else ())


def is_ratings(opening: Opening) -> bool:
    """Whether a file is title.ratings."""
    return opening.cells("\t") == _RATINGS


class Reading:
    """One pass through title.basics. Quotes are plain characters in it, unknown is \\N."""

    def __init__(self, text: TextFile, header: Sequence[str], ratings: Path | None) -> None:
        self.rows = Table(text, delimiter="\t", quoted=False)
        self._place = {name: place for place, name in enumerate(header)}
        self._ratings = Ratings(ratings) if ratings else None
        self._warnings = text.warnings
        self._left_out: set[str] = set()

    def movie(self, row: list[str]) -> Movie | None:
        kind = self._cell(row, "titleType") or ""
        if kind not in _FILMS:
            if kind not in self._left_out and len(self._left_out) < _MOST_KINDS:
                self._left_out.add(kind)
                self._warnings.add(f"titles of the type {kind!r} are left out: only films are loaded")
            return None
        id = self._cell(row, "tconst") or ""
        rating, votes = self._ratings.of(id) if self._ratings else (None, None)
        return Movie(
            id=id,
            title=self._cell(row, "primaryTitle") or "",
            year=self._number(row, "startYear"),
            runtime=self._number(row, "runtimeMinutes") or None,
            genres=unique((self._cell(row, "genres") or "").split(",")),
            imdb_id=id,
            imdb_rating=rating,
            imdb_votes=votes,
            type=kind,
        )

    def _cell(self, row: list[str], column: str) -> str | None:
        place = self._place.get(column)
        return None if place is None or row[place] == "\\N" else row[place]

    def _number(self, row: list[str], column: str) -> int | None:
        cell = self._cell(row, column)
        if not cell:
            return None
        if not (cell.isdecimal() and cell.isascii() and len(cell) <= 9):
            raise ValueError(f"{column}: must be a whole number, not {cell[:40]!r}")
        return int(cell)


class Ratings:
    """Rating and votes by title number, in three sorted arrays: 20 bytes a title, 30 MB for all of IMDb."""

    def __init__(self, path: Path) -> None:
        import numpy
        import pandas

        ids: list[numpy.ndarray] = []
        ratings: list[numpy.ndarray] = []
        votes: list[numpy.ndarray] = []
        with TextFile(path) as text:
            try:
                for chunk in pandas.read_csv(
                    text.handle, sep="\t", quoting=3, dtype=str, on_bad_lines="skip", chunksize=100_000, engine="c"
                ):
                    table = pandas.DataFrame(
                        {
                            "id": pandas.to_numeric(chunk["tconst"].str.removeprefix("tt"), errors="coerce"),
                            "rating": pandas.to_numeric(chunk["averageRating"], errors="coerce"),
                            "votes": pandas.to_numeric(chunk["numVotes"], errors="coerce"),
                        }
                    ).dropna()
                    ids.append(table["id"].to_numpy(numpy.int64))
                    ratings.append(table["rating"].to_numpy(numpy.float32))
                    votes.append(table["votes"].to_numpy(numpy.int64))
            except (EOFError, OSError, ValueError, OverflowError) as error:
                raise UnreadableFile(
                    str(path), f"the ratings cannot be read: {error}.", remedy="Fetch it again, or move it away."
                ) from error
        numbers = numpy.concatenate([*ids, numpy.empty(0, numpy.int64)])
        order = numpy.argsort(numbers, kind="stable")
        self._ids = numbers[order]
        self._ratings = numpy.concatenate([*ratings, numpy.empty(0, numpy.float32)])[order]
        self._votes = numpy.concatenate([*votes, numpy.empty(0, numpy.int64)])[order]

    def of(self, tconst: str) -> tuple[float | None, int | None]:
        """Rating from 0 to 10 and number of votes, or None twice."""
        digits = tconst.removeprefix("tt")
        if not (digits.isdecimal() and digits.isascii() and len(digits) <= 12):
            return None, None
        place = int(self._ids.searchsorted(int(digits)))
        if place == len(self._ids) or self._ids[place] != int(digits):
            return None, None
        return round(float(self._ratings[place]), 2), int(self._votes[place])
