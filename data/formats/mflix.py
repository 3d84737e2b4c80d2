"""sample_mflix movies as Extended JSON (version 1, version 2 relaxed and canonical) or as a driver prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from core.model import Movie, unique
from data.documents import Document, JsonArray, JsonLines
from data.opening import Format, Opening
from data.seen import Seen
from data.text import TextFile
from data.values import day, dollars, imdb_id, is_unknown, optional, whole, year

_NAME: Final = "sample_mflix (Extended JSON)"
_TITLE: Final = re.compile(r'"title"\s*:')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WON: Final = re.compile(r"\bWon (\d{1,3}) Oscars?\b")
_NOMINATED: Final = re.compile(r"\bNominated for (\d{1,3}) Oscars?\b")
_NOTE: Final = re.compile(r"\s*\([^()]*\)")
_URL: Final = re.compile(r"https?://\S+")


def recognise(opening: Opening, companions: Sequence[Path]) -> Format | None:
    """JSON documents that have a title: one on each line, in one array, or one after the other."""
    text = opening.text.lstrip()
    if not text.startswith(("{", "[")) or not _TITLE.search(text):
        return None
    if _one_on_each_line(opening.lines):
        return Format(_NAME, lambda text: Reading(text, JsonLines(text)))
    return Format(_NAME, lambda text: Reading(text, JsonArray(text)))


def _one_on_each_line(lines: Sequence[str]) -> bool:
    first = lines[0].strip()
    if not first.startswith("{"):
        return False
    if len(lines) > 1 and lines[1].startswith("{"):
        return True
    try:
        msgspec.json.decode(first)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True


class Reading:
    """One pass through the documents.

    Non-ASCII characters are often lost in copies of this collection ("è" stands for each): names are not repaired.
    """

    def __init__(self, text: TextFile, rows: JsonLines | JsonArray) -> None:
        self.rows = rows
        self._films = Seen()

    def movie(self, row: Document) -> Movie:
        imdb, awards = _document(row, "imdb"), _document(row, "awards")
        critic = _document(_document(row, "tomatoes"), "critic")
        film = _imdb_id(plain(imdb.get("id")))
        movie = Movie(
            id=_id(plain(row.get("_id")), film),
            title=_text(row, "title") or "",
            year=_year(plain(row.get("year"))),
            released=_day(row.get("released")),
            runtime=_whole(row, "runtime") or None,
            rated=(rated := _text(row, "rated")) and rated.upper(),
            genres=_texts(row, "genres"),
            countries=_texts(row, "countries"),
            languages=_texts(row, "languages"),
            directors=_texts(row, "directors"),
            writers=unique(_NOTE.sub("", name) for name in _texts(row, "writers")),
            cast=_texts(row, "cast"),
            imdb_id=film,
            imdb_rating=_decimal(imdb, "rating"),
            imdb_votes=_whole(imdb, "votes"),
            metacritic=_whole(row, "metacritic"),
            tomatometer=_whole(critic, "meter"),
            critic_rating=_decimal(critic, "rating"),
            critic_reviews=_whole(critic, "numReviews"),
            # The counts beside the text take Oscars in or leave them out at random; the text does not.
            oscars_won=_oscars(_WON, awards),
            oscar_nominations=_oscars(_NOMINATED, awards),
            box_office=dollars(_text(_document(row, "tomatoes"), "boxOffice") or ""),
            type=_text(row, "type"),
            plot=_text(row, "plot") or _text(row, "fullplot"),
            poster=(poster := _text(row, "poster")) and (poster if _URL.fullmatch(poster) else None),
        )
        if film is not None and not self._films.add(film):
            raise ValueError(f"is the same film as an earlier document (imdb.id of {film})")
        return movie


def plain(value: Any) -> Any:
    """A value of Extended JSON as a plain one: numbers, text, datetimes; None for what has no place in a movie."""
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return None
    ((kind, inner),) = value.items()
    if not isinstance(inner, str | int | float) and kind != "$date":
        return None
    match kind:
        case "$numberInt" | "$numberLong":
            return int(inner)
        case "$numberDouble" | "$numberDecimal":
            return float(inner)
        case "$oid" | "$symbol":
            return inner
        case "$date":
            inner = plain(inner)
            if isinstance(inner, int | float):
                return _EPOCH + timedelta(milliseconds=inner)
            return inner
        case _:
            return None


def _document(row: Document, key: str) -> Document:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _text(row: Document, key: str) -> str | None:
    value = plain(row.get(key))
    if value is None or isinstance(value, str):
        # A film may be called "None" or "-"; no other field means anything by that.
        return value if key == "title" or value is None else optional(value)
    if isinstance(value, bool | list | datetime):
        raise ValueError(f"{key}: must be text")
    return str(value)


def _texts(row: Document, key: str) -> tuple[str, ...]:
    value = plain(row.get(key))
    if value is None:
        return ()
    items = [plain(item) for item in value] if isinstance(value, list) else [value]
    if any(isinstance(item, bool | list | datetime) for item in items):
        raise ValueError(f"{key}: must be a list of texts")
    return unique(str(item) for item in items if item is not None)


def _number(row: Document, key: str) -> float | int | None:
    value = plain(row.get(key))
    if value is None or (isinstance(value, str) and is_unknown(value)):
        return None
    if isinstance(value, str):
        try:
            value = float(value.replace(",", ""))
        except ValueError:
            raise ValueError(f"{key}: must be a number, not {value[:40]!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key}: must be a number")
    return None if value != value or value in (float("inf"), float("-inf")) else value


def _whole(row: Document, key: str) -> int | None:
    value = _number(row, key)
    return None if value is None else round(value)


def _decimal(row: Document, key: str) -> float | None:
    value = _number(row, key)
    return None if value is None else float(value)


def _year(value: Any) -> int | None:
    if isinstance(value, str):
        return year(value)
    return _whole({"year": value}, "year")


def _day(value: Any) -> date | None:
    try:
        value = plain(value)
    except OverflowError:
        raise ValueError("released: lies outside the calendar") from None
    if value is None or isinstance(value, datetime):
        return value.date() if value else None
    if not isinstance(value, str):
        raise ValueError("released: must be a date")
    return day(value)


def _imdb_id(value: Any) -> str | None:
    if value is None or isinstance(value, bool | list | datetime):
        return None
    return imdb_id(str(whole(str(value)) if isinstance(value, float) else value))


def _id(value: Any, film: str | None) -> str:
    if value is not None and not isinstance(value, bool | list | datetime):
        return f"mflix:{value}"
    if film is None:
        raise ValueError("has neither an _id nor an imdb.id")
    return f"mflix:{film}"


def _oscars(pattern: re.Pattern[str], awards: Document) -> int | None:
    found = pattern.search(_text(awards, "text") or "")
    return int(found[1]) if found else None
