"""The shape of one movie in MongoDB: the public `sample_mflix.movies` document, and all of ours in `reelcache`.

Reading never fails: what cannot be understood is unknown. Writing touches the changed fields alone, so that
everything else of a foreign document stays byte for byte.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import bson
import msgspec
from bson import Decimal128, Int64, ObjectId

from core.model import FIELD, FIELDS, Field, Movie, Value, printable, unique, value_of
from core.query import SCORE, SORTS, beginnings, fold, words_as_they_come
from core.score import points_of
from core.stores.writer import Request

Document = dict[str, Any]
Stage = dict[str, Any]

OURS: Final = "reelcache"
"""The sub-document that holds all that we add."""
UNTITLED: Final = "(untitled)"
MARK: Final = f"{OURS}.load"
"""Which bulk load inserted a document, as long as nobody has written it since."""
SCHEME: Final = 5
"""Counts up whenever `ours_of` makes something else of the same movie."""

_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "imdb_id": ("imdb", "id"),
    "imdb_rating": ("imdb", "rating"),
    "imdb_votes": ("imdb", "votes"),
    "tomatometer": ("tomatoes", "critic", "meter"),
    "critic_rating": ("tomatoes", "critic", "rating"),
    "critic_reviews": ("tomatoes", "critic", "numReviews"),
    "oscars_won": ("awards", "text"),
    "oscar_nominations": ("awards", "text"),
    "box_office": ("tomatoes", "boxOffice"),
}
"""Where a field lies in the document; any other lies at the top under its own name."""

PROJECTION: Final = {
    **dict.fromkeys((_PATHS.get(field.name, (field.name,))[0] for field in FIELDS if field.name != "id"), 1),
    f"{OURS}.version": 1,
}
"""What a movie is read from: leaves out such as the vectors of `embedded_movies`."""
SEALED: Final = {**PROJECTION, f"{OURS}.id": 1, f"{OURS}.seal": 1}
"""The same, and what tells whether others wrote the document."""


# ------------------------------------------------------------------------------------------------------------- ids

_OBJECT_ID = re.compile(r"mflix:([0-9a-f]{24})")
NAMEABLE: Final[Document] = {
    "$or": [
        {"_id": {"$type": "objectId"}},
        {"_id": {"$type": "string", "$regex": r"\A(?!mflix:[0-9a-f]{24}\z)[A-Za-z0-9][A-Za-z0-9:._-]{0,99}\z"}},
    ]
}
"""The documents that an id of ours can name; others of a foreign collection are neither shown nor touched."""


def key_of(id: str) -> str | ObjectId:
    """The `_id` of the document that holds the movie of this id."""
    found = _OBJECT_ID.fullmatch(id)
    return ObjectId(found[1]) if found else id


def id_of(key: object) -> str:
    """The id of the movie that the document with this `_id` holds."""
    return f"mflix:{key}" if isinstance(key, ObjectId) else str(key)


def nameable(key: object) -> bool:
    """Whether an id of ours can name the document with this `_id`, as `NAMEABLE` asks the server."""
    id = id_of(key)
    return isinstance(key, (str, ObjectId)) and key_of(id) == key and FIELD["id"].problem(id) is None


# --------------------------------------------------------------------------------------------------------- reading


def movie_of(document: Document) -> Movie:
    """The movie that a document holds, as far as it is readable: unknown is None, no title is "(untitled)"."""
    values: dict[str, Any] = {"title": UNTITLED}
    for field, path, read in _READ:
        raw = document.get(path[0]) if len(path) == 1 else _dig(document, path)
        if raw is not None and (value := read(field, raw)) is not None:
            values[field.name] = value
    return Movie(id=id_of(document["_id"]), version=version_of(document), **values)


def version_of(document: Document) -> int:
    """The version that a document carries; 0 where it has none."""
    version = _dig(document, (OURS, "version"))
    return int(version) if isinstance(version, int) else 0


def _dig(document: Document, path: tuple[str, ...]) -> Any:
    value: Any = document
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(field: Field, raw: object) -> str | None:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        raw = f"{raw:g}" if isinstance(raw, float) else str(raw)
    if not isinstance(raw, str) or not raw:
        return None
    if field.obviously_good(raw) or field.problem(raw) is None:
        return raw
    cleaned = printable(raw)[: field.longest].strip()
    return cleaned if cleaned and field.problem(cleaned) is None else None


def _texts(field: Field, raw: object) -> tuple[str, ...] | None:
    if not isinstance(raw, list):
        raw = [raw]
    items = tuple([item for item in raw if isinstance(item, str)])
    if field.obviously_good(items) or field.problem(items) is None:
        return items or None
    return unique(printable(item)[: field.longest] for item in items)[: field.many] or None


def _number(raw: object) -> float | int | None:
    if isinstance(raw, Decimal128):
        raw = float(raw.to_decimal())
    if isinstance(raw, str) and re.fullmatch(r"\s*[0-9]{1,15}(\.[0-9]{1,15})?\s*", raw):
        raw = float(raw)
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
        return None
    return raw


def _integer(field: Field, raw: object) -> int | None:
    number = _number(raw)
    whole = None if number is None else round(number)
    return whole if field.problem(whole) is None else None


def _decimal(field: Field, raw: object) -> float | None:
    number = _number(raw)
    return None if number is None or field.problem(number) else float(number)


def _date(field: Field, raw: object) -> date | None:
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw[:10])
        except ValueError:
            return None
    if not isinstance(raw, datetime) or field.problem(raw.date()):
        return None
    return raw.date()


def _year(field: Field, raw: object) -> int | None:
    if isinstance(raw, str):
        found = re.search(r"[0-9]{4}", raw)
        raw = int(found[0]) if found else None
    return _integer(field, raw)


def _imdb_id(field: Field, raw: object) -> str | None:
    if isinstance(raw, str):
        return _text(field, raw)
    number = _number(raw)
    return None if number is None or number < 1 else _text(field, f"tt{int(number):07d}")


_DOLLARS = re.compile(r"\$?\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*([kKmMbB]?)\s*")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def _dollars(field: Field, raw: object) -> int | None:
    if not isinstance(raw, str):
        return _integer(field, raw)
    found = _DOLLARS.fullmatch(raw)
    if found is None or len(found[1]) > 30:
        return None
    return _integer(field, int(Decimal(found[1].replace(",", "")) * _SCALE[found[2].lower()]))


_WON = re.compile(r"\bWon ([0-9]{1,3}) Oscars?\.\s*")
_NOMINATED = re.compile(r"\bNominated for ([0-9]{1,3}) Oscars?\.\s*")


def _oscars(field: Field, raw: object) -> int | None:
    sentence = _WON if field.name == "oscars_won" else _NOMINATED
    found = sentence.search(raw) if isinstance(raw, str) else None
    return _integer(field, int(found[1])) if found else None


_BY_KIND: Final[dict[str, Callable[[Field, Any], Value]]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "list": _texts,
}
_READERS: Final[dict[str, Callable[[Field, Any], Value]]] = {
    "year": _year,
    "imdb_id": _imdb_id,
    "box_office": _dollars,
    "oscars_won": _oscars,
    "oscar_nominations": _oscars,
}
_READ: Final = tuple(
    (field, _PATHS.get(field.name, (field.name,)), _READERS.get(field.name, _BY_KIND[field.kind]))
    for field in FIELDS
    if field.name != "id"
)


# --------------------------------------------------------------------------------------------------------- writing


def document_of(movie: Movie, version: int, mark: str = "") -> Document:
    """The whole document of a new movie; with the mark of the load that inserts it, if one does."""
    document: Document = {"_id": key_of(movie.id)}
    for name, value in zip(_AT_THE_TOP, _top_values(movie), strict=True):
        if value is not None and value != ():
            document[name] = _RAW[kind](value) if (kind := type(value)) in _RAW else value
    for value, (parents, name, write) in zip(_nested_values(movie), _NESTED, strict=True):
        if value is not None:
            parent = document
            for above in parents:
                parent = parent.setdefault(above, {})
            parent[name] = write(value) if parents != _AWARDS[:-1] else _awards(movie, None)
    ours = document[OURS] = ours_of(movie)
    ours["version"] = Int64(version)
    if mark:
        ours["load"] = mark
    return document


def written(request: Request) -> bytes:
    """The whole documents of new movies as the server keeps them, one behind the other."""
    given = zip(request.movies, request.versions, strict=True)
    return b"".join(bson.encode(document_of(movie, version, request.mark)) for movie, version in given)


def ours_of(movie: Movie) -> Document:
    """All that we add to a document but its version: what a query filters and sorts by.

    A sort key is a number of 0 or more, or a folded text; an unknown value has none.
    """
    sort: Document = {}
    for name, value in zip(_KEYED, _keyed(movie), strict=True):
        if value is not None and value != ():
            kind = type(value)
            sort[name] = _folded(value[0]) if kind is tuple else value.toordinal() if kind is date else value
    if (points := points_of(movie)) is not None:
        sort[SCORE] = points
    unmarked, marked = words_as_they_come(movie)
    return {
        "id": movie.id,
        "title_key": fold(movie.title),
        "beginnings": beginnings(unmarked),
        "words": sorted(set(unmarked)),
        "marked": sorted(set(marked)),
        "genres": list(movie.genres),
        "sort": sort,
        "seal": _seal(movie),
    }


def intact(document: Document) -> bool:
    """Whether our sub-document was made from what the document holds now: if not, others wrote it.

    Asks for the fields of `PROJECTION` and `SEALED`.
    """
    movie = movie_of(document)
    sealed = (_dig(document, (OURS, "id")), _dig(document, (OURS, "seal")))
    return movie.version > 0 and sealed == (movie.id, _seal(movie))


def _seal(movie: Movie) -> str:
    content = msgspec.json.encode([SCHEME, *zip(_ALL, _values(movie), strict=True)])
    return blake2b(content, digest_size=8).hexdigest()


def replacement(present: Document, movie: Movie) -> list[Stage]:
    """The update pipeline that makes the present document hold this movie, touching what changed alone.

    Its version becomes max(old + 1, the server's clock in microseconds).
    """
    before = movie_of(present)
    changed = [name for name in _ALL if value_of(before, name) != value_of(movie, name)]
    raws = _raws(movie, present, changed)
    # A dotted name would be set in every element of an array that stands where an object is wanted.
    arrays = {".".join(at) for path in raws for at in _prefixes(path) if isinstance(_dig(present, at), list)}
    removed = sorted(arrays | {".".join(path) for path, raw in raws.items() if raw is None})
    written = {".".join(path): literal(raw) for path, raw in raws.items() if raw is not None}
    return [
        *([{"$unset": removed}] if removed else []),
        {"$set": {**written, OURS: stamped(movie)}},
    ]


def stamped(movie: Movie) -> Document:
    """An expression for the whole of our sub-document, with the next version."""
    return {"$mergeObjects": [literal(ours_of(movie)), {"version": next_version(f"${OURS}.version")}]}


def next_version(*older: object) -> Document:
    """An expression for a version above each of the older ones (missing counts as 0), and not behind the clock."""
    clock = {"$multiply": [{"$toLong": "$$NOW"}, 1_000]}
    return {"$max": [*({"$add": [version, 1]} for version in older), clock]}


def insertion(document: Document, least: int) -> list[Stage]:
    """The update pipeline by which an upsert inserts this document, with at least this version.

    Half a millisecond above the clock: a removal in the same millisecond stays below."""
    clock = {"$add": [*next_version()["$max"], 500]}
    return [{"$replaceWith": literal(document)}, {"$set": {f"{OURS}.version": {"$max": [least, clock]}}}]


def literal(value: object) -> Document:
    """A value that no server takes for an expression, whatever a person typed."""
    return {"$literal": value}


def _prefixes(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[:length] for length in range(1, len(path))]


def _raws(movie: Movie, present: Document, names: Sequence[str]) -> dict[tuple[str, ...], Any]:
    """What the document is to hold at each place of these fields; None where nothing."""
    raws: dict[tuple[str, ...], Any] = {}
    for name in names:
        path, write = _WRITE[name]
        value = getattr(movie, name)
        if path == _AWARDS:
            raws[path] = _awards(movie, _dig(present, path))
        else:
            raws[path] = write(value) if value or value == 0 else None
    return raws


def _imdb_number(value: Any) -> int | str:
    # mflix has the bare integer; an id that its digits alone do not give back is kept as text.
    digits = value[2:]
    return int(digits) if digits.isdecimal() and f"tt{int(digits):07d}" == value else str(value)


_AS_KIND: Final[dict[str, Callable[[Any], Any]]] = {
    "text": str,
    "integer": int,
    "decimal": float,
    "date": lambda day: datetime(day.year, day.month, day.day),
    "list": list,
}
_AS_NAMED: Final[dict[str, Callable[[Any], Any]]] = {"imdb_id": _imdb_number, "box_office": lambda usd: f"${usd:,}"}
_WRITE: Final = {field.name: (path, _AS_NAMED.get(field.name, _AS_KIND[field.kind])) for field, path, _ in _READ}
_ALL: Final = tuple(_WRITE)
_values: Final[Callable[[Movie], tuple[Value, ...]]] = attrgetter(*_ALL)
_RAW: Final[dict[type, Callable[[Any], Any]]] = {tuple: list, date: _AS_KIND["date"]}
_AT_THE_TOP: Final = tuple(name for name, (path, _) in _WRITE.items() if len(path) == 1)
_top_values: Final[Callable[[Movie], tuple[Any, ...]]] = attrgetter(*_AT_THE_TOP)
_NESTED: Final = tuple((path[:-1], path[-1], write) for path, write in _WRITE.values() if len(path) > 1)
_nested_values: Final[Callable[[Movie], tuple[Any, ...]]] = attrgetter(*(n for n in _WRITE if n not in _AT_THE_TOP))
_KEYED: Final = tuple(name for name in SORTS if name not in ("title", SCORE))
_keyed: Final[Callable[[Movie], tuple[Any, ...]]] = attrgetter(*_KEYED)
# The sorts by text other than the title's are by the first entry of a list, and entries recur.
_folded: Final = lru_cache(maxsize=50_000)(fold)
_AWARDS: Final = _PATHS["oscars_won"]


def _awards(movie: Movie, present: object) -> str | None:
    """The awards text with its Oscar sentences made true, and the rest of it as it was."""
    if present is None and movie.oscars_won is None and movie.oscar_nominations is None:
        return None
    rest = _NOMINATED.sub("", _WON.sub("", present)) if isinstance(present, str) else ""
    won, nominated = movie.oscars_won, movie.oscar_nominations
    sentences = [
        "" if won is None else f"Won {won} Oscar{'' if won == 1 else 's'}.",
        "" if nominated is None else f"Nominated for {nominated} Oscar{'' if nominated == 1 else 's'}.",
        rest.strip(),
    ]
    return " ".join(sentence for sentence in sentences if sentence) or None
