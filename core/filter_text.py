"""The filter language: a Query's filters as one line of text, such as `alien genre:horror year:1979..1989 rating:>8`.

Free words search titles, directors and cast. A term is a name, a colon and a value without a blank between them; a
value with blanks stands in quotes, and so does anything that is to be searched as it is. A colon in a title makes no
term: only names of terms, and what is nearly one, are taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import msgspec

from core.model import FIELD, FIRST_YEAR, LAST_YEAR
from core.query import WITHIN, Query, Range, fold, words_of


class Term(msgspec.Struct, frozen=True):
    """A term by its name: the field that it speaks of, and an example of a value."""

    name: str
    field: str
    example: str


TERMS: Final[dict[str, Term]] = {
    term.name: term
    for term in (
        Term("genre", "genres", "horror"),
        Term("year", "year", "1979..1989"),
        Term("director", "directors", "scott"),
        Term("cast", "cast", "weaver"),
        Term("writer", "writers", "ephron"),
        Term("country", "countries", "japan"),
        Term("language", "languages", "french"),
        Term("rating", "critic_rating", ">8"),
        Term("meter", "tomatometer", ">=90"),
        Term("imdb", "imdb_rating", ">8"),
        Term("votes", "imdb_votes", ">1000"),
        Term("metacritic", "metacritic", ">80"),
        Term("reviews", "critic_reviews", ">100"),
        Term("runtime", "runtime", "<90"),
        Term("oscars", "oscars_won", ">=1"),
        Term("nominations", "oscar_nominations", ">=5"),
        Term("box", "box_office", ">100000000"),
    )
}
_NAME_OF: Final = {term.field: term.name for term in TERMS.values()}
_TOKEN: Final = re.compile(r'(?P<name>[^\W\d_]+):(?P<value>"[^"]*"?|\S+)|(?P<quoted>"[^"]*"?)|(?P<word>\S+)')
_NUMBER: Final = r"-?\d{1,12}(?:\.\d{1,6})?"
_COMPARED: Final = re.compile(rf"(>=|<=|>|<|=?)({_NUMBER})")
_SPAN: Final = re.compile(rf"({_NUMBER})?(?:\.\.|-)({_NUMBER})?")
_MOST_OF_A_RATING: Final = 10


class FilterProblem(ValueError):
    """A term that means nothing; the text of the error says what to write instead."""


def parse_filter(text: str, genres: Sequence[str] = ()) -> Query:
    """The query that a text asks for, in the default order. `genres` are the names there are, where they are known.

    Raises FilterProblem (InvalidQuery where the model refuses what was asked)."""
    words: list[str] = []
    chosen: list[str] = []
    within: list[tuple[str, str]] = []
    ranges: list[Range] = []
    first = last = None
    for token in _TOKEN.finditer(text):
        name, value = token["name"], " ".join((token["value"] or "").replace('"', " ").split())
        term = TERMS.get(name.casefold()) if name else None
        if term is None:
            if (word := token["word"]) and word.endswith(":") and (term := TERMS.get(word[:-1].casefold())):
                raise FilterProblem(
                    f"{term.name}: needs its value right behind it, such as {term.name}:{term.example}."
                )
            if name:
                _refuse_near_term(name, token.group())
            # Marks inside would come to stand elsewhere when the text is written again.
            loose = token.group().replace('"', "") if name else token.group()
            words.append(_bare(token["quoted"]) if token["quoted"] else loose)
        elif not value:
            raise FilterProblem(f"{term.name}: needs its value right behind it, such as {term.name}:{term.example}.")
        elif term.field == "genres":
            if (genre := _genre(value, genres)) not in chosen:
                chosen.append(genre)
        elif term.field in WITHIN:
            within.append((term.field, value))
        elif term.field == "year":
            from_, to = _years(value)
            first, last = (first if from_ is None else from_), (last if to is None else to)
            if first is not None and last is not None and first > last:
                raise FilterProblem(f"No year is both {first} or later and {last} or earlier: write one year: term.")
        else:
            ranges.append(_range(term, value))
    return Query(
        text=" ".join(word for word in words if word),
        genres=tuple(chosen),
        year_from=first,
        year_to=last,
        within=tuple(within),
        ranges=tuple(ranges),
    )


def filter_text(query: Query) -> str:
    """The text that `parse_filter` reads as this query's filters."""
    terms = [_quoted_words(query.text)] if query.text.strip() else []
    terms += [f"genre:{_quoted(genre)}" for genre in query.genres]
    if query.year_from is not None or query.year_to is not None:
        terms.append(f"year:{_span(query.year_from, query.year_to)}")
    terms += [f"{_NAME_OF[field]}:{_quoted(text)}" for field, text in query.within]
    terms += [f"{_NAME_OF[limits.field]}:{value}" for limits in query.ranges for value in _limits(limits)]
    return " ".join(terms)


