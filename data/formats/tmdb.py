"""TMDB movie tables (the 5000 films, and larger dumps of the same columns), with the credits file beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from core.model import Movie, unique
from data.formats.languages import LANGUAGES
from data.opening import Format, Opening, companion
from data.rows import Reject
from data.table import Table
from data.text import TextFile
from data.values import entries, imdb_id, is_unknown, named, objects, shortened, whole

_TELLING: Final = frozenset(
    {
        "original_title", "original_language", "production_companies", "production_countries", "spoken_languages",
        "vote_average", "vote_count", "popularity", "tagline", "homepage", "status",
    }
)  # fmt: skip
_ISO: Final = "%Y-%m-%d"
_DATE_FORMATS: Final = (
    "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d",
    "%d-%m-%y", "%m-%d-%y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
)  # fmt: skip
"""In the order of preference where a column fits several: slashes month first, dashes and points day first."""
_YEARS_AHEAD: Final = 10


def recognise(opening: Opening, companions: Sequence[Path]) -> Format | None:
    """A header with id or movie_id, title, and at least three of the columns that only TMDB has."""
    header = opening.cells()
    names = set(header)
    if "title" not in names or not names & {"id", "movie_id"} or len(names & _TELLING) < 3:
        return None
    credits = companion(opening.path, companions, ("*credits*.csv", "*credits*.csv.gz"), is_credits)
    name = "TMDB movies" + (" with credits" if credits else "")
    return Format(name, lambda text: Reading(text, header, credits), (credits,) if credits else ())


def is_credits(opening: Opening) -> bool:
    """Whether a file is TMDB's credits: an id, cast and crew."""
    names = set(opening.cells())
    return {"cast", "crew"} <= names and bool(names & {"id", "movie_id"})


class Reading:
    """One pass through the movies. Zero stands for unknown in revenue and runtime."""

    def __init__(self, text: TextFile, header: Sequence[str], credits: Path | None) -> None:
        self.rows = Table(text)
        self._place = {name: place for place, name in reversed(list(enumerate(header)))}
        self._id = "id" if "id" in self._place else "movie_id"
        self._credits = Credits(credits, text) if credits else None
        self._date_format = date_format(text, self._place["release_date"]) if "release_date" in self._place else _ISO

    def movie(self, row: list[str]) -> Movie:
        number = self._cell(row, self._id).strip()
        released = self._read(row, "release_date", lambda cell: parse_date(cell, self._date_format))
        directors, writers, cast = self._credits.of(number) if self._credits else ((), (), ())
        return Movie(
            id=f"tmdb:{number.removesuffix('.0')}" if number else "",
            title=self._cell(row, "title"),
            year=released.year if released else None,
            released=released,
            runtime=self._read(row, "runtime", whole) or None,
            genres=self._read(row, "genres", entries),
            countries=self._read(row, "production_countries", entries),
            languages=self._read(row, "spoken_languages", languages),
            directors=directors,
            writers=writers,
            cast=cast,
            imdb_id=self._read(row, "imdb_id", imdb_id),
            box_office=self._read(row, "revenue", whole) or None,
            type="movie",
            plot=self._cell(row, "overview") or None,
        )

    def _cell(self, row: list[str], column: str) -> str:
        place = self._place.get(column)
        return "" if place is None else row[place]

    def _read(self, row: list[str], column: str, convert: Callable[[str], Any]) -> Any:
        try:
            return convert(self._cell(row, column))
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None


def languages(cell: str) -> tuple[str, ...]:
    """English names of spoken languages, which are listed under their own names (日本語) with an ISO code."""
    if not cell.startswith("["):
        return entries(cell)
    found: list[Any] = []
    for item in objects(cell):
        if isinstance(item, dict):
            code = str(item.get("iso_639_1", ""))
            item = LANGUAGES.get(code, "" if code == "xx" else item.get("name") or code)
        found.append(item)
    return named(found)


def parse_date(cell: str, form: str) -> date | None:
    """A date in the column's format; ISO is understood in any column. Raises ValueError."""
    if is_unknown(cell):
        return None
    for known in dict.fromkeys((_ISO, form)):
        try:
            found = datetime.strptime(cell.strip(), known).date()
        except ValueError:
            continue
        # Two digits of a year say 2068 for 1968: no film is announced so far ahead.
        if known.endswith("%y") and found.year > date.today().year + _YEARS_AHEAD:
            found = found.replace(year=found.year - 100)
        return found
    raise ValueError(f"{shortened(cell)} is not a date as the others of this column ({form})")


def date_format(movies: TextFile, place: int) -> str:
    """The format that most dates of a column have: 3/4/2009 alone is ambiguous, the whole column seldom is."""
    import pandas

    fitting = dict.fromkeys(_DATE_FORMATS, 0)
    iso = True
    with TextFile(movies.path) as text:
        try:
            for chunk in pandas.read_csv(
                text.handle, usecols=[place], dtype=str, on_bad_lines="skip", chunksize=50_000, engine="c"
            ):
                column = chunk.iloc[:, 0].dropna().str.strip()
                other = column[pandas.to_datetime(column, format=_ISO, errors="coerce").isna()]
                if other.empty:
                    continue
                iso = False
                for form in _DATE_FORMATS:
                    fitting[form] += int(pandas.to_datetime(other, format=form, errors="coerce").notna().sum())
        except (pandas.errors.ParserError, EOFError, OSError, ValueError):
            # What the library cannot read is judged, and refused with its line, by the pass that follows.
            pass
    best = max(_DATE_FORMATS, key=lambda form: fitting[form])
    if iso or not fitting[best]:
        return _ISO
    rivals = [form for form in _DATE_FORMATS if fitting[form] == fitting[best] and form != best]
    if rivals:
        movies.warnings.add(f"release_date could be {best} or {rivals[0]} throughout: read as {best}")
    return best


class Credits:
    """Directors, writers and cast by movie id. Held whole: about 2 KB a film."""

    def __init__(self, path: Path, movies: TextFile) -> None:
        self._people: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {}
        with TextFile(path) as text:
            table = Table(text, header=False)
            header: list[str] | None = None
            for row in table:
                if isinstance(row, Reject):
                    movies.warnings.add(f"{path.name}, line {row.line}: {row.reason}")
                elif header is None:
                    header = [name.strip() for name in row]
                    id = header.index("movie_id" if "movie_id" in header else "id")
                    cast, crew = header.index("cast"), header.index("crew")
                else:
                    try:
                        self._people[row[id].strip()] = people(objects(row[cast]), objects(row[crew]))
                    except ValueError as error:
                        movies.warnings.add(f"{path.name}, line {table.reject('').line}: {error}")

    def of(self, number: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Directors, writers and cast of a film; nobody where it has no credits."""
        return self._people.get(number, ((), (), ()))


def people(cast: Sequence[Any], crew: Sequence[Any]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Directors, writers and cast, the cast as billed."""
    return (
        _named(member for member in crew if isinstance(member, dict) and member.get("job") == "Director"),
        _named(member for member in crew if isinstance(member, dict) and member.get("department") == "Writing"),
        _named(member for member in cast if isinstance(member, dict)),
    )


def _named(members: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return unique(str(member.get("name") or "") for member in members)
