"""The least that a Textual program with a table does: fifty rows that it has at hand. The peer of S13."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Minimal(App[None]):
    """A table and nothing else."""

    def compose(self) -> ComposeResult:
        yield DataTable()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("title", "year", "genres", "directors")
        for number in range(50):
            table.add_row(f"Row number {number}", "1979", "Horror, Drama", "Somebody Or Other")


if __name__ == "__main__":
    Minimal().run()
