"""`reelcache`: opens the dashboard at once where the words ask for nothing else, and leaves all others to Typer."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tui.module_image import imaged_modules

_FLAGS: Final = (
    "--store",
    "--strategy",
    "--postgres-url",
    "--mongo-url",
    "--redis-url",
    "--state-dir",
    "--metrics",
    "--config",
)


def plain_flags(words: Sequence[str]) -> dict[str, str] | None:
    """The dashboard's options by name, where the words are nothing but such, each followed by its value.

    None for everything else, mistakes among it: Typer knows what to say. It is not asked here because to load it, and
    what it checks a value with, takes a fifth of the time until the first rows are seen."""
    names, values = words[::2], words[1::2]
    odd = len(names) != len(values) or len(set(names)) != len(names) or not set(names) <= set(_FLAGS)
    if odd or any(not value or value.startswith("-") for value in values):
        return None
    return {name.removeprefix("--").replace("-", "_"): value for name, value in zip(names, values, strict=True)}


def main() -> None:
    """The entry point of the `reelcache` command."""
    flags = plain_flags(sys.argv[1:])
    if flags is not None and "_REELCACHE_COMPLETE" not in os.environ:
        # What is loaded at the start stays: to look through it for garbage again and again would only take time.
        gc.disable()
        with imaged_modules():
            from tui.dashboard import shown_at_once

            config = flags.pop("config", None)
            code = shown_at_once(dict(flags), Path(config) if config else None)
        if code is not None:
            sys.exit(code)
        gc.enable()
    from tui.commands.program import app

    app(prog_name="reelcache")


if __name__ == "__main__":
    main()
