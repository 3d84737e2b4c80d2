"""The words of the commands for scripts: what a shell may say, and which file does it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tui.commands.running import example, refuse, run, settings_of

IdArgument = Annotated[str, typer.Argument(help="The movie's id.", metavar="ID")]
WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="A filter, as in the dashboard's search box. None: every movie.", metavar="WORDS"),
]

places = typer.Typer(
    help="See what is around a place, and load theaters of your own.",
    epilog=example("reelcache places near Paris --radius 300"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""`reelcache places load`, `reelcache places near`."""


def add_to(app: typer.Typer) -> None:
    """Give the program these commands, in this order."""
    app.command(short_help="Show one movie.", epilog=example("reelcache get tt0078748 --json"))(get)
    app.command(
        short_help="List the movies of a filter.",
        epilog=example('reelcache find genre:horror year:1979..1989 director:"ridley scott" --sort year'),
    )(find)
    app.command(short_help="Count the movies of each genre.", epilog=example("reelcache genres year:1979..1989"))(
        genres
    )
    app.command(short_help="Show figures of store and cache.", epilog=example("reelcache stats --json"))(stats)
    app.add_typer(places, name="places", short_help="See what is around a place; load theaters.")
    app.command(short_help="List the program's keys in Redis.", epilog=example("reelcache keys 'movie:Q10*' --json"))(
        keys
    )
    app.command(
        short_help="Take one key in Redis apart.", epilog=example("reelcache key 'rc:b:{rc}'  (a name from keys)")
    )(key)
    app.command(
        short_help="Change fields of one movie.",
        epilog=example('reelcache edit tt0078748 --set runtime=118 --set genres="Horror, Sci-Fi" --dry-run'),
    )(edit)
    app.command(short_help="Show each setting and where it comes from.", epilog=example("reelcache config --json"))(
        config
    )


def get(
    context: typer.Context,
    id: IdArgument,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: id, version and every field by its name.")
    ] = False,
) -> None:
    """Show one movie. Exit code: 0 shown, 1 a server is in trouble, 2 bad input, 3 there is no such movie."""
    settings = settings_of(context)
    from tui.commands.get import show_movie

    raise typer.Exit(run(show_movie(settings, id, as_json=json)))


def _sorts() -> list[str]:
    from core.query import SORTS, TRENDS

    return [*SORTS, *TRENDS]


def find(
    context: typer.Context,
    words: WordsArgument = None,
    limit: Annotated[int, typer.Option("--limit", help="Most movies to list.", min=1, max=1000)] = 50,
    offset: Annotated[int, typer.Option("--offset", help="Movies to pass over.", min=0, max=1_000_000_000)] = 0,
    sort: Annotated[
        str,
        typer.Option(
            "--sort", help="The field to sort by, or score, or trending.", metavar="FIELD", autocompletion=_sorts
        ),
    ] = "title",
    desc: Annotated[bool, typer.Option("--desc", help="From the greatest to the least.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: total, offset and movies.")] = False,
) -> None:
    """List the movies of a filter. Exit code: 0 listed, 1 a server is in trouble, 2 bad input, 3 none is listed."""
    settings = settings_of(context)
    from tui.commands.find import find_movies

    work = find_movies(settings, words or (), sort=sort, descending=desc, offset=offset, limit=limit, as_json=json)
    raise typer.Exit(run(work))


def genres(
    context: typer.Context,
    words: WordsArgument = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object of genre: movies.")] = False,
) -> None:
    """Count the movies of each genre. Exit code: 0 counted, 1 a server is in trouble, 2 bad input."""
    settings = settings_of(context)
    from tui.commands.genres import count_genres

    raise typer.Exit(run(count_genres(settings, words or (), as_json=json)))


def stats(
    context: typer.Context,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: store, movies, redis, cache and addresses.")
    ] = False,
) -> None:
    """Show how many movies the store has, Redis' own figures, and whether the cache is believed.

    Hits and misses are counted by each running copy for itself and are not shown. Exit code: 0 the cache is in use, 1 a
    server is in trouble.
    """
    settings = settings_of(context)
    from tui.commands.stats import show_stats

    raise typer.Exit(run(show_stats(settings, as_json=json)))


