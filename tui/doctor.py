"""`reelcache doctor`: how each server is found and how it fares, as lines for a person."""

from __future__ import annotations

import typer

from core.servers.doctor import ServerHealth, examine
from core.settings import Settings
from tui.formats import visible
from tui.remembered import Memory, default_memory_file

_FOUND = {"url": "by URL", "wheel": "embedded, from a wheel", "path": "embedded, from PATH", "nowhere": "not installed"}


async def examine_servers(settings: Settings) -> int:
    """Print the health of all three servers; 1 when one that the settings need is in trouble."""
    healths = await examine(settings)
    for health in healths:
        for line in described(health):
            typer.echo(line)
    typer.echo(f"State folder: {settings.state_dir}")
    memory_file = default_memory_file()
    typer.echo(f"Choices of the screen: {memory_file}")
    if problem := Memory(memory_file).problem:
        typer.echo(f"  problem: {visible(problem)}")
        typer.echo("  what to do: Delete it; the next choice writes it anew.")
    needed = {"redis", settings.store}
    return 1 if any(health.problem and health.server in needed for health in healths) else 0


def described(health: ServerHealth) -> list[str]:
    """One server in two to four lines."""
    state = "answers" if health.reachable else "in trouble" if health.problem else "ready to start"
    version = f", version {health.version}" if health.version else ""
    lines = [f"{health.server}: {state}{version} ({health.seconds * 1000:.0f} ms)"]
    lines.append(f"  found: {_FOUND[health.found]}{': ' + health.where if health.where else ''}")
    lines += [f"  limit: {limit}" for limit in health.limits]
    if health.problem:
        lines.append(f"  problem: {health.problem}")
    if health.remedy:
        lines.append(f"  what to do: {health.remedy}")
    return lines