def with_filters(query: Query, filters: Query) -> Query:
    """A query with the filters of another one, in its own order."""
    return msgspec.structs.replace(filters, sort=query.sort, descending=query.descending)


# --------------------------------------------------------------------------------------------------------- reading


def _bare(value: str) -> str:
    return value.strip('"') if value.startswith('"') else value


def _near_terms(name: str) -> list[str]:
    return get_close_matches(name.casefold(), TERMS, n=1, cutoff=0.75)


def _refuse_near_term(name: str, token: str) -> None:
    if near := _near_terms(name):
        raise FilterProblem(
            f'There is no term {name}: – did you mean {near[0]}:? In quotes, "{token}", it is searched as it is.'
        )


def _genre(value: str, genres: Sequence[str]) -> str:
    if not genres or value in genres:
        return value
    folded = fold(value)
    if same := [genre for genre in genres if fold(genre) == folded]:
        return same[0]
    starts = words_of(value)
    begun = [g for g in genres if all(any(word.startswith(start) for word in words_of(g)) for start in starts)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise FilterProblem(f"genre:{value} could be {' or '.join(begun[:4])}.")
    near = get_close_matches(folded, [fold(genre) for genre in genres], n=1, cutoff=0.6)
    meant = next((f" – did you mean {genre}?" for genre in genres if near and fold(genre) == near[0]), ".")
    raise FilterProblem(f"There is no genre {value[:40]}{meant}")


def _years(value: str) -> tuple[int | None, int | None]:
    least, most, above, below = _bounds(TERMS["year"], value, whole=True)
    first = least if above is None else above + 1
    last = most if below is None else below - 1
    for year in (first, last):
        if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
            raise FilterProblem(f"year:{value[:20]} – years lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return None if first is None else int(first), None if last is None else int(last)


def _range(term: Term, value: str) -> Range:
    field = FIELD[term.field]
    bounds = _bounds(term, value, whole=field.kind == "integer")
    if field.name == "critic_rating" and any(bound is not None and bound > _MOST_OF_A_RATING for bound in bounds):
        # Nobody rates above 10: what is meant is the share of good reviews, in percent.
        return Range("tomatometer", *bounds)
    return Range(field.name, *bounds)


def _bounds(term: Term, value: str, *, whole: bool) -> tuple[float | None, float | None, float | None, float | None]:
    """Least, most, above and below."""
    compared, span = _COMPARED.fullmatch(value), _SPAN.fullmatch(value)
    if compared is None and (span is None or span[1] is span[2] is None):
        some, span_of = ("1979", "1979..1989") if term.name == "year" else ("5", "5..9")
        also = "; above 10 it is the Tomatometer, in percent" if term.field == "critic_rating" else ""
        raise FilterProblem(
            f"{term.name}:{value[:20]} – write {term.name}:{some}, {term.name}:>{some} or {term.name}:{span_of}{also}."
        )
    if compared is not None:
        sign, number = compared[1], float(compared[2])
        if whole and not number.is_integer():
            raise FilterProblem(f"{term.name}:{value[:20]} – write a whole number.")
        if sign in ("", "="):
            return number, number, None, None
        return (
            number if sign == ">=" else None,
            number if sign == "<=" else None,
            number if sign == ">" else None,
            number if sign == "<" else None,
        )
    assert span is not None
    first, last = (None if part is None else float(part) for part in (span[1], span[2]))
    if first is not None and last is not None and first > last:
        raise FilterProblem(f"{term.name}:{value[:20]} – the first number is above the second.")
    return first, last, None, None


# --------------------------------------------------------------------------------------------------------- writing


def _quoted(value: str) -> str:
    bare = value.replace('"', "")
    return f'"{bare}"' if re.search(r"\s", bare) else bare


def _quoted_words(text: str) -> str:
    """Free text, each token that would be read as a term in quotes."""
    return " ".join(_quoted_token(token) for token in text.split())


def _quoted_token(token: str) -> str:
    name, colon, value = token.partition(":")
    term = name.casefold() in TERMS
    return f'"{token}"' if colon and (term or (value and name.isalpha() and _near_terms(name))) else token


def _span(first: float | None, last: float | None) -> str:
    if first == last and first is not None:
        return _figure(first)
    return f"{'' if first is None else _figure(first)}..{'' if last is None else _figure(last)}"


def _limits(limits: Range) -> list[str]:
    texts = [_span(limits.least, limits.most)] if limits.least is not None or limits.most is not None else []
    if limits.above is not None:
        texts.append(f">{_figure(limits.above)}")
    if limits.below is not None:
        texts.append(f"<{_figure(limits.below)}")
    return texts


def _figure(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
