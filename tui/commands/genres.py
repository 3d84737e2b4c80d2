"""`reelcache genres`: how many movies of a filter each genre has."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from core import Settings, ValueCount, open_catalogue
from tui.commands.asking import asked, asked_of
from tui.formats import count, visible


async def count_genres(settings: Settings, words: Sequence[str], *, as_json: bool) -> int:
    """Print the counts; returns the exit code. Raises InvalidQuery on a filter that means nothing."""
    asked(words)  # A slip is told before any server is started for it.
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        found = await catalogue.genres(await asked_of(catalogue, words))
    typer.echo(as_object(found) if as_json else "\n".join(as_lines(found)))
    return 0


def as_object(found: Sequence[ValueCount]) -> str:
    """The counts for a program: an object of genre: movies, the most frequent first."""
    return json.dumps({each.name: each.count for each in found})


def as_lines(found: Sequence[ValueCount]) -> list[str]:
    """The counts for a person."""
    if not found:
        return ["No movie of this filter has a genre."]
    width = max(len(visible(each.name)) for each in found)
    return [f"{visible(each.name):<{width}}  {count(each.count):>9}" for each in found]
