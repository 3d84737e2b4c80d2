"""Movies for tests of the screen: one that all know, titles that break naive code, and a Hypothesis strategy."""

from __future__ import annotations

from datetime import date

from hypothesis import settings
from hypothesis import strategies as st

from core.model import FIELDS, Field, Movie, Value, check, problems, replace, tidy

quick = settings(max_examples=60)
"""For property tests on a machine that other work shares."""

ALIEN = Movie(
    id="Q103569",
    version=7,
    title="Alien",
    year=1979,
    released=date(1979, 5, 25),
    runtime=117,
    rated="R",
    genres=("Horror", "Science Fiction"),
    countries=("United States", "United Kingdom"),
    languages=("English", "Spanish"),
    directors=("Ridley Scott",),
    writers=("Dan O'Bannon", "Ronald Shusett"),
    cast=("Sigourney Weaver", "Tom Skerritt", "Veronica Cartwright", "Harry Dean Stanton", "John Hurt", "Ian Holm"),
    imdb_id="tt0078748",
    imdb_rating=8.5,
    imdb_votes=999_111,
    metacritic=89,
    tomatometer=93,
    critic_rating=9.1,
    critic_reviews=204,
    oscars_won=1,
    oscar_nominations=2,
    box_office=84_206_106,
    type="movie",
    plot="The crew of a commercial spacecraft encounters a deadly lifeform after investigating a transmission.",
    poster="https://example.org/alien.jpg",
)

TITLES = (
    "[REC]",
    "[/x]",
    "[/closing] [bold red]",
    "$",
    "300",
    "8½",
    "'71",
    "+1",
    "a [link=x]b",
    "\\[",
    "生きる",
    "🎬🎞️ 👩‍👩‍👧",
    "שלום",
    "Ame\u0301lie",
    "x" * 500,
    "字" * 500,
)
"""Titles that have broken other programs."""

_text = st.text(max_size=40).map(tidy)
_items = st.lists(_text.filter(bool), max_size=4).map(tuple)


def _values(field: Field) -> st.SearchStrategy[Value]:
    if field.required:
        return st.one_of(st.sampled_from(TITLES), _text)
    match field.kind:
        case "text":
            return st.one_of(st.none(), _text.map(lambda text: text or None), st.sampled_from(TITLES))
        case "list":
            return _items
        case "integer":
            return st.one_of(st.none(), st.integers(0, 100), st.integers(1900, 2020))
        case "decimal":
            return st.one_of(st.none(), st.integers(0, 100).map(lambda tenths: tenths / 10))
        case _:
            return st.one_of(st.none(), st.dates(date(1870, 1, 1), date(2100, 12, 31)))


any_movies: st.SearchStrategy[Movie] = st.builds(
    lambda start, changes: replace(start, **changes),
    st.sampled_from((ALIEN, Movie(id="my:film", title="Film"))),
    st.lists(st.sampled_from([field for field in FIELDS if field.editable]), max_size=6, unique=True).flatmap(
        lambda fields: st.fixed_dictionaries({field.name: _values(field) for field in fields})
    ),
)
"""Movies of any content, valid or not."""


def _stored(movie: Movie) -> Movie:
    empty: dict[str, Value] = {f.name: (() if f.kind == "list" else "x" if f.required else None) for f in FIELDS}
    return check(replace(movie, **{name: empty[name] for name in problems(movie)}))


valid_movies = any_movies.map(_stored)
"""Movies as a store holds them."""
