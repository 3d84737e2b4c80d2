"""The real program over movies in memory, for a terminal of its own: `python -m tests.tui.program [STATE]`.

STATE makes it stay in what lasts for a moment only: `opening`, `failing`, `saving`, `conflict` and `exporting`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from core.errors import StoreUnavailable
from core.model import Movie, replace
from core.query import Page, Query
from core.settings import Settings
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tui.app import ReelcacheApp
from tui.exporting import WINDOW
from tui.remembered import Memory


class Program(MemoryCatalogue):
    """A catalogue in which one thing does not go smoothly."""

    def __init__(self, state: str) -> None:
        super().__init__(movies(2_000), delay=3600.0 if state == "opening" else 0.0)
        self._state = state

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        if self._state == "exporting" and limit == WINDOW and offset:
            await asyncio.Event().wait()
        return await super().browse(query, offset, limit, hurry=hurry)

    async def save(self, movie: Movie) -> Movie:
        if self._state == "saving":
            await asyncio.Event().wait()
        if self._state == "conflict" and self.stock[movie.id].version == movie.version:
            self.stock[movie.id] = replace(self.stock[movie.id], title="Another title", version=movie.version + 1)
        return await super().save(movie)


def main(state: str = "") -> int:
    failure = StoreUnavailable("PostgreSQL", "it is away", remedy="Start it.") if state == "failing" else None
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        memory = Memory(Path(folder) / "remembered.json")
        memory.change(toured=True)
        catalogue = Program(state)
        app = ReelcacheApp(Settings(state_dir=Path(folder)), opening(catalogue, failure=failure), memory)
        code = app.run() or 0
        return code if catalogue.closed or state in ("opening", "failing") else 99


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
