"""`reelcache get`: one movie, as the dashboard's detail has it."""

from __future__ import annotations

import json
from typing import Any, Final

import typer

from core import Movie, MovieNotFound, Settings, open_catalogue
from core.model import FIELD, forbidden, value_of
from tui.formats import visible

_LABEL_WIDTH: Final = max(len(field.label) for field in FIELD.values()) + 2


async def show_movie(settings: Settings, id: str, *, as_json: bool) -> int:
    """Print the movie; returns the exit code. Raises MovieNotFound."""
    require_possible(id)
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        movie = await catalogue.get(id)
    typer.echo(json.dumps(as_object(movie)) if as_json else "\n".join(as_lines(movie)))
    return 0


def require_possible(id: str) -> None:
    """Raises MovieNotFound on an id that no movie can have, such as bytes that are no text."""
    if not id or forbidden(id):
        raise MovieNotFound(id)


def as_object(movie: Movie) -> dict[str, Any]:
    """The movie for a program: `id`, `version` and every field by its name, None where there is none.

    `json.dumps` escapes all letters but ASCII's, so that no text of a movie can act on a terminal.
    """
    values = {name: plain(value_of(movie, name)) for name in FIELD}
    return {"id": movie.id, "version": movie.version} | values


def plain(value: Any) -> Any:
    """A value as JSON has it: a date in ISO 8601."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def as_lines(movie: Movie) -> list[str]:
    """The movie for a person: a line for each field that it has, after its id and version."""
    shown = {"Id": movie.id, "Version": str(movie.version)}
    for name, field in FIELD.items():
        if name != "id" and (value := value_of(movie, name)) not in (None, "", ()):
            shown[field.label] = field.show(value)
    return [f"{label:<{_LABEL_WIDTH}}{visible(text)}" for label, text in shown.items()]
