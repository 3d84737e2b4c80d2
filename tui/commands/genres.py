"""`reelcache genres`: how many movies of a filter each genre has."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from core import Settings, open_catalogue
from core.errors import InvalidQuery
from core.filter_text import FilterProblem, parse_filter
from core.query import Query, ValueCount
from tui.formats import count, visible


async def count_genres(settings: Settings, words: Sequence[str], *, as_json: bool) -> int:
    """Print the counts; returns the exit code. Raises InvalidQuery on a filter that means nothing."""
    asked(words)  # A slip is told before any server is started for it.
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        known = [each.name for each in await catalogue.genres(Query())]
        found = await catalogue.genres(asked(words, known))
    typer.echo(as_object(found) if as_json else "\n".join(as_lines(found)))
    return 0


def asked(words: Sequence[str], genres: Sequence[str] = ()) -> Query:
    """The question in the words of a command line, as the filter bar reads it. Raises InvalidQuery."""
    try:
        return parse_filter(" ".join(words), genres)
    except FilterProblem as problem:
        raise InvalidQuery(str(problem), remedy="Example: genre:Horror year:1979..1989") from None


def as_object(found: Sequence[ValueCount]) -> str:
    """The counts for a program: an object of genre: movies, the most frequent first."""
    return json.dumps({each.name: each.count for each in found})


def as_lines(found: Sequence[ValueCount]) -> list[str]:
    """The counts for a person."""
    if not found:
        return ["No movie of this filter has a genre."]
    width = max(len(visible(each.name)) for each in found)
    return [f"{visible(each.name):<{width}}  {count(each.count):>9}" for each in found]
