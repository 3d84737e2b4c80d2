"""The filter language: what is understood, what is refused and how, and the way back from a query to its text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from core.errors import InvalidQuery
from core.filter_text import TERMS, FilterProblem, filter_text, parse_filter, with_filters
from core.query import RANGED, WITHIN, Query, Range

GENRES = ("Drama", "Horror", "Sci-Fi", "Music", "Musical", "Science Fiction")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  alien  ", Query(text="alien")),
        ("alien genre:horror", Query(text="alien", genres=("Horror",))),
        ("GENRE:Horror Genre:drama genre:horror", Query(genres=("Horror", "Drama"))),
        ('genre:"science fiction"', Query(genres=("Science Fiction",))),
        ("genre:dra", Query(genres=("Drama",))),
        ("genre:music", Query(genres=("Music",))),
        ("year:1979", Query(year_from=1979, year_to=1979)),
        ("year:1979..1989", Query(year_from=1979, year_to=1989)),
        ("year:1979-1989", Query(year_from=1979, year_to=1989)),
        ("year:>1990", Query(year_from=1991)),
        ("year:>=1990 year:<2000", Query(year_from=1990, year_to=1999)),
        ("year:1990..", Query(year_from=1990)),
        ("year:..1990", Query(year_to=1990)),
        (
            'director:scott cast:"sigourney weaver"',
            Query(within=(("directors", "scott"), ("cast", "sigourney weaver"))),
        ),
        ("country:japan language:french", Query(within=(("countries", "japan"), ("languages", "french")))),
        ('country:"united kingdom|japan"', Query(within=(("countries", "united kingdom|japan"),))),
        ("rating:>8.5", Query(ranges=(Range("critic_rating", above=8.5),))),
        ("rating:>80", Query(ranges=(Range("tomatometer", above=80),))),
        ("rating:5..80", Query(ranges=(Range("tomatometer", least=5, most=80),))),
        ("rating:7..9", Query(ranges=(Range("critic_rating", least=7, most=9),))),
        ("meter:>=90", Query(ranges=(Range("tomatometer", least=90),))),
        ("runtime:<100", Query(ranges=(Range("runtime", below=100),))),
        ("votes:=5", Query(ranges=(Range("imdb_votes", least=5, most=5),))),
        ("Alien: Covenant", Query(text="Alien: Covenant")),
        ("Mission:Impossible", Query(text="Mission:Impossible")),
        ("2:37", Query(text="2:37")),
        ('"genre:horror"', Query(text="genre:horror")),
        ('"New Year: One', Query(text="New Year: One")),
        (":", Query(text=":")),
    ],
)
def test_a_text_means(text: str, query: Query) -> None:
    assert parse_filter(text, GENRES) == query


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gerne:horror", "did you mean genre:?"),
        ("diretcor:scott", "did you mean director:?"),
        ("genre:horor", "did you mean Horror?"),
        ("genre:mus", "could be Music or Musical"),
        ("genre:zzz", "There is no genre zzz."),
        ("genre:", "right behind it, such as genre:horror"),
        ("alien year: 1979", "right behind it, such as year:1979..1989"),
        ('cast:""', "right behind it, such as cast:weaver"),
        ("year:19xx", "write year:1979, year:>1979 or year:1979..1989"),
        ("year:20244", "years lie between"),
        ("year:1989..1979", "the first number is above the second"),
        ("year:1979.5", "write a whole number"),
        ("year:>=2000 year:<=1990", "No year is both 2000 or later and 1990 or earlier"),
        ("rating:good", "above 10 it is the Tomatometer"),
        ("rating:good", "write rating:5, rating:>5 or rating:5..9"),
        ("rating:..", "write rating:5"),
        ("runtime:>1e9", "write runtime:5"),
        ("runtime:>" + "9" * 400, "write runtime:5"),
    ],
)
def test_a_wrong_term_is_named_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(FilterProblem) as refused:
        parse_filter(text, GENRES)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 160


def test_an_unknown_genre_is_taken_as_typed_while_nobody_knows_which_there_are() -> None:
    assert parse_filter("genre:Nouveau").genres == ("Nouveau",)


def test_what_the_model_refuses_stays_refused() -> None:
    with pytest.raises(InvalidQuery):
        parse_filter("a" * 501)
    with pytest.raises(InvalidQuery):
        parse_filter("director:\x1b[2J")


_plain = some.text(some.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'), max_size=12)
_values = some.lists(_plain.filter(bool), min_size=1, max_size=3).map(" ".join)
_years = some.none() | some.integers(1870, 2100)


def _one_term(limits: tuple[str, int | None, int | None, int | None, int | None]) -> bool:
    """Whether these bounds of a field are what one term can say."""
    _, least, most, above, below = limits
    ordered = least is None or most is None or least <= most
    return ordered and [least is not None or most is not None, above is not None, below is not None].count(True) == 1


def _ranges() -> some.SearchStrategy[Range]:
    bound = some.none() | some.integers(0, 10)
    limits = some.tuples(some.sampled_from(RANGED), bound, bound, bound, bound)
    return limits.filter(_one_term).map(lambda limits: Range(*limits))


def _in_order(years: tuple[int | None, int | None]) -> bool:
    first, last = years
    return first is None or last is None or first <= last


@given(
    text=_values | some.just(""),
    genres=some.lists(some.sampled_from(GENRES), unique=True, max_size=3).map(tuple),
    years=some.tuples(_years, _years).filter(_in_order),
    within=some.lists(some.tuples(some.sampled_from(tuple(WITHIN)), _values), max_size=2).map(tuple),
    ranges=some.lists(_ranges(), max_size=2).map(tuple),
)
def test_a_query_comes_back_from_its_text(
    text: str,
    genres: tuple[str, ...],
    years: tuple[int | None, int | None],
    within: tuple[tuple[str, str], ...],
    ranges: tuple[Range, ...],
) -> None:
    query = Query(text=text, genres=genres, year_from=years[0], year_to=years[1], within=within, ranges=ranges)
    again = parse_filter(filter_text(query), GENRES)
    assert (again.words, again.genres, again.ranges) == (query.words, query.genres, query.ranges)
    assert (again.year_from, again.year_to, again.within) == (query.year_from, query.year_to, query.within)


def test_a_title_with_a_colon_comes_back_without_quotes() -> None:
    assert filter_text(parse_filter("Alien: Covenant", GENRES)) == "Alien: Covenant"


_pieces = some.sampled_from(
    ("genre:horror", "genre:", "gerne:", "year:>=2000", "year:<1990", "rating:>80", "director:", "Mission:", "alien",
     '"', "-", ":", " ", "'", "o", "2:37")
)  # fmt: skip


@given(some.text(max_size=80) | some.lists(_pieces, max_size=8).map("".join))
@example('director:o"neill')
@example('x"genre:horror')
@example('Mission:"a genre:horror"')
@example("year:>=2000 year:<=1990")
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    try:
        query = parse_filter(text, GENRES)
    except (FilterProblem, InvalidQuery):
        return
    again = parse_filter(filter_text(query), GENRES)
    assert msgspec.structs.replace(again, text="") == msgspec.structs.replace(query, text="")
    assert again.words == query.words


def test_filters_keep_the_order_of_the_table() -> None:
    query = with_filters(Query(text="old", sort="year", descending=True), parse_filter("genre:horror", GENRES))
    assert query == Query(genres=("Horror",), sort="year", descending=True)


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_the_example_of_every_term_is_understood(term: object) -> None:
    assert parse_filter(f"{term.name}:{term.example}", GENRES).selective  # type: ignore[attr-defined]


def test_what_has_no_word_is_no_choice() -> None:
    asked = Query(within=(("countries", "france|\u0301"),))
    assert (asked.choices, asked.words) == ((), Query(within=(("countries", "france"),)).words)
    assert len(Query(within=(("countries", "france|\u0301|japan"),)).choices[0]) == 2
