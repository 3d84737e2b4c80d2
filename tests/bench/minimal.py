"""The least that a Textual program with a table does: fifty rows that it has at hand. The peer of S13.

With the address of a PostgreSQL as its argument it is the least of our kind: it loads what such a program with a cache
before it stands on, and asks for those rows before it shows them.
"""

from __future__ import annotations

import sys

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
    """With rows that a PostgreSQL has."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def on_mount(self) -> None:
        table = self.headed()
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            # As the dashboard begins: by title.
            found = await connection.execute(
                "select title, year, genres, directors from reelcache.movies order by title_key, id limit 50"
            )
            for title, year, genres, directors in await found.fetchall():
                table.add_row(title, str(year), ", ".join(genres or ()), ", ".join(directors or ()))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        Minimal().run()
    else:
        import hiredis  # noqa: F401  # loaded, for what that takes
        import msgspec  # noqa: F401
        import psycopg
        import uvloop

        uvloop.run(Asking(sys.argv[1]).run_async())
