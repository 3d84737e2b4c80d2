"""The least program that shows rows by Textual's own table: `python -m tests.bench.stock ROWS`."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Stock(App[None]):
    """So many rows of six columns, all of them added before the first is seen."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns("#", "Title", "Year", "Genres", "Votes", "Critics")
        table.add_rows(
            (f"{number:,}", f"Movie {number}", str(1940 + number % 75), "Drama, Horror", f"{number * 7:,}", "7.4")
            for number in range(1, self._rows + 1)
        )
        table.focus()


if __name__ == "__main__":
    Stock(int(sys.argv[1])).run()
