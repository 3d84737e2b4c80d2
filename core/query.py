"""The question: which movies are asked for and in which order, by words, genres, years and ranges; and its answer."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Final, Literal

import msgspec

from core.errors import InvalidQuery
from core.model import FIELD, Movie, forbidden, value_of
from core.score import points_of


def fold(text: str) -> str:
    """Text without accents and case: the key that titles are sorted and words compared by, in code-point order."""
    if text.isascii():
        return text.lower()
    # Marks stand beyond ASCII, so no run of what does is changed by what stands beside it.
    return _BEYOND_ASCII.sub(_plain, text).casefold()


_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def _plain(found: re.Match[str]) -> str:
    return _without_marks(found.group())


@lru_cache(maxsize=4_096)
def _without_marks(run: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", run) if not unicodedata.combining(c))


_RUN = re.compile(r"[^\W_]+")


def words_of(*texts: str) -> tuple[str, ...]:
    """The words that a search can find a text by, sorted.

    Each run of letters and digits, and a hyphenated or apostrophised whole without its marks (`spider-man`: spider,
    man, spiderman). A token of marks alone (`$`) is its own word.
    """
    return tuple(sorted(set(_tokens(" ".join(texts)))))


def _tokens(text: str) -> list[str]:
    """The words of a text as they come, one that recurs more than once."""
    return tokens_of(fold(text))


def tokens_of(folded: str) -> list[str]:
    """The same of a text that is folded."""
    tokens = folded.split()
    if "".join(tokens).isalnum():
        return tokens
    found: list[str] = []
    for token in tokens:
        if token.isalnum():
            found.append(token)
            continue
        runs = _RUN.findall(token)
        found += runs or (token,)
        if len(runs) > 1:
            found.append("".join(runs))
    return found


WITHIN: Final = {"directors": " d", "writers": " w", "cast": " c", "countries": " n", "languages": " l"}
"""The fields that can be searched by themselves, each with what stands before its words in the index of words. That
begins with a blank, as no word of a search does: one index serves both kinds of search, and neither meets the other."""
_FOUND_BY_ANY_SEARCH: Final = ("directors", "cast")
_RECURRING: Final = ("countries", "languages")
"""The fields of which many movies have the same entries."""
_MARKS: Final = tuple((mark, field in _FOUND_BY_ANY_SEARCH, field in _RECURRING) for field, mark in WITHIN.items())
_within: Final[Callable[[Movie], tuple[tuple[str, ...], ...]]] = attrgetter(*WITHIN)


def movie_words(movie: Movie) -> tuple[str, ...]:
    """The words of a movie's title, directors and cast, and once more, marked, those of each field of WITHIN."""
    unmarked, marked = words_as_they_come(movie)
    return tuple(sorted({*unmarked, *marked}))


def words_as_they_come(movie: Movie) -> tuple[list[str], list[str]]:
    """The same without a mark and with one, in no order, one that recurs more than once."""
    unmarked = _tokens(movie.title)
    marked: list[str] = []
    for entries, (mark, unmarked_too, recurring) in zip(_within(movie), _MARKS, strict=True):
        if recurring:
            marked += _marked_words(mark, entries)
        elif entries:
            # A blank parts words, so those of several names are those of each. Nothing is remembered by name: what was
            # just made lies nearer than any cache of 50,000 names.
            words = _tokens(" ".join(entries))
            if unmarked_too:
                unmarked += words
            marked += [mark + word for word in words]
    return unmarked, marked


@lru_cache(maxsize=4_096)
def _marked_words(mark: str, entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mark + word for word in _tokens(" ".join(entries)))


_BEGINNING: Final = 3
_first_letters: Final[Callable[[str], str]] = itemgetter(slice(_BEGINNING))
_MOST_BEGINNINGS: Final = 500
ANY_BEGINNING: Final = "*"
"""Stands for beginnings that are too many to be kept."""


def beginning(word: str) -> str:
    """The first letters of a word, as they stand among the `beginnings` of every movie that has a word so begun."""
    return " " + word[:_BEGINNING]


