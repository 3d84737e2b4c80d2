"""`reelcache edit`: some fields of one movie, as the dashboard's form saves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from core import EditConflict, InvalidMovie, Settings, open_catalogue
from core.model import FIELD
from tui.commands.get import plain, require_possible
from tui.editing import EDITABLE, Change, Draft
from tui.formats import DASH, visible


async def edit_movie(
    settings: Settings, id: str, sets: Sequence[str], *, version: int | None, dry_run: bool, as_json: bool
) -> int:
    """Save what was typed, and print old and new values; returns the exit code.

    Raises InvalidMovie, MovieNotFound, and EditConflict where the movie is not at `version`, when one is given."""
    typed = read_sets(sets)
    require_possible(id)
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        movie = await catalogue.get(id)
        if version is not None and movie.version != version:
            raise EditConflict(movie, version)
        draft = Draft(movie)
        for name, text in typed.items():
            draft = draft.write(name, text)
        changes = draft.changes
        saves = bool(changes) and not dry_run
        after = await catalogue.save(draft.movie) if saves else movie
    found = as_object(id, after.version, changes, saved=saves)
    typer.echo(json.dumps(found) if as_json else "\n".join(as_lines(changes, after.version, dry_run=dry_run)))
    return 0


def read_sets(sets: Sequence[str]) -> Mapping[str, str]:
    """The text for each field out of words such as `runtime=118`. Raises InvalidMovie."""
    typed: dict[str, str] = {}
    for word in sets:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidMovie({word: "needs the form field=value, such as runtime=118"})
        if name not in FIELD:
            raise InvalidMovie({name: f"is no field; choose: {', '.join(field.name for field in EDITABLE)}"})
        if not FIELD[name].editable:
            raise InvalidMovie({name: "cannot be changed"})
        if name in typed:
            raise InvalidMovie({name: "is set twice"})
        typed[name] = text
    return typed


def as_object(id: str, version: int, changes: Sequence[Change], *, saved: bool) -> dict[str, Any]:
    """The edit for a program: `id`, the `version` that the movie has now, `saved`, and `changes` with the `field`,
    `old` and `new` of each."""
    listed = [{"field": each.field.name, "old": plain(each.old), "new": plain(each.new)} for each in changes]
    return {"id": id, "version": version, "saved": saved, "changes": listed}


def as_lines(changes: Sequence[Change], version: int, *, dry_run: bool) -> list[str]:
    """The edit for a person: a line for each change, and what became of it."""
    if not changes:
        return ["Nothing to change: the movie is so already."]
    lines = [
        f"{each.field.label}: {visible(each.field.show(each.old)) or DASH} -> "
        f"{visible(each.field.show(each.new)) or DASH}"
        for each in changes
    ]
    return [*lines, "Nothing was saved (--dry-run)." if dry_run else f"Saved as version {version}."]
