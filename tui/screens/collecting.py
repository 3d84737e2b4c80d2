"""CollectingScreen: what is done with the table as a whole: its columns, marks, copies and exports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
from textual.worker import Worker

from core.filter_text import filter_text
from core.model import Movie
from tui.formats import plural, slug
from tui.screens import dialogs
from tui.screens.records import RecordScreen
from tui.widgets.movie_table import MovieTable
from tui.work import run

if TYPE_CHECKING:
    from tui.exporting import Exported

_COPY_HINT: Final = "Copied, where the terminal lets programs copy."


class CollectingScreen(RecordScreen):
    """Chooses columns, marks rows, copies and exports them."""

    _export: Worker[None] | None = None

    # ------------------------------------------------------------------------------------------------------ columns

    def action_columns(self) -> None:
        """Choose which columns the table shows."""
        shown = tuple(column.id for column in self.query_one(MovieTable).columns)
        self.app.push_screen(dialogs.ColumnsScreen(shown), self._choose_columns)

    def _choose_columns(self, chosen: tuple[str, ...] | None) -> None:
        if chosen is not None:
            self.memory.change(columns=chosen)
            self.query_one(MovieTable).choose(chosen)

    # ------------------------------------------------------------------------------------------------------- copying

    def action_copy(self) -> None:
        """Copy the marked movies, or the one under the cursor, as JSON, one a line."""
        movies = self._meant()
        if movies:
            text = "\n".join(msgspec.json.encode(movie).decode() for movie in movies)
            self.app.copy_to_clipboard(text)
            self.notify(f"{plural(len(movies), 'movie')} as JSON. {_COPY_HINT}", title="Copy", markup=False)

    def action_copy_cell(self) -> None:
        """Copy what the movie under the cursor holds in the column that the table is sorted by."""
        table = self.query_one(MovieTable)
        if (row := table.window.row(table.cursor)) is None:
            return
        column = next((p.column for p in table.placed if p.column.sort == self.query_now.sort), table.placed[0].column)
        self.app.copy_to_clipboard(column.text(row))
        self.notify(f"{column.label}: {column.text(row)[:60]}. {_COPY_HINT}", title="Copy", markup=False)

    def _meant(self) -> list[Movie]:
        table = self.query_one(MovieTable)
        return list(table.marked.values()) or ([table.current] if table.current else [])

    # ------------------------------------------------------------------------------------------------------ exporting

    def action_export(self) -> None:
        """Write the marked movies, or else all that the filter shows, to a file."""
        if self._export is not None:
            self.notify("An export is under way: Esc stops it.", severity="warning", markup=False)
            return
        run(self, self._ask_and_export(), doing="export", group="export-dialog")

    async def _ask_and_export(self) -> None:
        from tui.exporting import path_of, refusal

        table = self.query_one(MovieTable)
        marked = list(table.marked.values())
        many = len(marked) if marked else table.window.total or 0
        name = slug(filter_text(self.query_now))[:40].strip("-") or "movies"
        hint = "The name of a file: .csv, which `reelcache load` reads back, or .jsonl."
        title = f"Export {plural(many, 'marked movie' if marked else 'movie')}"
        text = await self.app.push_screen_wait(dialogs.AskScreen(title, hint, f"{name}.csv", refuses=refusal))
        if text is None:
            return
        path = path_of(text)
        if await asyncio.to_thread(path.exists) and not await self.app.push_screen_wait(
            dialogs.ConfirmScreen(f"{path} is there already. Replace it?", yes="replace", no="keep it", danger=True)
        ):
            return
        self._export = run(self, self._write(path, marked), doing="export the movies", group="export")

    async def _write(self, path: Path, marked: list[Movie]) -> None:
        from tui.exporting import export_all, export_some

        began = monotonic()

        def told(rows: int, total: int) -> None:
            rate = rows / max(monotonic() - began, 1e-3)
            self.say(f"Exporting {rows:,} of {total:,} movies, {rate:,.0f} a second · Esc stops")

        try:
            if marked:
                done = await export_some(marked, path)
            else:
                done = await export_all(self.catalogue.browse, self.query_now, path, told)
        finally:
            self._export = None
            self.say("")
        self.notify(_exported(done, path), title="Export", markup=False)

    def action_clear(self) -> None:
        """Stop an export, or take back the last filter set."""
        if self._export is not None:
            self._export.cancel()
            self.notify("Stopped: no file was written.", title="Export", markup=False)
        else:
            super().action_clear()


def _exported(done: Exported, path: Path) -> str:
    bars = f" A | within a list became / {done.replaced:,} times." if done.replaced else ""
    return f"{plural(done.rows, 'movie')} in {path}.{bars}"
