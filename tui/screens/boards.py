"""BoardsScreen: the best rated movies and those most looked at, as they are at this moment."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker

from core.boards.board import Board
from core.boards.views import Span
from core.errors import ReelcacheError
from core.score import PRIOR_RATING, PRIOR_REVIEWS
from tui import figures
from tui.formats import visible
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog
from tui.widgets.movie_text import heading
from tui.work import run

ROWS: Final = 50
EVERY: Final = 1.0
"""Seconds between two looks."""
_TABS: Final = ("Top rated", "Trending this hour", "Trending today")
_SPANS: Final[tuple[Span, ...]] = ("hour", "day")
_FORMULA: Final = (
    f"score = (v·R + m·C) / (v + m), m = {PRIOR_REVIEWS} reviews, C = {PRIOR_RATING:.1f}; "
    "R, v: critics' rating, reviews. Ties: more reviews first."
)
_DECAYS: Final = {
    "hour": "Views by all running copies. A view counts half after an hour, a quarter after two.",
    "day": "Views by all running copies. A view counts half after a day, a quarter after two.",
}
_SOURCES: Final = {"redis": "From Redis", "store": "From the store", "memory": "From this copy alone"}
_PROMISES: Final = (
    "every save of any copy is in it.",
    *("views come within about a second.",) * len(_SPANS),
)
_GENRE: Final = 40
"""Cells of the genre's name."""


class Boards(Protocol):
    """The calls of a catalogue that the boards come by."""

    async def top(self, genre: str | None = None, limit: int = 50) -> Board: ...

    async def trending(self, span: Span = "day", limit: int = 50, *, genre: str | None = None) -> Board: ...