def keys(
    context: typer.Context,
    pattern: Annotated[
        str, typer.Argument(help="Words of a name, or a pattern with * and ?. None: every key.", metavar="PATTERN")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="Most keys to list.", min=1, max=100_000)] = 200,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: keys, and whether there are more.")
    ] = False,
) -> None:
    """List the keys that the program has in Redis, of every store and copy, with type, time left and memory.

    It only reads. Exit code: 0 listed, 1 a server is in trouble, 3 none is listed.
    """
    settings = settings_of(context)
    from tui.commands.keys import list_keys

    raise typer.Exit(run(list_keys(settings, pattern, limit=limit, as_json=json)))


def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name, as `keys` lists it.", metavar="NAME")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with all that is known of it.")] = False,
) -> None:
    """Show one key: type, encoding, time left, memory, version, who holds its gate, and its value raw and decoded.

    It only reads. Exit code: 0 shown, 1 a server is in trouble, 2 no key of this program, 3 there is no such key.
    """
    settings = settings_of(context)
    from tui.commands.keys import show_key

    raise typer.Exit(run(show_key(settings, name, as_json=json)))


def edit(
    context: typer.Context,
    id: IdArgument,
    set: Annotated[
        list[str],
        typer.Option(
            "--set", help="A field and its new value, empty for none; lists with commas.", metavar="NAME=VALUE"
        ),
    ],
    version: Annotated[
        int | None, typer.Option("--version", help="Save only if the movie is still at this version.", metavar="N")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; save nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: id, version, saved, changes.")] = False,
) -> None:
    """Change fields of one movie, showing old and new values.

    Exit code: 0 done, 1 a server is in trouble, 2 bad input, 3 there is no such movie, 4 somebody else changed it.
    """
    settings = settings_of(context)
    from tui.commands.edit import edit_movie

    raise typer.Exit(run(edit_movie(settings, id, set, version=version, dry_run=dry_run, as_json=json)))


def config(
    context: typer.Context,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: settings, screen, files, problem.")
    ] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print a config file with every setting explained instead.")
    ] = False,
) -> None:
    """Show each setting as the dashboard would use it, where its value comes from, and the files that are read.

    A flag beats the environment, that .env, that the config file, that what the dashboard remembers. No password is
    shown. Exit code: 0 shown, 2 a value is wrong.
    """
    flags, config_file = context.obj
    from tui.commands.config import example_file, show_config

    if example:
        typer.echo(example_file())
        return
    raise typer.Exit(run(show_config(flags, config_file, as_json=json)))


@places.command("load", short_help="Load theaters from a file.", epilog=example("reelcache places load theaters.json"))
def load_places(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="sample_mflix theaters (JSON), a GeoJSON FeatureCollection of Points, or CSV with name, lat and lon.",
            metavar="FILE",
        ),
    ],
) -> None:
    """Load theaters from a file into the store; loading twice changes nothing.

    Coordinates that are exchanged or off the map are refused, with their lines. Exit code: 0 loaded, 1 a server or the
    file is in trouble.
    """
    settings = settings_of(context)
    from tui.commands.places import load_theaters

    raise typer.Exit(run(load_theaters(settings, file)))


@places.command(
    "near", short_help="List what is around a place.", epilog=example("reelcache places near Paris --radius 300 --json")
)
def near(
    context: typer.Context,
    place: Annotated[str, typer.Argument(help="A city, a theater, or latitude,longitude.", metavar="PLACE")],
    radius: Annotated[float, typer.Option("--radius", help="In km.", metavar="KM")] = 500.0,
    box: Annotated[
        str | None, typer.Option("--box", help="Width and height in km, instead of a radius.", metavar="KMxKM")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", help="city or theater.", metavar="KIND")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Most places to list.", min=1, max=1000)] = 50,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: centre, tier, reason, more, places, credit.")
    ] = False,
) -> None:
    """List what is around a place, nearest first. Exit code: 0 listed, 1 a server is in trouble, 2 bad input, 3 nothing
    is there.

    A place that begins with a minus sign comes behind two: reelcache places near -- -33.9,151.2
    """
    settings = settings_of(context)
    from tui.commands.places import show_nearby

    sides = None if box is None else _sides(box)
    if only not in (None, "city", "theater"):
        refuse(f"There are no places of the kind {only!r}.", "Write --only city or --only theater.", code=2)
    kind: Any = only
    work = show_nearby(settings, place, radius_km=radius, box=sides, kind=kind, limit=limit, as_json=json)
    raise typer.Exit(run(work))


def _sides(box: str) -> tuple[float, float]:
    """Width and height as `300x200` has them."""
    width, _, height = box.lower().partition("x")
    try:
        return float(width), float(height)
    except ValueError:
        refuse(f"--box {box} is no width and height.", "Write it as --box 300x200, in km.", code=2)
