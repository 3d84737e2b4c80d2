"""`reelcache check`: whether every movie in the cache is as the store has it."""

from __future__ import annotations

from typing import Final

import msgspec
import typer

from core import Settings, open_catalogue
from core.audit import Check
from tui.formats import count, plural, visible

MOST_NAMED: Final = 20
"""Ids of wrong entries that the table names; `--json` has all."""


async def check_cache(settings: Settings, *, as_json: bool) -> int:
    """Compare, print what was found; returns the exit code, 1 when an entry stayed wrong."""
    async with open_catalogue(settings) as catalogue:
        found = await catalogue.check()
    typer.echo(as_object(found) if as_json else "\n".join(as_table(found, settings.store)))
    return 1 if stayed(found) else 0


def stayed(found: Check) -> tuple[str, ...]:
    """The ids that were wrong at the last look."""
    return found.wrong[max(found.wrong)]


def as_table(found: Check, store: str) -> list[str]:
    """What was found, for a person."""
    lines = [f"{plural(found.entries, 'movie')} in the cache compared with {store}."]
    if not found.entries:
        lines.append("The cache holds none, so none is wrong. (An embedded Redis that was started just now is empty.)")
        return lines
    lines.append("Wrong after   " + "".join(f"{f'{age:g} s':>9}" for age in found.wrong))
    lines.append("  movies      " + "".join(f"{count(len(ids)):>9}" for ids in found.wrong.values()))
    if ids := stayed(found):
        lines += [f"  {visible(id)}" for id in ids[:MOST_NAMED]]
        if len(ids) > MOST_NAMED:
            lines.append(f"  and {count(len(ids) - MOST_NAMED)} more: see --json")
    else:
        lines.append("The cache agrees with the store.")
    return lines


def as_object(found: Check) -> str:
    """What was found, for a program: `entries`, `wrong_after` (seconds: how many), `wrong` (ids at the end)."""
    return msgspec.json.encode(
        {
            "entries": found.entries,
            "wrong_after": {f"{age:g}": len(ids) for age, ids in found.wrong.items()},
            "wrong": stayed(found),
        }
    ).decode()
