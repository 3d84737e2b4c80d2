"""The program as Typer knows it: the dashboard with its options, and every command that hangs below it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tui.commands import scripts
from tui.commands.running import example, refuse, run, settings_of

_EXAMPLES = """Examples:

\b
  reelcache --store mongodb --strategy write-through
  reelcache --metrics 9464
  reelcache load ~/movies.csv
  reelcache doctor
  reelcache check --json
  reelcache get tt0078748 --json
  reelcache find genre:horror year:1979..1989 --sort year
  reelcache genres year:1979..1989
  reelcache stats --json
  reelcache places near Paris --radius 300
  reelcache keys 'movie:Q10*' --json
  reelcache key 'rc:b:{rc}'
  reelcache edit tt0078748 --set runtime=118 --dry-run
  reelcache config --json
  reelcache stop
  reelcache reset --yes
  reelcache web --port 8080
  reelcache api --port 8080
  reelcache --mongo-url mongodb+srv://me@cluster/sample_mflix adopt"""

app = typer.Typer(
    name="reelcache",
    help="See what your cache is doing: a dashboard over real Redis in front of real PostgreSQL or MongoDB.",
    epilog=_EXAMPLES,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _stores() -> list[str]:
    from core.settings import STORES

    return list(STORES)


def _strategies() -> list[str]:
    from core.settings import STRATEGIES

    return list(STRATEGIES)


StoreOption = Annotated[
    str | None, typer.Option("--store", help="postgresql or mongodb.", metavar="NAME", autocompletion=_stores)
]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help="cache-aside, write-through or no-cache.",
        metavar="NAME",
        autocompletion=_strategies,
    ),
]
PostgresOption = Annotated[
    str | None, typer.Option("--postgres-url", help="Your own PostgreSQL instead of the embedded one.", metavar="URL")
]
MongoOption = Annotated[
    str | None, typer.Option("--mongo-url", help="Your own MongoDB instead of the embedded one.", metavar="URL")
]
RedisOption = Annotated[
    str | None, typer.Option("--redis-url", help="Your own Redis instead of the embedded one.", metavar="URL")
]
StateOption = Annotated[
    Path | None, typer.Option("--state-dir", help="Where the embedded servers keep their data.", metavar="FOLDER")
]
MetricsOption = Annotated[
    str | None,
    typer.Option("--metrics", help="Serve the dashboard's metrics to Prometheus there.", metavar="[HOST:]PORT"),
]
OtelOption = Annotated[
    bool | None,
    typer.Option(
        "--otel", help="Push the dashboard's metrics to where the OTEL_* variables say. Needs the extra otel."
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="A config file (TOML).", metavar="FILE")]
PortOption = Annotated[int, typer.Option("--port", help="0: any that is free.", min=0, max=65_535)]
HostOption = Annotated[
    str, typer.Option("--host", help="The address to listen on. Nobody is asked for a password.", metavar="ADDRESS")
]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"reelcache {version('reelcache')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def dashboard(
    context: typer.Context,
    store: StoreOption = None,
    strategy: StrategyOption = None,
    postgres_url: PostgresOption = None,
    mongo_url: MongoOption = None,
    redis_url: RedisOption = None,
    state_dir: StateOption = None,
    metrics: MetricsOption = None,
    otel: OtelOption = None,
    config: ConfigOption = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Open the dashboard, or run a command. Options given here hold for the command too."""
    flags: dict[str, object] = {
        "store": store,
        "strategy": strategy,
        "postgres_url": postgres_url,
        "mongo_url": mongo_url,
        "redis_url": redis_url,
        "state_dir": state_dir,
        "metrics": metrics,
        "otel": otel,
    }
    context.obj = (flags, config)
    if context.invoked_subcommand is not None:
        return
    from core.errors import ReelcacheError
    from tui.dashboard import can_be_shown, dashboard_memory, show

    memory = dashboard_memory()
    settings = settings_of(context, fallbacks=memory.settings)
    if not can_be_shown():
        refuse("The dashboard needs a terminal.", "Run it in one, or see `reelcache --help` for commands.", code=2)
    try:
        raise typer.Exit(show(settings, memory))
    except ReelcacheError as problem:
        refuse(problem.message, problem.remedy, code=1)


@app.command(
    short_help="Load movies from a file into the store.",
    epilog=example("reelcache load ~/movies.csv --store mongodb"),
)
def load(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV, sample_mflix JSON, IMDb TSV, TMDB or MovieLens, plain or .gz. None: the shipped one.",
            metavar="FILE",
        ),
    ] = None,
    store: StoreOption = None,
    companion: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A second file: IMDb ratings, MovieLens links, TMDB credits.", metavar="FILE"),
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option("--synthetic", help="Load so many invented movies, marked as such.", metavar="COUNT")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed invents the same movies.", metavar="NUMBER")] = 1,
) -> None:
    """Load movies from a file into the store, or invented ones; loading twice changes nothing."""
    settings = settings_of(context, store=store)
    from tui.loading import load_file, load_invented

    if synthetic is None:
        raise typer.Exit(run(load_file(settings, file, tuple(companion or ()))))
    if file is not None or companion:
        refuse("A load takes a file or --synthetic, not both.", "Load one after the other.", code=2)
    raise typer.Exit(run(load_invented(settings, synthetic, seed)))


@app.command(short_help="Say how each server is found and how it fares.", epilog=example("reelcache doctor"))
def doctor(context: typer.Context) -> None:
    """Say of each server how it is found, its version, whether it answers, and what to do where it does not."""
    settings = settings_of(context)
    from tui.doctor import examine_servers

    raise typer.Exit(run(examine_servers(settings)))


@app.command(short_help="Compare the cache with the store.", epilog=example("reelcache check --json"))
def check(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Compare every movie in the cache with the store; exit code 1 when one is still wrong after 10 seconds."""
    settings = settings_of(context)
    from tui.checking import check_cache

    raise typer.Exit(run(check_cache(settings, as_json=json)))


