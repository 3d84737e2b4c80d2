"""`reelcache get`: one movie, as the dashboard's detail has it."""

from __future__ import annotations

import json
from typing import Final

import typer

from core import Settings, open_catalogue
from core.model import FIELD, Movie, value_of
from tui.formats import visible

_LABEL_WIDTH: Final = max(len(field.label) for field in FIELD.values()) + 2


async def show_movie(settings: Settings, id: str, *, as_json: bool) -> int:
    """Print the movie; returns the exit code. Raises MovieNotFound."""
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        movie = await catalogue.get(id)
    typer.echo(as_object(movie) if as_json else "\n".join(as_lines(movie)))
    return 0


def as_object(movie: Movie) -> str:
    """The movie for a program: `id`, `version` and every field by its name, null where there is none.

    Other letters than ASCII are escaped, so that no text of a movie can act on a terminal.
    """
    values = {name: value_of(movie, name) for name in FIELD}
    return json.dumps({"id": movie.id, "version": movie.version} | values, default=str)


def as_lines(movie: Movie) -> list[str]:
    """The movie for a person: a line for each field that it has, after its id and version."""
    shown = {"Id": movie.id, "Version": str(movie.version)}
    for name, field in FIELD.items():
        if name != "id" and (value := value_of(movie, name)) not in (None, "", ()):
            shown[field.label] = field.show(value)
    return [f"{label:<{_LABEL_WIDTH}}{visible(text)}" for label, text in shown.items()]