def beginnings(words: Iterable[str]) -> str:
    """The beginnings of a movie's unmarked words, each once; ANY_BEGINNING where they take more than 500 bytes.

    Beside the key of a sort they tell in its index, without a look at the movie, that a search cannot find it."""
    begun = {*map(_first_letters, words)}
    found = " ".join(sorted(begun))
    if found.startswith(" ") or "  " in found:  # some are marked
        found = " ".join(sorted(letters for letters in begun if letters[0] != " "))
    found = f" {found}" if found else ""
    length = len(found) if found.isascii() else len(found.encode())
    return found if length <= _MOST_BEGINNINGS else ANY_BEGINNING


@lru_cache(maxsize=256)
def _query_words(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for token in fold(text).split():
        for run in _RUN.findall(token) or (token,):
            found[run] = None
    return tuple(found)


SEVERAL: Final = "|"
"""What stands between several things of which a movie must have one."""


def _several(text: str) -> list[str]:
    """The things that a text searched within one field names; what has no word in it is none."""
    return [part for part in text.split(SEVERAL) if _query_words(part)]


SCORE: Final = "score"
"""The sort by the points that critics' rating and reviews make together (see `core.score`)."""
SORTS: Final[tuple[str, ...]] = (
    "title", "year", "released", "runtime", "imdb_rating", "imdb_votes", "metacritic", "tomatometer",
    "critic_rating", "critic_reviews", SCORE, "oscars_won", "oscar_nominations", "box_office",
    "genres", "directors", "countries",
)  # fmt: skip
"""What a store can sort movies by: SCORE, and fields by their names."""
TRENDS: Final[dict[str, Literal["hour", "day"]]] = {"trending": "day", "trending_hour": "hour"}
"""The sorts by how often all running copies looked at a movie, each with the span after which a look counts half. No
store knows that: `core.boards.trends` puts what was looked at before all else."""
SORTED_AS_TEXT: Final = ("title", "genres", "directors", "countries")
"""Those among them whose key is a folded text: of a list, the first entry."""
RANGED: Final[tuple[str, ...]] = tuple(
    name for name in SORTS if name in FIELD and FIELD[name].kind in ("integer", "decimal") and name != "year"
)
"""The fields that a Range can bound; the year has its own bounds in the query."""


def sort_key(movie: Movie, sort: str) -> str | int | float | None:
    """The key of a sort: of one in SORTED_AS_TEXT a text, compared in code-point order, of any other a number; None
    where the movie has none."""
    if sort == SCORE:
        return points_of(movie)
    value = value_of(movie, sort)
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, date):
        return value.toordinal()
    return fold(value) if isinstance(value, str) else value


COUNTED: Final = ("genres", *WITHIN, "year")
"""The fields whose values can be counted."""
MOST_ROWS: Final = 1_000
"""The largest window that one call may ask for."""
LONGEST_TEXT: Final = 500