scripts.add_to(app)


@app.command(short_help="Serve the dashboard to a browser.", epilog=example("reelcache web --port 8080"))
def web(
    context: typer.Context,
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
) -> None:
    """Serve the dashboard to browsers on this machine, until Ctrl-C: each tab is a copy of its own."""
    settings = settings_of(context)  # told now, not to each visitor
    if settings.metrics or settings.otel:
        typer.echo("Tabs tell no metrics, for each would want the port: open the dashboard in a terminal for that.")
    if not host:
        refuse("--host is empty.", "Leave it out, or give an address of this machine.", code=2)
    from tui.commands.web import serve

    flags, config = context.obj
    raise typer.Exit(run(serve(flags, config, host=host, port=port)))


@app.command(short_help="Serve the movies to programs, over HTTP.", epilog=example("reelcache api --port 8080"))
def api(
    context: typer.Context,
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
) -> None:
    """Serve movies, genres and figures over HTTP to programs on this machine, until Ctrl-C; /openapi.json tells how."""
    settings = settings_of(context)
    if not host:
        refuse("--host is empty.", "Leave it out, or give an address of this machine.", code=2)
    from core.errors import ExtraMissing

    if missing := next((name for name in ("fastapi", "uvicorn") if find_spec(name) is None), None):
        problem = ExtraMissing("The HTTP API", "api", missing)
        refuse(problem.message, problem.remedy, code=2)
    if settings.metrics or settings.otel:
        typer.echo("The API tells its metrics at /metrics alone: --metrics and --otel are the dashboard's.", err=True)
    from tui.commands.api import serve

    raise typer.Exit(run(serve(settings, host=host, port=port)))


@app.command(short_help="End the embedded servers.", epilog=example("reelcache stop"))
def stop(context: typer.Context) -> None:
    """End the embedded servers, also those that a killed copy left running."""
    settings = settings_of(context)
    from core.servers.embedded import stop_embedded

    stopped = run(stop_embedded(settings.state_dir))
    if not stopped:
        typer.echo("No embedded server was running.")
    for server in stopped:
        note = " A running copy of the program uses it, and starts it again." if server.in_use else ""
        typer.echo(f"Stopped {server.server} (process {server.pid}).{note}")


@app.command(short_help="Delete the embedded servers' data, after asking.", epilog=example("reelcache reset --yes"))
def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the embedded servers' data: every edit and loaded movie. The shipped ones come back at the next start."""
    settings = settings_of(context)
    from core.servers.embedded import reset_embedded

    if not yes:
        typer.echo(f"This deletes all movies and edits kept by the embedded servers under {settings.state_dir}.")
    _agree("Delete them?", yes)
    run(reset_embedded(settings.state_dir))
    typer.echo("Deleted. The next start begins anew with the shipped movies.")


@app.command(
    short_help="Make a MongoDB collection browsable in place.",
    epilog=example("reelcache --mongo-url mongodb+srv://me@cluster/sample_mflix adopt"),
)
def adopt(
    context: typer.Context,
    remove: Annotated[bool, typer.Option("--remove", help="Take out again all that was added.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make a MongoDB collection of yours browsable in place, by adding one sub-document to each movie."""
    settings = settings_of(context, store="mongodb")
    if settings.mongo_url is None:
        refuse("The embedded MongoDB needs no adopting.", "Name your own with --mongo-url or MONGO_URL.", code=2)
    from tui import adopting

    if remove:
        _agree("Take out all that Reelcache added to this collection?", yes)
        typer.echo(f"{run(adopting.disown(settings.mongo_url)):,} documents are as they were before.")
        return
    if not (reason := run(adopting.strangeness(settings.mongo_url))):
        typer.echo("This collection is ready to be browsed; nothing needs adding.")
        return
    typer.echo(reason)
    _agree("Add one sub-document named `reelcache` to each movie, leaving all else as it is?", yes)
    typer.echo(f"{run(adopting.adopt(settings.mongo_url)):,} movies adopted.")


def _agree(question: str, yes: bool) -> None:
    """Ask, unless `--yes` was given, outside of any event loop: in one, Ctrl-C would not reach the question."""
    if yes:
        return
    if not sys.stdin.isatty():
        refuse("Nothing was changed: nobody is there to be asked.", "Add --yes to go on without being asked.", code=2)
    if not typer.confirm(question):
        typer.echo("Nothing was changed.")
        raise typer.Exit(1)
