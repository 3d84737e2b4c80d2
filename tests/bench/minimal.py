"""The least that a Textual program with a table does: fifty rows that it has at hand. The peer of S13.

With the address of a PostgreSQL or a MongoDB as its argument it is the least of our kind: it loads what such a program
with a cache before it stands on, and asks for those rows before it shows them.
"""

from __future__ import annotations

import sys
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Table(App[None]):
    """A table and nothing else."""

    def compose(self) -> ComposeResult:
        yield DataTable[str]()

    def headed(self) -> DataTable[str]:
        """The table with its columns."""
        table = self.query_one(DataTable)
        table.add_columns("title", "year", "genres", "directors")
        return table


class Minimal(Table):
    """With rows that are at hand."""

    def on_mount(self) -> None:
        table = self.headed()
        for number in range(50):
            table.add_row(f"Row number {number}", "1979", "Horror, Drama", "Somebody Or Other")


class Asking(Table):
    """With rows that a database has; as the dashboard begins: by title."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def on_mount(self) -> None:
        table = self.headed()
        for title, year, genres, directors in await self.rows():
            table.add_row(title, str(year), ", ".join(genres or ()), ", ".join(directors or ()))

    async def rows(self) -> list[tuple[Any, ...]]:
        """The first fifty."""
        raise NotImplementedError


class AskingPostgres(Asking):
    """With rows that a PostgreSQL has."""

    async def rows(self) -> list[tuple[Any, ...]]:
        """The first fifty."""
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            found = await connection.execute(
                "select title, year, genres, directors from reelcache.movies order by title_key, id limit 50"
            )
            return await found.fetchall()


class AskingMongo(Asking):
    """With rows that a MongoDB has."""

    async def rows(self) -> list[tuple[Any, ...]]:
        """The first fifty."""
        client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(self._url)
        async with client:
            movies = client.get_default_database()["movies"]
            found = await movies.find().sort(["reelcache.title_key", "reelcache.id"]).limit(50).to_list()
        return [tuple(movie.get(field) for field in ("title", "year", "genres", "directors")) for movie in found]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        Minimal().run()
    else:
        import hiredis  # noqa: F401  # loaded, for what that takes
        import msgspec  # noqa: F401
        import uvloop

        asking: type[Asking]
        if sys.argv[1].startswith("mongodb:"):
            import pymongo

            asking = AskingMongo
        else:
            import psycopg

            asking = AskingPostgres
        uvloop.run(asking(sys.argv[1]).run_async())
