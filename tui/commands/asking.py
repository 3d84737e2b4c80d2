"""The filter of a command line: the dashboard's filter language, in words that a shell has taken the quotes from."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalogue import Catalogue
from core.errors import InvalidQuery
from core.filter_text import TERMS, FilterProblem, parse_filter
from core.query import Query


async def asked_of(catalogue: Catalogue, words: Sequence[str]) -> Query:
    """The question in these words, its genres as the store has them. Raises InvalidQuery."""
    query = asked(words)
    if not query.genres:
        return query
    return asked(words, [each.name for each in await catalogue.genres(Query())])


def asked(words: Sequence[str], genres: Sequence[str] = ()) -> Query:
    """The question in these words, as the filter bar reads it. Raises InvalidQuery on what means nothing."""
    try:
        return parse_filter(" ".join(map(_requoted, words)), genres)
    except FilterProblem as problem:
        raise InvalidQuery(str(problem), remedy="Example: genre:horror year:1979..1989") from None


def _requoted(word: str) -> str:
    """`director:"ridley scott"` reaches a command without its quotes; a whole filter in one word stays as it is."""
    name, colon, value = word.partition(":")
    later = value.split()[1:]
    if not colon or not later or '"' in word or name.casefold() not in TERMS:
        return word
    if any(":" in part and part.partition(":")[0].casefold() in TERMS for part in later):
        return word
    return f'{name}:"{value}"'