class Range(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds of one number of a movie: `least` and `most` belong to it, `above` and `below` do not.

    A movie that lacks the number lies within no bounds. Raises InvalidQuery on a field that has no number.
    """

    field: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if self.field not in RANGED:
            raise InvalidQuery(f"{self.field!r} has no bounds.", remedy=f"Choose: {', '.join(RANGED)}.")
        if not self.bounds or not all(math.isfinite(bound) for bound in self.bounds.values()):
            raise InvalidQuery(f"The bounds of {self.field!r} must be numbers.", remedy="Give a finite number.")

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that there are, by name."""
        names = ("least", "most", "above", "below")
        return {name: bound for name in names if (bound := getattr(self, name)) is not None}


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which movies, in which order.

    A movie matches when every word of `text` begins some word of its title, directors or cast, it has every one of
    `genres`, its year lies within `year_from`..`year_to` (a movie of unknown year lies within no bounds), every word of
    each text in `within` begins some word of that one field, and every number lies in each of its `ranges`. A text in
    `within` may name several things, with `|` between them (`france|japan`): then one of them is enough.
    Order: by `sort`, unknown last in both directions, ties by id in the direction of the sort. By one of TRENDS: what
    was looked at, and behind it in both directions all else by title.
    Raises InvalidQuery on an unknown sort or a value that no movie can have.
    """

    text: str = ""
    genres: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    within: tuple[tuple[str, str], ...] = ()
    """Pairs of a field in WITHIN and the text searched in it alone."""
    ranges: tuple[Range, ...] = ()
    sort: str = "title"
    descending: bool = False

    def __post_init__(self) -> None:
        if self.sort not in SORTS and self.sort not in TRENDS:
            remedy = f"Choose: {', '.join((*SORTS, *TRENDS))}."
            raise InvalidQuery(f"Movies cannot be sorted by {self.sort!r}.", remedy=remedy)
        if len(self.text) > LONGEST_TEXT:
            raise InvalidQuery(f"The search text is longer than {LONGEST_TEXT} characters.", remedy="Shorten it.")
        if strange := [field for field, _ in self.within if field not in WITHIN]:
            raise InvalidQuery(f"{strange[0]!r} is not searched by itself.", remedy=f"Choose: {', '.join(WITHIN)}.")
        if sum(len(text) for _, text in self.within) > LONGEST_TEXT or len(self.ranges) > 20:
            raise InvalidQuery("The filter is too long.", remedy="Shorten it.")
        for text in (self.text, *self.genres, *(text for _, text in self.within)):
            if stranger := forbidden(text):
                raise InvalidQuery(
                    f"The search holds a forbidden character (U+{ord(stranger):04X}).", remedy="Remove it."
                )

    @property
    def by_title(self) -> Query:
        """The same movies in the order of their titles."""
        return msgspec.structs.replace(self, sort="title", descending=False)

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words, each of which must begin some word of a movie, marked where they stand for one field."""
        marked = (
            WITHIN[field] + word
            for field, text in self.within
            if len(_several(text)) < 2
            for word in _query_words(text)
        )
        return (*_query_words(self.text), *dict.fromkeys(marked))

    @property
    def beginnings(self) -> tuple[str, ...]:
        """What must stand among the `beginnings` of a movie of the answer, for each word of `text`."""
        return tuple(dict.fromkeys(map(beginning, _query_words(self.text))))

    @property
    def choices(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """For each text that names several things the marked words of each: a movie must have all of one of them."""
        return tuple(
            tuple(tuple(WITHIN[field] + word for word in _query_words(one)) for one in several)
            for field, text in self.within
            if len(several := _several(text)) > 1
        )

    @property
    def selective(self) -> bool:
        """Whether anything is filtered out."""
        years = self.year_from is not None or self.year_to is not None
        return bool(self.words or self.choices or self.genres or self.ranges or years)


Tier = Literal["near", "redis", "store"]
"""Where an answer came from: this process's memory, Redis, or the database."""
Freshness = Literal["fresh", "stale", "uncached"]
"""Whether an answer is within its soft TTL, past it, or was not cached at all."""


class Page(msgspec.Struct, frozen=True):
    """One window of a query's answer: `movies` from row `offset` (the first is 0) of `total`.

    `tiers` says where each movie came from, `window_tier` where their order did, `seconds` how long it all took.
    """

    movies: tuple[Movie, ...]
    total: int
    offset: int
    tiers: tuple[Tier, ...] = ()
    window_tier: Tier = "store"
    freshness: Freshness = "fresh"
    """Of the window; `stale` means the last known state, served while the store is away."""
    seconds: float = 0.0
    counted: bool = True
    """Whether `total` is known; where not, these are the first rows of an answer that is still being counted."""
    views: tuple[float, ...] = ()
    """How often each movie was looked at, decayed; of an answer that is sorted by that."""
    bypassed: bool = False
    """Whether some of it was read from the store without filling a cache: there is none, or it was not believed."""


class ValueCount(msgspec.Struct, frozen=True):
    """How many movies of a query's answer have a value in one field: a genre, a name, a year in digits."""

    name: str
    count: int


class Counts(msgspec.Struct, frozen=True):
    """How many movies of a query's answer have each value of one field, and how that was come by."""

    values: tuple[ValueCount, ...]
    tier: Tier
    freshness: Freshness
    seconds: float
