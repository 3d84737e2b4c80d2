"""The record: what a movie is, which values each field may hold, and how a load of many went."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal

import msgspec

from core.errors import InvalidMovie


class Movie(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movie, as every layer passes it: unknown is None or an empty tuple, never 0 or "".

    `version` is the store's, a 63-bit hybrid of counter and clock that only grows; 0 means "not yet stored".
    `runtime` is in minutes, `box_office` in US dollars, both ratings run from 0 to 10, both meters from 0 to 100.
    """

    id: str
    version: int = 0
    title: str
    year: int | None = None
    released: date | None = None
    runtime: int | None = None
    rated: str | None = None
    genres: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    imdb_id: str | None = None
    imdb_rating: float | None = None
    imdb_votes: int | None = None
    metacritic: int | None = None
    tomatometer: int | None = None
    critic_rating: float | None = None
    critic_reviews: int | None = None
    oscars_won: int | None = None
    oscar_nominations: int | None = None
    box_office: int | None = None
    type: str | None = None
    plot: str | None = None
    poster: str | None = None


Kind = Literal["text", "integer", "decimal", "date", "list"]
Value = str | int | float | date | tuple[str, ...] | None


class Field(msgspec.Struct, frozen=True):
    """The rule of one field: how it is called, what it may hold, how it is read from and shown as text."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    required: bool = False
    editable: bool = True
    least: float | None = None
    most: float | None = None
    longest: int = 200
    """Characters of a text, or of each item of a list."""
    many: int = 200
    """Items of a list."""
    pattern: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    """Suggestions, not limits."""

    def problem(self, value: Value) -> str | None:
        """What is wrong with a value of this field's type, or None."""
        if value is None or value == "" or value == ():
            return "is required" if self.required else None
        if isinstance(value, tuple):
            return self._list_problem(value)
        if isinstance(value, str):
            return self._text_problem(value)
        if isinstance(value, date):
            if not FIRST_YEAR <= value.year <= LAST_YEAR:
                return f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}"
            return None
        if value != value:
            return "must be a number"
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            return f"must lie between {_figure(self.least)} and {_figure(self.most)}"
        return None

    @property
    def bounds(self) -> str:
        """The least and the most of a number, as a person reads them: `0 to 1 000 000`."""
        return f"{_figure(self.least)} to {_figure(self.most)}"

    def _text_problem(self, value: str) -> str | None:
        if stranger := forbidden(value):
            return f"holds a forbidden character (U+{ord(stranger):04X})"
        if len(value) > self.longest:
            return f"is longer than {self.longest} characters ({len(value)})"
        if not value.strip():
            return "holds only blanks"
        if self.pattern is not None and not self.pattern.fullmatch(value):
            return f"must look like {self.hint}"
        return None

    def _list_problem(self, value: tuple[str, ...]) -> str | None:
        if len(value) > self.many:
            return f"has more than {self.many} entries ({len(value)})"
        seen: set[str] = set()
        for item in value:
            if not item.strip():
                return "has an empty entry"
            if problem := self._text_problem(item):
                return f"{item[:30]!r} {problem}"
            if (key := item.casefold()) in seen:
                return f"names {item!r} twice"
            seen.add(key)
        return None

    def obviously_good(self, value: Value) -> bool:
        """Whether a value is tidy and within the rules at first sight. Where not, it may be so at second sight.

        Nearly every value of a large file passes here, at a tenth of the price of a closer look.
        """
        if value is None or value == ():
            return not self.required
        if isinstance(value, str):
            pattern = self.pattern
            return _obviously_tidy(value, self.longest) and (pattern is None or pattern.fullmatch(value) is not None)
        if isinstance(value, tuple):
            joined = f"|{'|'.join(value)}|"
            return (
                joined.isprintable()
                and not ("| " in joined or " |" in joined or "||" in joined)
                and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
                and (len(joined) <= self.longest or max(map(len, value)) <= self.longest)
                and len(value) <= self.many
                and (len(value) == 1 or len(set(map(str.casefold, value))) == len(value))
                and self.pattern is None
            )
        return self.problem(value) is None

    def checked(self, value: Value) -> Value:
        """The value, tidied. Raises ValueError with a reason where it breaks the rules then."""
        if self.obviously_good(value):
            return value
        tidied = _tidy_value(value)
        if problem := self.problem(tidied):
            raise ValueError(problem)
        return tidied

    def parse(self, text: str) -> Value:
        """The value that a person typed: lists split at commas, blank is unknown. Raises ValueError with a reason."""
        text = tidy(text)
        if not text:
            return () if self.kind == "list" else None
        match self.kind:
            case "text":
                return text
            case "list":
                return tuple(part for raw in text.split(",") if (part := raw.strip()))
            case "integer":
                if not re.fullmatch(r"[+-]?[0-9]{1,18}", digits := text.replace(" ", "").replace("_", "")):
                    raise ValueError("must be a whole number")
                return int(digits)
            case "decimal":
                if not re.fullmatch(r"[+-]?[0-9]{1,12}([.,][0-9]{1,6})?", text):
                    raise ValueError("must be a number, such as 7.4")
                return float(text.replace(",", "."))
            case "date":
                try:
                    return date.fromisoformat(text)
                except ValueError:
                    raise ValueError("must be a date, such as 1979-05-25") from None

    def show(self, value: Value) -> str:
        """The value as text that `parse` reads back."""
        if value is None:
            return ""
        if isinstance(value, tuple):
            return ", ".join(value)
        return value.isoformat() if isinstance(value, date) else str(value)


