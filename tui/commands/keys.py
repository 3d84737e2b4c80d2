"""`reelcache keys` and `reelcache key`: what the program has in Redis, listed, and one of it taken apart."""

from __future__ import annotations

import json
from typing import Final

import typer

from core import Catalogue, Settings, open_catalogue
from core.cache.inspector import Listed
from core.inspection import shown_name
from tui.figures import memory
from tui.formats import duration, visible
from tui.key_object import as_object, listed_object
from tui.widgets.anatomy_text import anatomy_lines

_PAGE: Final = 1_000
_WIDTH: Final = 100


async def list_keys(settings: Settings, pattern: str, *, limit: int, as_json: bool) -> int:
    """Print the keys, sorted by name; returns the exit code. Raises CacheUnavailable."""
    async with open_catalogue(settings) as catalogue:
        keys, more = await _listed(catalogue, pattern, limit)
    if as_json:
        typer.echo(json.dumps({"keys": [listed_object(key) for key in keys], "more": more}))
    else:
        for key in keys:
            size = "–" if key.memory is None else memory(key.memory)
            stays = "stays" if key.ttl_ms is None else duration(key.ttl_ms / 1000)
            typer.echo(f"{key.type:<7} {stays:>12} {size:>8}  {visible(shown_name(key.name))}")
        if more:
            typer.echo("There are more: narrow them by a pattern, or raise --limit.")
    return 0 if keys else 3


async def _listed(catalogue: Catalogue, pattern: str, limit: int) -> tuple[list[Listed], bool]:
    found: dict[bytes, Listed] = {}
    cursor = ""
    while len(found) < limit:
        page = await catalogue.keys(pattern, cursor=cursor, limit=min(_PAGE, limit))
        found |= {key.name: key for key in page.keys}
        if not (cursor := page.cursor):
            break
    keys = sorted(found.values(), key=lambda key: key.name)
    return keys[:limit], bool(cursor) or len(keys) > limit


async def show_key(settings: Settings, name: str, *, as_json: bool) -> int:
    """Print one key; returns the exit code. Raises InvalidQuery, CacheUnavailable."""
    async with open_catalogue(settings) as catalogue:
        seen = await catalogue.inspect(name)
    if as_json:
        typer.echo(json.dumps(as_object(seen)))
    else:
        typer.echo("\n".join(line.plain.rstrip() for line in anatomy_lines(seen, _WIDTH)))
    return 3 if seen.anatomy.type == "none" else 0
