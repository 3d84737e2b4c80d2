"""The document shape: what is read from it, and what is written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from core.model import FIELD, Movie, Value, problems, value_of
from core.stores.mongo_documents import UNTITLED, document_of, id_of, key_of, movie_of, replacement
from tests.core.stores.corpus import FULL, movies
from tests.core.stores.sample_mflix import BROKEN, DOCUMENTS, EMPTY, HOSTILE, STRINGY, TIDY

BY_KEY = {document["_id"]: document for document in DOCUMENTS}


def test_a_tidy_document() -> None:
    assert movie_of(BY_KEY[TIDY]) == Movie(
        id=f"mflix:{TIDY}",
        title="The Lamplighter",
        year=1903,
        released=date(1903, 12, 1),
        runtime=11,
        rated="APPROVED",
        genres=("Short", "Western"),
        countries=("USA",),
        languages=("English",),
        directors=("E. S. Wick",),
        writers=("E. S. Wick (story)", "E. S. Wick", "Scott Marble (play)"),
        cast=("A. Lamplighter", "Renè Verre"),
        imdb_id="tt0000439",
        imdb_rating=7.4,
        imdb_votes=9847,
        metacritic=61,
        tomatometer=100,
        critic_rating=7.6,
        critic_reviews=6,
        oscars_won=2,
        box_office=47_100_000,
        type="movie",
        plot="A lamp is lit.",
        poster="https://images.example/lamp.jpg",
    )


def test_text_where_numbers_belong() -> None:
    assert movie_of(BY_KEY[STRINGY]) == Movie(
        id=f"mflix:{STRINGY}",
        title="300",
        year=2014,
        released=date(2015, 8, 8),
        runtime=93,
        genres=("Drama",),
        imdb_id="tt0000440",
        tomatometer=66,
        critic_rating=6.5,
        oscar_nominations=1,
        box_office=26_800,
    )


def test_what_cannot_be_read_is_unknown() -> None:
    assert movie_of(BY_KEY[EMPTY]) == Movie(id=f"mflix:{EMPTY}", title=UNTITLED)
    assert movie_of(BY_KEY[BROKEN]) == Movie(id=f"mflix:{BROKEN}", title=UNTITLED, plot="7")


def test_what_breaks_a_rule_is_shown_as_far_as_it_may_be() -> None:
    movie = movie_of(BY_KEY[HOSTILE])
    assert movie.title == "[/red][2J $where"
    assert movie.genres == ("Drama", "Sci-Fi")
    assert movie.cast == ("x" * 200, "Zoë Lens")
    assert movie.plot == "p" * 20_000
    assert (movie.poster, movie.rated) == (None, "a rating far longer")
    assert not problems(movie)


_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=3),
    st.datetimes(),
    st.sampled_from((Decimal128("NaN"), Decimal128("7.5"), Int64(9), ObjectId(), "1999è", "$1.5B", "tt7")),
)
_NAMES = st.sampled_from(("rating", "votes", "id", "critic", "meter", "boxOffice", "text", "version"))


@given(
    st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
        max_leaves=6,
    )
)
def test_any_value_in_any_place_is_read_as_a_valid_movie(value: Any) -> None:
    for name in ("title", "imdb", "tomatoes", "awards", "reelcache", *FIELD):
        movie = movie_of({"title": "A", name: value, "_id": "a"})
        assert not problems(movie)


@pytest.mark.parametrize(
    ("field", "document", "value"),
    [
        ("box_office", {"tomatoes": {"boxOffice": "$1,234,567"}}, 1_234_567),
        ("box_office", {"tomatoes": {"boxOffice": "$2.8B"}}, 2_800_000_000),
        ("box_office", {"tomatoes": {"boxOffice": 5.0}}, 5),
        ("box_office", {"tomatoes": {"boxOffice": "a lot"}}, None),
        ("box_office", {"tomatoes": {"boxOffice": "$" + "9" * 40}}, None),
        ("oscars_won", {"awards": {"text": "Won 11 Oscars. Another 110 wins & 74 nominations."}}, 11),
        ("oscars_won", {"awards": {"text": "Won 1 Oscar. Another 2 nominations."}}, 1),
        ("oscars_won", {"awards": {"text": "Won 1 Primetime Emmy. Another 2 wins."}}, None),
        ("oscars_won", {"awards": {"text": "Won 5000 Oscars."}}, None),
        ("oscar_nominations", {"awards": {"text": "Nominated for 3 Oscars. Another 1 win."}}, 3),
        ("imdb_id", {"imdb": {"id": 12345678}}, "tt12345678"),
        ("imdb_id", {"imdb": {"id": 439.0}}, "tt0000439"),
        ("imdb_id", {"imdb": {"id": 0}}, None),
        ("imdb_id", {"imdb": {"id": True}}, None),
        ("year", {"year": "è"}, None),
        ("year", {"year": Int64(1999)}, 1999),
        ("released", {"released": datetime(1812, 1, 1)}, None),
        ("released", {"released": "soon"}, None),
        ("metacritic", {"metacritic": 101}, None),
        ("imdb_votes", {"imdb": {"votes": "12"}}, 12),
    ],
)
def test_reading_one_field(field: str, document: dict[str, Any], value: Value) -> None:
    assert value_of(movie_of({"_id": "a", "title": "A", **document}), field) == value


def test_the_public_shape_is_written() -> None:
    document = document_of(FULL, 5)
    ours = document.pop("reelcache")
    assert document["released"] == datetime(1979, 5, 25)
    assert document["imdb"] == {"rating": 8.5, "votes": 1_000_000_000, "id": 78748}
    assert document["tomatoes"] == {
        "critic": {"meter": 93, "rating": 9.1, "numReviews": 0},
        "boxOffice": "$100,000,000,000",
    }
    assert document["awards"] == {"text": "Won 1 Oscar. Nominated for 2 Oscars."}
    assert document["genres"] == list(FULL.genres)
    assert ours["version"] == 5
    assert document_of(Movie(id="a", title="A"), 1).keys() == {"_id", "title", "reelcache"}


@given(movies(), st.integers(1, 2**53))
def test_what_is_written_is_read_back(movie: Movie, version: int) -> None:
    read = movie_of(document_of(movie, version))
    assert read.version == version
    for field in FIELD:
        assert value_of(read, field) == value_of(movie, field)


@pytest.mark.parametrize("key", [TIDY, "plain-id", "Q44578", "mflix:ABCDEF", f"mflix:{'F' * 24}"])
def test_an_id_names_one_document(key: ObjectId | str) -> None:
    assert key_of(id_of(key)) == key


def test_an_unchanged_field_is_not_written() -> None:
    tidy = BY_KEY[TIDY]
    [stage] = replacement(tidy, movie_of(tidy))
    assert stage.keys() == {"$set"}
    assert stage["$set"].keys() == {"reelcache"}
