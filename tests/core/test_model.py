"""The record: its field rules, its search words, its queries."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidMovie, InvalidQuery
from core.model import FIELD, FIELDS, Movie, check, problems, replace, same_content, tidy, unique, value_of
from core.query import LONGEST_TEXT, SCORE, SORTS, Query, fold, movie_words, words_of
from tests.core.movies import ODD_TITLES, movies


@pytest.mark.parametrize("title", [*ODD_TITLES, "🎬 Кино", "a" * 500])
def test_odd_titles_are_titles(title: str) -> None:
    assert check(Movie(id="Q1", title=title)).title == title


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("title", "", "is required"),
        ("title", "a\x1b[31mb", "holds a forbidden character (U+001B)"),
        ("title", "a\x00b", "holds a forbidden character (U+0000)"),
        ("title", "a\u202eb", "holds a forbidden character (U+202E)"),
        ("title", "a" * 501, "is longer than 500 characters (501)"),
        ("id", "has blanks", "must look like letters, digits and : . _ -"),
        ("id", "$where", "must look like letters, digits and : . _ -"),
        ("runtime", -5, "must lie between 1 and 60 000"),
        ("runtime", 0, "must lie between 1 and 60 000"),
        ("year", 20244, "must lie between 1870 and 2100"),
        ("released", date(1500, 1, 1), "must lie between the years 1870 and 2100"),
        ("genres", ("Drama", "drama"), "names 'drama' twice"),
        ("genres", ("Drama", " "), "has an empty entry"),
        ("cast", ("a\x07",), "'a\\x07' holds a forbidden character (U+0007)"),
        ("imdb_rating", 11.0, "must lie between 0 and 10"),
        ("imdb_rating", float("nan"), "must be a number"),
        ("imdb_id", "nm0000001", "must look like tt0078748"),
        ("poster", "javascript:alert(1)", "must look like https://..."),
    ],
)
def test_each_rule_names_what_is_wrong(field: str, value: object, problem: str) -> None:
    broken = replace(Movie(id="Q1", title="A"), **{field: value})  # type: ignore[arg-type]  # wrong on purpose
    assert problems(broken) == {field: problem}
    with pytest.raises(InvalidMovie) as refused:
        check(broken)
    assert refused.value.problems == {field: problem}


def test_text_is_tidied_to_nfc_on_one_line() -> None:
    assert check(Movie(id="Q1", title=" Ame\u0301lie\n ", plot="")).title == "Amélie"
    assert check(Movie(id="Q1", title="A", plot="  ")).plot is None


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("year", " 1979 ", 1979),
        ("year", "", None),
        ("box_office", "47_100_000", 47_100_000),
        ("imdb_rating", "7,4", 7.4),
        ("released", "1895-12-28", date(1895, 12, 28)),
        ("genres", "Drama, , Sci-Fi", ("Drama", "Sci-Fi")),
        ("genres", "", ()),
        ("title", "[REC]", "[REC]"),
    ],
)
def test_typed_text_becomes_a_value(field: str, text: str, value: object) -> None:
    assert FIELD[field].parse(text) == value


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("year", "nineteen", "must be a whole number"),
        ("year", "1979.5", "must be a whole number"),
        ("year", "١٩٧٩", "must be a whole number"),
        ("imdb_rating", "good", "must be a number, such as 7.4"),
        ("imdb_rating", "1e3", "must be a number, such as 7.4"),
        ("released", "25.5.1979", "must be a date, such as 1979-05-25"),
    ],
)
def test_text_that_is_no_value_says_why(field: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="^" + reason.replace(".", r"\.")):
        FIELD[field].parse(text)


def test_what_is_shown_is_read_back() -> None:
    for film in movies(50):
        for field in FIELDS:
            value = value_of(film, field.name)
            assert field.parse(field.show(value)) == value


def test_every_field_has_a_rule_but_the_version() -> None:
    assert {field.name for field in FIELDS} | {"version"} == set(Movie.__struct_fields__)
    assert set(SORTS) - {SCORE} <= {field.name for field in FIELDS}


@given(st.text())
def test_tidy_and_fold_are_stable(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert words_of(text) == words_of(text, "")


@given(st.text(min_size=1, max_size=40).filter(lambda t: bool(fold(t).split())))
def test_a_title_is_found_by_its_own_text(title: str) -> None:
    try:
        wanted = Query(text=title).words
    except InvalidQuery:
        return  # a forbidden character: no movie can hold it either
    words = words_of(title)
    assert wanted
    assert all(any(word.startswith(want) for word in words) for want in wanted)


def test_words_fold_accents_and_case_and_join_hyphens() -> None:
    film = Movie(id="Q1", title="Amélie & Spider-Man", directors=("L'Herbier",), cast=("Max Schreck",))
    assert set(movie_words(film)) >= {"amelie", "spider", "man", "spiderman", "herbier", "lherbier", "schreck"}


def test_unique_keeps_order_and_the_first_spelling() -> None:
    assert unique(["Drama", " drama ", "", "Sci-Fi"]) == ("Drama", "Sci-Fi")


def test_same_content_looks_past_the_version() -> None:
    film = Movie(id="Q1", title="A", version=3)
    assert same_content(film, replace(film, version=9))
    assert not same_content(film, replace(film, runtime=9))


@pytest.mark.parametrize("wrong", [{"sort": "plot"}, {"text": "a" * (LONGEST_TEXT + 1)}, {"genres": ("a\x00",)}])
def test_a_query_that_nothing_can_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidQuery):
        Query(**wrong)  # type: ignore[arg-type]  # wrong on purpose
