"""Movies to ask about: every odd title that once broke a program, then generated ones full of ties and unknowns."""

from __future__ import annotations

import random
from datetime import date
from typing import Final, TypeVar

from hypothesis import strategies as st

from core.errors import InvalidMovie, InvalidQuery
from core.model import FIELDS, Field, Movie, check
from core.query import RANGED, SORTS, WITHIN, Query, Range, movie_words

T = TypeVar("T")

ODD_TITLES: Final = (
    "[REC]", "[/x]", "300", "$", "8½", "$where", "$9.99", "{'$gt': ''}", "'; drop table movies; --", 'Say "Hi"',
    "O'Brother", "back\\slash", "\\", "100%", "under_score", "%_%", ":*", "&|!", "(a & b) | !c", "<->", "*", "?", ".*",
    "^$", "Amélie", "AMELIE", "Ämélie", "Łódź", "Straße", "STRASSE", "İstanbul", "ΣΊΣΥΦΟΣ", "七人の侍", "기생충",
    "Чебурашка", "مرگ", "हिन्दी", "😀 Emoji 🎬", "Spider-Man", "Spider Man", "WALL·E", "M*A*S*H", "…And Justice", "—",
    "a", "A", "á", "Zoë", "ﬁlm", "null", "None", "true", "0", "-1", "1e5", "\u200bzero width", "é" * 500,
)  # fmt: skip
GENRES: Final = ("Action", "Comédie", "Drama", "Sci-Fi", "O'Genre", "$in", "{}", "a,b", '"quoted"', "back\\slash")
_SYLLABLES: Final = ("al", "ien", "Mé", "tro", "po", "lis", "star", "war", "s", "1917", "o'", "x-", "ß", "の")

FULL: Final = Movie(
    id="Q103569",
    title="Alien: [Director’s Cut] \\ 8½ $where 😀",
    year=1979,
    released=date(1979, 5, 25),
    runtime=117,
    rated="R",
    genres=("Horror", "Science Fiction", "a,b", '"q"', "NULL"),
    countries=("United Kingdom", "{curly}"),
    languages=("English", "日本語"),
    directors=("Ridley Scott", "O'Neil \\ Sons"),
    writers=("Dan O'Bannon", "Ronald Shusett"),
    cast=("Sigourney Weaver", "Tom Skerritt", "José Ferrer"),
    imdb_id="tt0078748",
    imdb_rating=8.5,
    imdb_votes=1_000_000_000,
    metacritic=0,
    tomatometer=93,
    critic_rating=9.1,
    critic_reviews=0,
    oscars_won=1,
    oscar_nominations=2,
    box_office=100_000_000_000,
    type="movie",
    plot="In space $no one [can] hear 'you' \\ \"scream\". " * 20,
    poster="https://example.org/a.jpg?x=1&y='2'",
)
"""Every field known."""
BARE: Final = Movie(id="Q1", title="$")
"""Nothing known but the title."""
OLD: Final = Movie(id="tt0000001", title="Passage de Vénus", year=1874, released=date(1874, 12, 9))
"""Older than the clocks of many programs."""


def corpus(count: int = 160, seed: int = 8) -> tuple[Movie, ...]:
    """The odd titles, then generated movies up to `count`; the same ones for the same seed."""
    source = random.Random(seed)
    odd = [_generated(source, f"odd-{number}", title) for number, title in enumerate(ODD_TITLES)]
    plain = [_generated(source, _some_id(source, number), _some_title(source)) for number in range(count - len(odd))]
    return (FULL, BARE, OLD, *odd, *plain)


def _some_id(source: random.Random, number: int) -> str:
    return f"{source.choice(('Q', 'q', 'tt', 'A', 'x:'))}{source.randrange(100)}.{number}"


def _some_title(source: random.Random) -> str:
    words = ("".join(source.choices(_SYLLABLES, k=source.randint(1, 3))) for _ in range(source.randint(1, 3)))
    return " ".join(words)


def _generated(source: random.Random, id: str, title: str) -> Movie:
    def some(*choices: T) -> T | None:
        return source.choice((None, *choices))

    return check(
        Movie(
            id=id,
            title=title,
            year=some(1899, 1979, 1980, 2001),
            released=some(date(1899, 12, 31), date(1979, 5, 25), date(2001, 1, 1)),
            runtime=some(1, 90, 90, 117),
            rated=some("PG", "R"),
            genres=tuple(source.sample(GENRES, k=source.randint(0, 4))),
            directors=tuple(source.sample(("José Zoë", "Jean-Luc Godard", "小津"), k=source.randint(0, 2))),
            cast=tuple(source.sample(("O'Hara", "Zoë Bell", "Al Pacino", "$"), k=source.randint(0, 3))),
            imdb_rating=some(0.0, 7.1, 7.1, 10.0),
            imdb_votes=some(0, 12, 1_000_000),
            metacritic=some(0, 50, 100),
            tomatometer=some(0, 50, 100),
            critic_rating=some(0.5, 6.6),
            critic_reviews=some(1, 2),
            oscars_won=some(0, 1, 11),
            oscar_nominations=some(0, 14),
            box_office=some(0, 1, 5_000_000_000),
        )
    )


# ------------------------------------------------------------------------------------------------------ strategies

_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029")
_TEXT = st.one_of(st.sampled_from(ODD_TITLES), st.text(_CHARACTERS, min_size=1, max_size=40))


