"""What every command shares: its settings, how it runs to its end, and how it refuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import typer


def example(command: str) -> str:
    """The end of a command's help."""
    return f"Example: {command}\n\nOptions of the whole program stand before the command: reelcache --help lists them."


def settings_of(context: typer.Context, *, fallbacks: Mapping[str, object] | None = None, **more: object) -> Any:
    """The settings of this run; what is `more` than the program's own options was given to the command.

    `fallbacks` count for less than any other source."""
    from core.errors import ReelcacheError
    from core.sources import read_settings

    flags, config = context.obj
    try:
        given = {**flags, **{k: v for k, v in more.items() if v is not None}}
        return read_settings(given, config_file=config, fallbacks=fallbacks)
    except ReelcacheError as problem:
        refuse(problem.message, problem.remedy, code=2)


def run(work: Any) -> Any:
    """Run one command to its end. An error that a person can meet becomes a line and an exit code: 1 a server or a file
    is in trouble, 2 bad input, 3 no such movie, 4 the movie has moved on."""
    from core.errors import EditConflict, InvalidMovie, InvalidQuery, MovieNotFound, ReelcacheError, UnknownPlace
    from core.event_loop import run as on_loop

    try:
        return on_loop(work)
    except (InvalidQuery, InvalidMovie, UnknownPlace) as problem:
        refuse(problem.message, problem.remedy, code=2)
    except MovieNotFound as problem:
        refuse(problem.message, "", code=3)
    except EditConflict as problem:
        refuse(
            f"{problem.current.title!r} is at version {problem.current.version} now, not at {problem.base}.",
            "Somebody else changed it, and nothing was saved: look at it again, then repeat the edit.",
            code=4,
        )
    except ReelcacheError as problem:
        refuse(problem.message, problem.remedy, code=1)
    except KeyboardInterrupt:
        refuse("Interrupted.", "", code=130)
    except BrokenPipeError:
        # The reader has seen enough, as in `reelcache find | head -1`. What is still in the buffer goes to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


def refuse(problem: str, remedy: str, *, code: int) -> NoReturn:
    """End with an exit code, after a line of what is wrong and one of what to do."""
    from tui.formats import visible

    for line in f"reelcache: {problem}\n  {remedy}".rstrip().splitlines():
        typer.echo(visible(line), err=True)
    raise typer.Exit(code)
