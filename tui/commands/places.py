"""`reelcache places`: what is around a place, and theaters into the store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from rich.console import Console

import data
from core import LoadProgress, Settings, open_catalogue
from core.errors import UnreadableFile
from core.place import KINDS, MOST_FOUND, Kind, Place, Reach, Surroundings
from data.cities import CREDIT, EXCHANGED_RULE
from tui.formats import count, visible
from tui.loading import ProgressLine, account
from tui.terminal import endings

_DISTANCE: Final = 11


async def load_theaters(settings: Settings, file: Path) -> int:
    """Load the theaters of a file, with an account at the end; returns the exit code.

    Raises UnreadableFile, also where the file has rows, but none of them could be taken."""
    source = data.read_places(file)
    typer.echo(f"{visible(file.name)}: {source.format}", err=True)
    stop = asyncio.Event()
    code = 0

    def end(wanted: int) -> None:
        nonlocal code
        code = wanted
        stop.set()

    with ProgressLine(Console(stderr=True)) as line:
        async with open_catalogue(settings, report=line.show_step) as catalogue:
            line.begin(f"into {catalogue.store}")

            def progress(so_far: LoadProgress) -> None:
                line.show(so_far)

            with endings(asyncio.get_running_loop(), end):
                report = await catalogue.load_places(source, progress, stop=stop)
    typer.echo(account(report, source.warnings, source.warning_count))
    for refused in source.refused:
        typer.echo(f"Refused: {visible(file.name)} {visible(refused)}", err=True)
    if any("look exchanged" in refused for refused in source.refused):
        typer.echo(f"Exchange the two columns there. {EXCHANGED_RULE}", err=True)
    if not report.read:
        raise UnreadableFile(str(file), "has no theater in it.", remedy="Choose a file with at least one row.")
    if report.rejected == report.read:
        raise UnreadableFile(
            str(file), "has no row that could be taken.", remedy="The reasons stand above, by their lines."
        )
    return code if report.cancelled else 0


async def show_nearby(
    settings: Settings,
    text: str,
    *,
    radius_km: float | None,
    box: tuple[float, float] | None,
    kind: Kind | None,
    limit: int,
    as_json: bool,
) -> int:
    """Print what is around a place, nearest first; returns the exit code, 3 where nothing is.

    Raises UnknownPlace, InvalidQuery."""
    # What cannot be is told before any server is started for it.
    Reach(radius_km) if box is None else Reach(None, *box)
    kinds = KINDS if kind is None else (kind,)
    async with open_catalogue(settings) as catalogue:
        centre = await catalogue.place(text)
        answer = await catalogue.near_by(
            centre, radius_km=None if box else radius_km, box=box, kinds=kinds, limit=min(limit, MOST_FOUND)
        )
    if as_json:
        typer.echo(json.dumps(as_object(centre, answer)))
    else:
        typer.echo(told(centre, answer, Reach(radius_km) if box is None else Reach(None, *box)), err=True)
        if answer.found:
            typer.echo("\n".join(as_lines(answer)))
        typer.echo(CREDIT, err=True)
    return 0 if answer.found else 3


def as_object(centre: Place, answer: Surroundings) -> dict[str, Any]:
    """What was found for a program: the centre, and every place with its distance in km."""
    return {
        "centre": msgspec.to_builtins(centre),
        "tier": answer.tier,
        "freshness": answer.freshness,
        "reason": answer.reason,
        "more": answer.more,
        "places": [{**msgspec.to_builtins(near.place), "distance_km": near.distance_km} for near in answer.found],
        "credit": CREDIT,
    }


def as_lines(answer: Surroundings) -> list[str]:
    """What was found for a person: distance, what it is, its name and where."""
    return [
        f"{near.distance_km:>{_DISTANCE - 3},.1f} km  {near.place.kind:<7}  {visible(near.place.label)}"
        + visible(f", {near.place.country}" if near.place.country else "")
        + visible(f"  {near.place.address}" if near.place.address else "")
        for near in answer.found
    ]


def told(centre: Place, answer: Surroundings, reach: Reach) -> str:
    """How much was found, and how."""
    more = "The nearest " if answer.more else ""
    how = "by Redis GEOSEARCH" if answer.tier == "redis" else f"computed from the store: {visible(answer.reason)}"
    return f"{more}{count(len(answer.found))} {reach.around(visible(centre.label))}, {how}."
