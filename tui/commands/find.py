"""`reelcache find`: the movies of a filter, as the dashboard's table lists them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import typer

from core import Page, Settings, open_catalogue
from tui.commands.asking import asked, asked_of
from tui.commands.get import as_object
from tui.formats import DASH, count, visible


async def find_movies(
    settings: Settings, words: Sequence[str], *, sort: str, descending: bool, offset: int, limit: int, as_json: bool
) -> int:
    """Print one window of the answer; returns the exit code, 3 where no movie is in it.

    Raises InvalidQuery on a filter or a sort that means nothing."""
    # A slip is told before any server is started for it.
    msgspec.structs.replace(asked(words), sort=sort)
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        query = msgspec.structs.replace(await asked_of(catalogue, words), sort=sort, descending=descending)
        page = await catalogue.browse(query, offset, limit)
    if as_json:
        movies = [as_object(movie) for movie in page.movies]
        typer.echo(json.dumps({"total": page.total, "offset": page.offset, "movies": movies}))
    else:
        typer.echo(account(page), err=True)
        if page.movies:
            typer.echo("\n".join(as_lines(page)))
    return 0 if page.movies else 3


def as_lines(page: Page) -> list[str]:
    """The window for a person: id, year and title of each movie."""
    width = max(len(visible(movie.id)) for movie in page.movies)
    return [
        f"{visible(movie.id):<{width}}  {DASH if movie.year is None else movie.year:>4}  {visible(movie.title)}"
        for movie in page.movies
    ]


def account(page: Page) -> str:
    """Which part of the answer the window is."""
    if not page.total:
        return "No movie matches."
    known = f"of {count(page.total)} that match"
    if not page.movies:
        return f"None from row {count(page.offset)} on, {known}."
    state = "" if page.freshness != "stale" else " The store is away: this is the last known state."
    return f"{count(page.offset + 1)} to {count(page.offset + len(page.movies))} {known}.{state}"