def _value(field: Field) -> st.SearchStrategy[object]:
    known: st.SearchStrategy[object]
    match field.name, field.kind:
        case "poster", _:
            known = st.just("https://example.org/a%20b?c='d'")
        case "imdb_id", _:
            known = st.sampled_from(("tt0000001", "tt0078748", "tt1234567890"))
        case _, "text":
            known = _TEXT.map(lambda text: text[: field.longest])
        case _, "integer":
            known = st.integers(int(field.least or 0), int(field.most or 0))
        case _, "decimal":
            known = st.floats(field.least or 0, field.most or 0)
        case _, "date":
            known = st.dates(date(1870, 1, 1), date(2100, 12, 31))
        case _:
            return st.lists(_TEXT.map(lambda text: text[: field.longest]), max_size=4).map(tuple)
    return known if field.required else st.none() | known


def _checked(values: dict[str, object]) -> Movie | None:
    try:
        return check(Movie(**values))  # type: ignore[arg-type]  # each value was drawn for its field
    except InvalidMovie:
        return None


def movies() -> st.SearchStrategy[Movie]:
    """Any movie that may be stored."""
    values = st.fixed_dictionaries(
        {field.name: st.sampled_from(("Q1", "a:b.c_d-e")) if field.name == "id" else _value(field) for field in FIELDS}
    )
    return values.map(_checked).flatmap(lambda movie: st.nothing() if movie is None else st.just(movie))


def catalogues() -> st.SearchStrategy[list[Movie]]:
    """A few movies of any kind, alike in some fields as those of a real catalogue are: ties, and unknowns."""
    alike = st.builds(lambda seed: corpus(len(ODD_TITLES) + 8, seed)[3:], st.integers(0, 10_000))
    some = alike.flatmap(lambda found: st.lists(st.sampled_from(found), max_size=24, unique_by=lambda movie: movie.id))
    return st.tuples(some, st.lists(movies(), max_size=2, unique_by=lambda movie: movie.id)).map(
        lambda parts: [*parts[0], *parts[1]]
    )


def questions_about(found: list[Movie]) -> st.SearchStrategy[Query]:
    """Any question, or one whose text, genres and years are taken from these movies."""
    words = sorted({word for movie in found for word in movie_words(movie)}) or ["a"]
    genres = sorted({genre for movie in found for genre in movie.genres}) or ["Drama"]
    years = st.none() | st.sampled_from(sorted({movie.year for movie in found if movie.year is not None}) or [1979])
    start = st.builds(lambda word, length: word[:length], st.sampled_from(words), st.integers(1, 6))
    near: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
        {
            "text": st.just("") | st.lists(start, min_size=1, max_size=2).map(" ".join),
            "genres": st.lists(st.sampled_from(genres), max_size=3, unique=True).map(tuple),
            "year_from": years,
            "year_to": years,
            "within": st.just(()) | _within(start),
            "ranges": _ranges(),
            "sort": st.sampled_from(SORTS),
            "descending": st.booleans(),
        }
    )
    return queries() | near.map(_asked).flatmap(lambda query: st.nothing() if query is None else st.just(query))


def _asked(values: dict[str, object]) -> Query | None:
    try:
        return Query(**values)  # type: ignore[arg-type]  # each value was drawn for its field
    except InvalidQuery:
        return None


_STARTS = st.sampled_from(
    ("al", "AL", "é", "e", "m", "me", "jose", "josé z", "spider", "spiderman", "spider-man", "1", "$", "'", "\\", ":*",
     "&|!", "o'", "ohara", "har", "7", "七", "の", "ss", "ß", "a b", "a  a", "star war", "*", ".*", "^", "%", "_", "--",
     '"', "{", "[", "[rec", "rec]", "(", "))", "!a", "a & b", "a | b", "m|é", "m|\u0301", "o h|ja|", "<->", "", " ",
     "x" * 500)
)  # fmt: skip


def _within(starts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    return st.lists(st.tuples(st.sampled_from(tuple(WITHIN)), starts), max_size=2).map(tuple)


def _ranges() -> st.SearchStrategy[tuple[Range, ...]]:
    bound = st.none() | st.sampled_from((-1.0, 0.0, 1.0, 7.5, 8.0, 60.0, 99.5, 117.0, 1e6, 1e12))
    fields = st.tuples(st.sampled_from(RANGED), bound, bound, bound, bound).filter(lambda limits: any(limits[1:]))
    limits = fields.map(lambda limits: Range(*limits))
    return st.just(()) | st.lists(limits, max_size=2).map(tuple)


def queries() -> st.SearchStrategy[Query]:
    """Any question about the corpus: many that match something, some that nobody should ask."""
    years = st.none() | st.sampled_from((-1, 0, 1800, 1899, 1900, 1979, 1980, 2001, 3000, 10**10))
    values: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
        {
            "text": st.one_of(st.just(""), _STARTS, st.text(_CHARACTERS, max_size=6)),
            "genres": st.lists(st.sampled_from((*GENRES, "Unknown", "drama")), max_size=2, unique=True).map(tuple),
            "year_from": years,
            "year_to": years,
            "within": st.just(()) | _within(_STARTS),
            "ranges": _ranges(),
            "sort": st.sampled_from(SORTS),
            "descending": st.booleans(),
        }
    )
    return values.map(_asked).flatmap(lambda query: st.nothing() if query is None else st.just(query))