def _figure(bound: float | None) -> str:
    """A bound in plain digits: years unbroken, large numbers in groups of three, never an exponent."""
    number = bound or 0
    return f"{number:,.15g}".replace(",", " ") if number >= 10_000 else f"{number:g}"


FIRST_YEAR: Final = 1870
LAST_YEAR: Final = 2100
_TT = re.compile(r"tt[0-9]{7,10}")
_URL = re.compile(r"https?://[^\s]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]*")
_RATED = (
    "G",
    "PG",
    "PG-13",
    "R",
    "NC-17",
    "APPROVED",
    "PASSED",
    "NOT RATED",
    "UNRATED",
    "TV-14",
    "TV-MA",
    "TV-PG",
)

_OFTEN_THE_SAME: Final = ("rated", "genres", "countries", "languages", "type")

FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "id",
        "Id",
        "text",
        "letters, digits and : . _ -",
        required=True,
        editable=False,
        longest=100,
        pattern=_ID,
    ),
    Field("title", "Title", "text", required=True, longest=500),
    Field("year", "Year", "integer", "such as 1979", least=FIRST_YEAR, most=LAST_YEAR),
    Field("released", "Released", "date", "such as 1979-05-25"),
    Field("runtime", "Runtime", "integer", "minutes", least=1, most=60_000),
    Field("rated", "Rated", "text", "such as PG-13", longest=20, choices=_RATED),
    Field("genres", "Genres", "list", "comma between", longest=40, many=25),
    Field("countries", "Countries", "list", "comma between", longest=100, many=60),
    Field("languages", "Languages", "list", "comma between", longest=100, many=60),
    Field("directors", "Directors", "list", "comma between"),
    Field("writers", "Writers", "list", "comma between"),
    Field("cast", "Cast", "list", "comma between", many=500),
    Field("imdb_id", "IMDb id", "text", "tt0078748", longest=12, pattern=_TT),
    Field("imdb_rating", "IMDb rating", "decimal", "0 to 10", least=0, most=10),
    Field("imdb_votes", "IMDb votes", "integer", "a count", least=0, most=1_000_000_000),
    Field("metacritic", "Metacritic", "integer", "0 to 100", least=0, most=100),
    Field("tomatometer", "Tomatometer", "integer", "0 to 100", least=0, most=100),
    Field("critic_rating", "Critic rating", "decimal", "0 to 10", least=0, most=10),
    Field("critic_reviews", "Critic reviews", "integer", "a count", least=0, most=1_000_000),
    Field("oscars_won", "Oscars won", "integer", "recorded wins", least=0, most=100),
    Field("oscar_nominations", "Oscar nominations", "integer", "recorded nominations", least=0, most=100),
    Field("box_office", "Box office", "integer", "US dollars", least=0, most=100_000_000_000),
    Field("type", "Type", "text", "such as movie", longest=30, choices=("movie", "series", "short", "episode")),
    Field("plot", "Plot", "text", longest=20_000),
    Field("poster", "Poster", "text", "https://...", longest=2_000, pattern=_URL),
)
FIELD: Final[dict[str, Field]] = {field.name: field for field in FIELDS}
_values: Final[Callable[[Movie], tuple[Value, ...]]] = attrgetter(*FIELD)

