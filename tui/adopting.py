"""`reelcache adopt`: make a foreign MongoDB collection browsable in place, or take that back."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.progress import Progress

from core import ForeignCollection, Settings


async def adopt_collection(settings: Settings, *, remove: bool, ask: bool) -> int:
    """Adopt the collection that the settings name, or take out all that was added; returns the exit code."""
    from core.stores.mongo import MongoStore

    assert settings.mongo_url is not None
    store = MongoStore(settings.mongo_url)
    try:
        question = "Take out all that Reelcache added to this collection?"
        try:
            await store.open()
            if not remove:
                typer.echo("This collection is ready to be browsed; nothing needs adding.")
                return 0
        except ForeignCollection as foreign:
            typer.echo(foreign.reason)
            question = "Add one sub-document named `reelcache` to each movie, leaving all else as it is?"
        if ask and not (sys.stdin.isatty() and typer.confirm(question)):
            typer.echo("Nothing was changed. Add --yes to go on without being asked.")
            return 1
        if remove:
            typer.echo(f"{await store.disown():,} documents are as they were before.")
            return 0
        with Progress(console=Console(stderr=True), transient=True) as bar:
            row = bar.add_task("Adopting")
            adopted = await store.adopt(lambda done, total: bar.update(row, completed=done, total=total))
        typer.echo(f"{adopted:,} movies adopted.")
        return 0
    finally:
        await store.close()