class BoardsScreen(HelpedScreen[str | None]):
    """Three rankings of all movies or of one of `genres`, asked for once a second; ends with the id of a movie to go
    to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,B", "dismiss(None)", "Close", id="boards.close"),
        Binding("tab", "tab(1)", "Next board", priority=True, id="boards.next"),
        Binding("shift+tab", "tab(-1)", "Board before", priority=True, id="boards.before"),
        Binding("1", "board(0)", "Top rated", show=False, id="boards.top"),
        Binding("2", "board(1)", "Trending this hour", show=False, id="boards.hour"),
        Binding("3", "board(2)", "Trending today", show=False, id="boards.day"),
        Binding("right,l", "genre(1)", "Next genre", priority=True, id="boards.genre"),
        Binding("left,h", "genre(-1)", "Genre before", priority=True, id="boards.genre_before"),
        Binding("j", "move(1)", "Down", show=False, id="boards.down"),
        Binding("k", "move(-1)", "Up", show=False, id="boards.up"),
    ]
    KEYS_OF = "the boards"
    KEYS = (
        ("Tab 1 2 3", "Show another board; Shift+Tab goes back."),
        ("→ l", "Go to the next genre; before the first one are all movies."),
        ("← h", "Go to the genre before."),
        ("↑ ↓ k j", "Go to another row."),
        ("Enter", "Close, and go to that movie in the table."),
        ("Esc q B", "Close."),
    )
    DEFAULT_CSS = """
    BoardsScreen { align: center middle; }
    BoardsScreen Dialog { width: 100; max-width: 100%; height: 100%; max-height: 34; overflow-y: hidden; }
    BoardsScreen Static { height: auto; color: $text-muted; }
    BoardsScreen OptionList, BoardsScreen OptionList:focus {
        height: 1fr; border: none; padding: 0; background: $surface; background-tint: transparent;
        scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, catalogue: Boards, genres: tuple[str, ...], genre: str | None) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._genres: tuple[str | None, ...] = (None, *genres)
        if genre not in self._genres:
            self._genres = (*self._genres, genre)
        self._genre = genre
        self._tab = 0
        self._shown: list[tuple[str, str]] = []
        """The id and the text of each row."""
        self._work: Worker[None] | None = None
        self._asked: tuple[int, str | None] = (0, None)
        """What that asks for."""
        self._head, self._about, self._list = Static(), Static(), OptionList()
        keys = "tab board · ← → genre · enter go to it · esc close · ? keys"
        self._dialog = Dialog(self._head, self._about, self._list, title="Boards", keys=keys)

    def compose(self) -> ComposeResult:
        yield self._dialog

    def on_mount(self) -> None:
        self._list.focus()
        self._turn()
        self.set_interval(EVERY, self._look)

    def action_tab(self, by: int) -> None:
        """Show the next board, or the one before."""
        self._tab = (self._tab + by) % len(_TABS)
        self._turn()

    def action_board(self, number: int) -> None:
        """Show a board by its number."""
        self._tab = number
        self._turn()

    def action_genre(self, by: int) -> None:
        """Show the next genre, or the one before."""
        self._genre = self._genres[(self._genres.index(self._genre) + by) % len(self._genres)]
        self._turn()

    def action_move(self, rows: int) -> None:
        """Mark another row."""
        if rows > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to that movie."""
        self.dismiss(self._shown[event.option_index][0])

    def _turn(self) -> None:
        """Show another board from its first row on."""
        tabs = (
            Content.styled(tab, "bold underline $text-primary" if n == self._tab else "$text-muted")
            for n, tab in enumerate(_TABS)
        )
        genre = visible(self._genre) if self._genre is not None else "all movies"
        named = Content.styled(figures.fit(genre, _GENRE).rstrip(), "bold $text-accent")
        self._head.update(Content("  ").join([*tabs, Content.assemble("← ", named, " →")]))
        self._about.update(Content(_FORMULA if self._tab == 0 else _DECAYS[_SPANS[self._tab - 1]]))
        self._show([])
        self._dialog.say("Asking…")
        self._look()

    def _look(self) -> None:
        asked = (self._tab, self._genre)
        if self._work is None or self._work.is_finished or asked != self._asked:
            # What was asked for another board is not waited for.
            self._asked = asked
            self._work = run(self, self._fetch(), doing="rank the movies", group="board")

    async def _fetch(self) -> None:
        try:
            if self._tab == 0:
                board = await self._catalogue.top(self._genre, ROWS)
            else:
                board = await self._catalogue.trending(_SPANS[self._tab - 1], ROWS, genre=self._genre)
        except ReelcacheError as problem:
            self._dialog.say(str(problem), "error")
            return
        self._show([(row.movie.id, text) for row, text in zip(board.rows, board_lines(board), strict=True)])
        promise = board.why or _PROMISES[self._tab]
        empty = "" if board.rows else "Nothing was looked at yet. " if self._tab else "No movie here has a score. "
        tone = "warning" if board.why else "success"
        self._dialog.say(f"{empty}{_SOURCES[board.source]}: {promise}", tone)

    def _show(self, rows: list[tuple[str, str]]) -> None:
        if rows == self._shown:
            return
        marked, same = self._list.highlighted, len(rows) == len(self._shown)
        before, self._shown = self._shown, rows
        if same:
            for index, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self._list.replace_option_prompt_at_index(index, Content(new[1]))
            return
        self._list.clear_options()
        self._list.add_options([Option(Content(text)) for _, text in rows])
        if rows:
            self._list.highlighted = min(marked or 0, len(rows) - 1)


def board_lines(board: Board) -> list[str]:
    """One line for each row: its rank, what ranks it, and the movie."""
    lines = []
    for number, row in enumerate(board.rows, 1):
        figure = (
            f"{figures.short(row.value) if row.value >= 1000 else f'{row.value:.1f}':>6} views"
            if row.reviews is None
            else f"{row.value:6.3f} {row.reviews:>6,} reviews"
        )
        genres = f" · {visible(', '.join(row.movie.genres))}" if row.movie.genres else ""
        lines.append(f"{number:>3} {figure}  {heading(row.movie)}{genres}")
    return lines