RECURRING: Final = frozenset(
    field.name for field in FIELDS if field.kind in ("integer", "decimal", "date") or field.name in _OFTEN_THE_SAME
)
"""The fields whose values recur from movie to movie, so that it pays to remember some thousand."""
MANY_VALUES: Final = 4_096
"""How many of a field are remembered."""
_GOOD: Final[tuple[Callable[[Value], bool], ...]] = tuple(
    lru_cache(MANY_VALUES, typed=True)(field.obviously_good) if field.name in RECURRING else field.obviously_good
    for field in FIELDS
)


def replace(movie: Movie, /, **changes: Value) -> Movie:
    """The same movie with some fields changed."""
    return msgspec.structs.replace(movie, **changes)


def value_of(movie: Movie, field: str) -> Value:
    """What a movie holds in the field of this name."""
    value: Value = getattr(movie, field)
    return value


def problems(movie: Movie) -> dict[str, str]:
    """What breaks the rules, by field name; empty when the movie may be stored."""
    found = ((field.name, field.problem(value_of(movie, field.name))) for field in FIELDS)
    return {name: problem for name, problem in found if problem}


def check(movie: Movie) -> Movie:
    """The movie with its text tidied. Raises InvalidMovie when a rule is broken."""
    doubtful = [
        field.name
        for field, good, value in zip(FIELDS, _GOOD, _values(movie), strict=True)
        if ((value is not None and value != ()) or field.required) and not good(value)
    ]
    if not doubtful:
        return movie
    tidied = replace(movie, **{name: _tidy_value(value_of(movie, name)) for name in doubtful})
    found = ((name, FIELD[name].problem(value_of(tidied, name))) for name in doubtful)
    if broken := {name: problem for name, problem in found if problem}:
        raise InvalidMovie(broken)
    return tidied


def same_content(one: Movie, other: Movie) -> bool:
    """Whether two movies differ in nothing but their version."""
    return replace(one, version=0) == replace(other, version=0)


def tidy(text: str) -> str:
    """Text in NFC with line breaks and tabs as blanks, none at the ends; other control characters stay."""
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", text)).strip()


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """The items in order, tidied, without blanks and without repeats that differ in case alone."""
    first: dict[str, str] = {}
    for item in items:
        if text := tidy(item):
            first.setdefault(text.casefold(), text)
    return tuple(first.values())


_BLANKS = re.compile(r"[\t\n\r\f\v\x85\u2028\u2029]+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text without its forbidden characters, tidied: what may be shown of a foreign record."""
    return tidy(_FORBIDDEN.sub("", tidy(text)))


def _obviously_tidy(text: str, longest: int) -> bool:
    """Whether a text is plainly what `tidy` makes of it, with nothing forbidden in it, and short enough."""
    return (
        text.isprintable()
        and 0 < len(text) <= longest
        and text[0] != " " != text[-1]
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def forbidden(text: str) -> str | None:
    """The first character of a text that no record and no search may hold, or None."""
    found = _FORBIDDEN.search(text)
    return found.group() if found else None


def _tidy_value(value: Value) -> Value:
    if isinstance(value, str):
        return tidy(value) or None
    if isinstance(value, tuple):
        return tuple(tidy(item) for item in value)
    return value


Progress = Callable[["LoadProgress"], None]


class LoadProgress(msgspec.Struct, frozen=True):
    """How far a load has come. `fraction` is of the bytes read, None when the size is unknown."""

    read: int
    stored: int
    unchanged: int
    rejected: int
    seconds: float
    fraction: float | None


class LoadReport(msgspec.Struct, frozen=True):
    """How a load ended.

    `rejects_path` names the file of refused rows, None when there are none; `rejects_problem` says why it has not all.
    """

    read: int
    stored: int
    unchanged: int
    rejected: int
    rejects_path: str | None
    seconds: float
    rejects_problem: str = ""
    cancelled: bool = False
