"""CSV with a header row: our own columns, or any table with obvious column names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.model import FIELDS, MANY_VALUES, RECURRING, Movie, Value
from core.packed import Columns
from data.columns import Column, Conversion
from data.headings import columns_of
from data.opening import Format, Opening
from data.table import Table
from data.text import TextFile
from data.values import Converter, bars, day, decimal, dollars, entries, imdb_id, minutes, optional, whole, year

OWN: Final[dict[str, str]] = {field.name: field.name for field in FIELDS} | {
    "rt_meter": "tomatometer",
    "rt_rating": "critic_rating",
    "rt_reviews": "critic_reviews",
    "oscar_noms": "oscar_nominations",
    "box_office_usd": "box_office",
}
"""Our column names and the fields that they fill."""

_LISTS: Final = frozenset(field.name for field in FIELDS if field.kind == "list")
_OWN_CONVERTERS: Final[dict[str, Converter]] = {
    "text": str, "list": bars, "integer": whole, "decimal": decimal, "date": day,
}  # fmt: skip
_OBVIOUS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "movieid", "filmid"),
    "title": ("title", "name", "movie", "film", "movietitle", "filmtitle", "movietitles", "primarytitle", "moviename",
              "filmname", "seriestitle"),
    "year": ("year", "releaseyear", "releasedyear", "titleyear", "startyear", "yearofrelease", "yearreleased"),
    "released": ("released", "releasedate", "datereleased", "dateofrelease"),
    "runtime": ("runtime", "runtimeminutes", "runtimemins", "runtimemin", "duration", "durationminutes", "length",
                "minutes"),
    "rated": ("rated", "mpaa", "mpaarating", "certificate", "contentrating", "certification"),
    "genres": ("genres", "genre"),
    "countries": ("countries", "country", "productioncountries"),
    "languages": ("languages", "language"),
    "directors": ("directors", "director", "directedby", "directorname"),
    "writers": ("writers", "writer", "writtenby", "screenplay"),
    "cast": ("cast", "actors", "stars", "starring", "actor"),
    "imdb_id": ("imdbid", "imdb", "tconst", "imdbtitleid"),
    "imdb_rating": ("imdbrating", "imdbscore", "rating", "averagerating"),
    "imdb_votes": ("imdbvotes", "votes", "numvotes"),
    "metacritic": ("metacritic", "metascore", "metacriticscore"),
    "tomatometer": ("tomatometer", "rtmeter", "rottentomatoes", "rtscore"),
    "critic_rating": ("criticrating", "rtrating"),
    "critic_reviews": ("criticreviews", "rtreviews"),
    "oscars_won": ("oscarswon", "oscars"),
    "oscar_nominations": ("oscarnominations", "oscarnoms"),
    "box_office": ("boxoffice", "boxofficeusd", "gross", "revenue", "worldwidegross"),
    "type": ("type", "titletype"),
    "plot": ("plot", "overview", "description", "summary", "synopsis"),
    "poster": ("poster", "posterurl", "posterlink"),
}  # fmt: skip
_CONVERTERS: Final[dict[str, Converter]] = {
    "title": str, "id": str, "year": year, "released": day, "runtime": minutes, "imdb_id": imdb_id,
    "box_office": dollars,
}  # fmt: skip
_BY_KIND: Final[dict[str, Converter]] = {
    "text": optional, "list": entries, "integer": whole, "decimal": decimal, "date": day,
}  # fmt: skip


def recognise(opening: Opening, companions: Sequence[Path]) -> Format | None:
    """CSV whose header has at least a title column, whatever separates its cells."""
    own = opening.cells()
    if {"id", "title", "genres", "directors", "cast"} <= set(own):
        columns = [(place, OWN[name], _own_converter(OWN[name])) for place, name in enumerate(own) if name in OWN]
        constant: dict[str, Value] = {} if "type" in own else {"type": "movie"}
        return Format("Reelcache CSV", lambda text: Reading(text, ",", columns, constant))
    best: tuple[int, str, list[Column]] = (0, ",", [])
    for delimiter in ",;\t|":
        columns = _obvious_columns(opening.cells(delimiter))
        if any(field == "title" for _, field, _ in columns) and len(columns) > best[0]:
            best = (len(columns), delimiter, columns)
    if not best[0]:
        return None
    return Format("CSV", lambda text: Reading(text, best[1], best[2], {}))


def _own_converter(field: str) -> Converter:
    return _OWN_CONVERTERS[next(known.kind for known in FIELDS if known.name == field)]


def _obvious_columns(header: Sequence[str]) -> list[Column]:
    """The columns whose names say what they hold; of several for one field the best known name counts."""
    kinds = {field.name: field.kind for field in FIELDS}
    return [
        (place, field, _CONVERTERS.get(field) or _BY_KIND[kinds[field]])
        for field, place in columns_of(header, _OBVIOUS).items()
    ]


class Reading:
    """One pass through a CSV file. `version` columns are ignored: versions are the store's."""

    def __init__(self, text: TextFile, delimiter: str, columns: Sequence[Column], constant: dict[str, Value]) -> None:
        self.rows = Table(text, delimiter=delimiter)
        self._columns = [
            (place, field, lru_cache(MANY_VALUES)(convert) if field in RECURRING else convert)
            for place, field, convert in columns
        ]
        self._constant = constant
        fields = [field for _, field, _ in columns]
        self._conversion = Conversion(columns, constant, _id) if len(set(fields)) == len(fields) else None
        """None where a row may say the same twice."""

    def run(self, rows: int, characters: int) -> Columns | None:
        """What the next rows say, about so many, where none of them is out of the ordinary."""
        if self._conversion is None or not (found := self.rows.run(rows, characters)):
            return None
        try:
            return self._conversion.columns(found)
        except (ValueError, OverflowError):
            self.rows.put_back()
            return None

    def put_back(self) -> None:
        """Read the rows of the run before one by one."""
        self.rows.put_back()

    def movie(self, row: list[str]) -> Movie:
        values = self._constant.copy()
        for place, field, convert in self._columns:
            if cell := row[place]:
                try:
                    value = convert(cell)
                except ValueError as error:
                    raise ValueError(f"{field}: {error}") from None
                if value is not None:
                    values[field] = value
        title = values.pop("title", "")
        return Movie(id=_id(values.pop("id", ""), row), title=title, **values)  # type: ignore[arg-type]  # checked by rule next


def _id(given: Value, row: Sequence[str]) -> str:
    """The id of a row: its own, a bare number marked as ours, or one that the row's content always gives again."""
    text = str(given).strip()
    if not text:
        content = "\x1f".join(row).encode("utf-8", "replace")
        return f"csv:{hashlib.blake2b(content, digest_size=8).hexdigest()}"
    return f"csv:{text}" if text.isdecimal() else text
