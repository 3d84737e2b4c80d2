"""Every action a person can take: the one table behind key bindings, footer, help, command palette and README."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Where = Literal["movies", "genres", "log", "search", "start", "tour", "everywhere"]
PLACES: Final[dict[Where, str]] = {
    "movies": "In the movie table",
    "genres": "In the genre histogram",
    "log": "In the log",
    "search": "In the filter and year boxes",
    "start": "While the servers start",
    "tour": "On the tour",
    "everywhere": "Everywhere",
}


class Action(msgspec.Struct, frozen=True):
    """One thing to do: `keys` as Textual names them (commas between), `shown` as people read them.

    `action` is the Textual action that does it; empty where the part binds the key itself. `rank` orders the footer; an
    action without one is not in it.
    """

    id: str
    keys: str
    shown: str
    label: str
    help: str
    where: Where
    action: str
    rank: int | None = None
    listed: bool = True
    """Whether the command palette offers it."""

    @property
    def opens_box(self) -> bool:
        """Whether it opens a box to type in: then it is done before the keys that follow it are handed out."""
        return self.action.startswith("ask(")


ACTIONS: Final[tuple[Action, ...]] = (
    Action("move.up", "up,k", "↑ k", "Up", "One row up.", "movies", "move(-1)", listed=False),
    Action("move.down", "down,j", "↓ j", "Down", "One row down.", "movies", "move(1)", listed=False),
    Action("move.page-up", "pageup", "PgUp", "Page up", "One screen up.", "movies", "page(-1)", listed=False),
    Action("move.page-down", "pagedown", "PgDn", "Page down", "One screen down.", "movies", "page(1)", listed=False),
    Action("move.half-up", "ctrl+u", "^u", "Half up", "Half a screen up.", "movies", "page(-0.5)", listed=False),
    Action("move.half-down", "ctrl+d", "^d", "Half down", "Half a screen down.", "movies", "page(0.5)", listed=False),
    Action("move.top", "home,g", "Home g", "First row", "Go to the first row.", "movies", "edge(-1)"),
    Action("move.bottom", "end,G", "End G", "Last row", "Go to the last row.", "movies", "edge(1)"),
    Action("columns.right", "right,l", "→ l", "Columns on", "Show the columns further right.", "movies", "shift(1)"),
    Action("columns.left", "left,h", "← h", "Columns back", "Show the columns further left.", "movies", "shift(-1)"),
    Action("columns.choose", "v", "v", "Columns", "Choose which columns the table shows.", "everywhere", "columns"),
    Action("movies.mark", "m", "m", "Mark", "Mark the row, or take its mark away.", "movies", "mark"),
    Action("movies.unmark", "M", "M", "No marks", "Take all marks away.", "movies", "unmark"),
    Action("movies.copy", "Y", "Y", "Copy", "Copy the movie, or the marked ones, as JSON.", "everywhere", "copy"),
    Action(
        "movies.copy-cell",
        "ctrl+y",
        "^y",
        "Copy cell",
        "Copy the cell of the column sorted by.",
        "everywhere",
        "copy_cell",
    ),
    Action(
        "movies.export",
        "E",
        "E",
        "Export",
        "Write the marked movies, or all that the filter shows, to a file.",
        "everywhere",
        "export",
    ),
    Action(
        "movies.jump",
        "colon",
        ":",
        "Go to",
        "Go to a row number, a percentage (50%) or an id.",
        "everywhere",
        "ask('jump')",
        40,
    ),
    Action(
        "movies.title",
        "apostrophe",
        "'",
        "Title",
        "Go to the first title that begins as you type.",
        "everywhere",
        "ask('title')",
    ),
    Action(
        "movies.open", "enter", "Enter", "Details", "Show the whole movie and where it came from.", "movies", "open", 24
    ),
    Action("movies.edit", "e", "e", "Edit", "Edit the movie under the cursor.", "everywhere", "edit", 22),
    Action("movies.add", "a", "a", "Add", "Add a movie of your own.", "everywhere", "add", 70),
    Action(
        "movies.remove",
        "delete,D",
        "Del D",
        "Remove",
        "Remove the movie under the cursor, after asking.",
        "everywhere",
        "remove",
    ),
    Action("movies.undo", "u", "u", "Undo", "Take back your last save, as a new version.", "everywhere", "undo", 65),
    Action(
        "filter.text",
        "slash",
        "/",
        "Filter",
        "Filter as you type: words, genre:horror, year:1979..1989, rating:>8 (above 10: the Tomatometer).",
        "everywhere",
        "ask('text')",
        10,
    ),
    Action(
        "filter.years", "y", "y", "Years", "Keep the years 1979, 1979-1989 or 1979-.", "everywhere", "ask('years')", 30
    ),
    Action("filter.clear", "escape", "Esc", "Clear filter", "Clear the last filter set.", "everywhere", "clear", 15),
    Action(
        "filter.places",
        "P",
        "P",
        "Places",
        "See what is around a place, and filter by the countries there.",
        "everywhere",
        "places",
    ),
    Action("sort.next", "s", "s", "Sort", "Sort by the next column, or by views.", "everywhere", "sort_next", 20),
    Action("sort.flip", "S", "S", "Flip sort", "Turn the order round.", "everywhere", "sort_flip"),
    Action(
        "strategy.choose",
        "c",
        "c",
        "Strategy",
        "Choose the caching strategy while everything runs.",
        "everywhere",
        "choose_strategy",
        26,
    ),
    Action(
        "store.choose",
        "t",
        "t",
        "Store",
        "Choose PostgreSQL or MongoDB while everything runs.",
        "everywhere",
        "choose_store",
        28,
    ),
    Action(
        "near.switch",
        "N",
        "N",
        "Near tier",
        "Begin or end to keep what is read in this program too, in front of Redis.",
        "everywhere",
        "switch_near",
        66,
    ),
    Action(
        "faults.choose",
        "x",
        "x",
        "Faults",
        "Break Redis or the store on purpose, and watch the cache hold.",
        "everywhere",
        "choose_fault",
        50,
    ),
    Action(
        "visitors",
        "V",
        "V",
        "Visitors",
        "Let simulated visitors browse and read, so that the counters have life.",
        "everywhere",
        "visitors",
        45,
    ),
    Action(
        "movies.boards",
        "B",
        "B",
        "Boards",
        "See the best rated movies, and those most looked at this hour and today.",
        "everywhere",
        "boards",
    ),
    Action(
        "keys.inspect",
        "K",
        "K",
        "Keys in Redis",
        "Look into the keys that the program has in Redis, the movie's own first.",
        "everywhere",
        "inspect_keys",
    ),
    Action("pane.movies", "1", "1", "Movies", "Go to the movie table.", "everywhere", "pane('movies')"),
    Action("pane.stats", "2", "2", "Cache", "Go to the counters.", "everywhere", "pane('stats')"),
    Action("pane.genres", "3", "3", "Genres", "Go to the genre histogram.", "everywhere", "pane('genres')"),
    Action("pane.log", "4", "4", "Log", "Go to the log of operations.", "everywhere", "pane('log')"),
    Action(
        "pane.consistency",
        "5",
        "5",
        "Consistency",
        "Go to the figures of consistency: audit, change log, races prevented.",
        "everywhere",
        "pane('consistency')",
    ),
    Action("pane.details", "6", "6", "Details panel", "Go to the movie in full.", "everywhere", "pane('details')"),
    Action(
        "pane.full", "f", "f", "Full screen", "Give one panel the whole screen, or take it back.", "everywhere", "full"
    ),
    Action(
        "pane.hide", "H", "H", "Hide", "Put the panel in focus away; its number brings it back.", "everywhere", "hide"
    ),
    Action("pane.all", "", "", "Show all panels", "Bring back the panels put away.", "everywhere", "show_all"),
    Action("counters.window", "w", "w", "Window", "Have the counters look back further.", "everywhere", "window", 55),
    Action(
        "counters.pause",
        "p",
        "p",
        "Pause",
        "Hold the counters and the log still, or go on; counting never stops.",
        "everywhere",
        "pause",
    ),
    Action("counters.clear", "C", "C", "Clear counters", "Count from now on.", "everywhere", "clear_counters"),
    Action(
        "log.filter",
        "L",
        "L",
        "Filter log",
        "Show only lines of the log with these words: miss, save, Q123, >10ms.",
        "everywhere",
        "filter_log",
    ),
    Action("movies.reload", "r", "r", "Reload", "Ask again for the rows on the screen.", "everywhere", "reload"),
    Action("app.theme", "", "", "Theme", "Choose a colour theme.", "everywhere", "app.change_theme"),
    Action("app.screenshot", "", "", "Screenshot", "Save a picture of the screen.", "everywhere", "app.screenshot"),
    Action(
        "app.palette",
        "ctrl+p",
        "^p",
        "Commands",
        "Find any command by name.",
        "everywhere",
        "app.command_palette",
        listed=False,
    ),
    Action("tour.start", "f1", "F1", "Tour", "Be shown around, in five steps on live data.", "everywhere", "tour", 62),
    Action("tour.next", "n", "n", "Next", "Go to the next step of the tour.", "tour", "tour_go(1)", listed=False),
    Action("tour.back", "b", "b", "Back", "Go back one step of the tour.", "tour", "tour_go(-1)", listed=False),
    Action(
        "app.suspend",
        "ctrl+z",
        "^z",
        "To the shell",
        "Stop the program and go back to the shell; fg brings it back.",
        "everywhere",
        "app.suspend_process",
    ),
    Action(
        "app.interrupt",
        "ctrl+c",
        "^c",
        "Copy selected",
        "Copy what is selected in a box; else say how to quit.",
        "everywhere",
        "app.interrupt",
        listed=False,
    ),
    Action(
        "problems.show",
        "exclamation_mark",
        "!",
        "Problems",
        "Read again, and copy, what went wrong so far.",
        "everywhere",
        "app.problems",
    ),
    Action(
        "app.help",
        "question_mark",
        "?",
        "Help",
        "Show the keys of the panel in focus, then all others.",
        "everywhere",
        "app.help",
        5,
    ),
    Action("app.quit", "q,ctrl+q", "q", "Quit", "Close Reelcache.", "everywhere", "app.quit", 60),
    Action("genres.move", "", "↑ ↓", "Choose", "Go to another genre.", "genres", "", 1, False),
    Action(
        "genres.choose",
        "",
        "Enter",
        "Filter by it",
        "Filter by the genre, or take it out again.",
        "genres",
        "",
        2,
        False,
    ),
    Action("log.move", "", "↑ ↓", "Choose", "Go to another line; the log holds still meanwhile.", "log", "", 1, False),
    Action("log.open", "", "Enter", "Whole line", "Show one operation whole, with what it means.", "log", "", 3, False),
    Action("log.follow", "", "End", "Follow", "Go to the newest line and follow.", "log", "", 2, False),
    Action(
        "search.keep",
        "enter",
        "Enter",
        "Keep",
        "Keep what you typed and go back to the table.",
        "search",
        "keep",
        1,
        False,
    ),
    Action(
        "search.leave",
        "escape",
        "Esc",
        "Back",
        "Go back to the table with the filter as it was.",
        "search",
        "leave",
        2,
        False,
    ),
    Action(
        "search.complete",
        "tab",
        "Tab",
        "Complete",
        "Complete the word with the first of what it could become.",
        "search",
        "complete",
        4,
        False,
    ),
    Action(
        "search.recent", "up", "↑", "Recent", "Bring back what was filtered by before.", "search", "recent", 5, False
    ),
    Action("search.down", "down", "↓", "To the table", "Go to the rows found.", "search", "down", 3, False),
    Action(
        "search.help", "f1", "F1", "Keys", "Show these keys: in the box, ? is text.", "search", "app.help", 6, False
    ),
    Action("start.retry", "r", "r", "Try again", "Start the servers again.", "start", "retry", 1, False),
    Action(
        "start.postgresql",
        "p",
        "p",
        "Use PostgreSQL",
        "Start with PostgreSQL instead.",
        "start",
        "postgresql",
        2,
        False,
    ),
)
ACTION: Final[dict[str, Action]] = {action.id: action for action in ACTIONS}
