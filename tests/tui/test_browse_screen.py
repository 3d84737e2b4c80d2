"""The whole app over a small catalogue in memory: what a person sees and can do."""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Input

from core.errors import ServerFailed, StoreUnavailable, UnknownStore
from core.model import LoadProgress, replace
from core.query import LONGEST_TEXT, Page, Query
from core.quiescence import Unfinished
from core.settings import Settings
from tests.tui.desk import Desk, desk, shown
from tests.tui.memory_catalogue import TITLES, MemoryCatalogue, movies, opening
from tests.tui.stage import save_through_review, screen_text
from tui.app import ReelcacheApp
from tui.messages import CatalogueOpened
from tui.problems import LOG_NAME
from tui.remembered import Memory
from tui.screens.browse import BrowseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.edit import EditScreen
from tui.screens.help import HelpScreen
from tui.screens.start import StartScreen
from tui.widgets.detail import ReadingText
from tui.widgets.filling_line import FillingLine
from tui.widgets.filter_bar import BoundedInput, FilterBar, FilterLine
from tui.widgets.genres import GenrePanel
from tui.widgets.movie_table import MovieTable
from tui.widgets.notice_line import NoticeLine
from tui.widgets.status import StatusLine
from tui.work import run


async def test_shows_the_first_page_with_every_odd_title_as_it_is(tmp_path: Path) -> None:
    async with desk(tmp_path, count=len(TITLES), size=(200, 60)) as at:
        shown = "\n".join(at.line(y) for y in range(1, len(TITLES) + 1))
        assert all(title in shown for title in TITLES)
        assert at.table.current is not None
        await at.press("enter")
        await at.press("escape", "end", "e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))


async def test_reads_windows_and_never_the_whole_answer(tmp_path: Path) -> None:
    async with desk(tmp_path, count=5_000) as at:
        await at.press("end")
        await at.until(lambda: at.table.current is not None)
        assert at.table.cursor == 4_999
        assert {limit for _, _, limit in at.catalogue.browsed} == {100}
        assert len({offset for _, offset, _ in at.catalogue.browsed}) <= 4


async def test_the_first_picture_of_the_screen_has_its_rows_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int | None] = []
    render = MovieTable.render_lines

    def noted(table: MovieTable, crop: Region) -> list[Strip]:
        painted.append(table.window.total)
        return render(table, crop)

    monkeypatch.setattr(MovieTable, "render_lines", noted)
    async with desk(tmp_path, count=50) as at:
        assert painted
        assert set(painted) == {50}
        assert [offset for _, offset, _ in at.catalogue.browsed] == [0]
    painted.clear()
    catalogue, memory = MemoryCatalogue(movies(50)), Memory(None)
    catalogue.counting.clear()
    memory.change(filter="genre:Drama")
    async with desk(tmp_path, catalogue=catalogue, memory=memory) as at:
        begun = at.table.window.total
        assert begun is not None
        assert not at.table.window.counted
        catalogue.counting.set()
        await at.until(lambda: at.table.window.counted)
        assert begun in painted
        assert None not in painted
        assert len(catalogue.browsed) == 2


class Slow(MemoryCatalogue):
    """Answers no window from beyond row 200 until it is released; keeps which were given up."""

    def __init__(self) -> None:
        super().__init__(movies(5_000))
        self.release = asyncio.Event()
        self.given_up: list[int] = []

    async def browse(self, query: Query, offset: int = 0, limit: int = 50, *, hurry: int = 0) -> Page:
        try:
            if offset >= 200:
                await self.release.wait()
        except asyncio.CancelledError:
            self.given_up.append(offset)
            raise
        return await super().browse(query, offset, limit, hurry=hurry)


async def test_rows_that_are_out_of_sight_before_they_came_are_no_longer_read(tmp_path: Path) -> None:
    catalogue = Slow()
    async with desk(tmp_path, catalogue=catalogue) as at:
        await at.press("end")
        await at.until(lambda: at.table.window.waiting)
        assert "…" in at.line(5)
        await at.press("colon", *"2550", "enter")
        await at.until(lambda: catalogue.given_up == [4_900] and at.table.has_focus)
        await at.press("g")
        await at.until(lambda: catalogue.given_up == [4_900, 2_500])
        assert "…" not in at.line(5), "rows that are held show whatever else is waited for"
        await at.press("end")
        catalogue.release.set()
        await at.until(lambda: at.table.current is not None and at.table.cursor == 4_999)


async def test_work_that_is_cancelled_before_it_began_leaves_no_trace(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:

        async def work() -> None:
            raise AssertionError("it never began")

        worker = run(at.screen, work(), doing="be cancelled", group="test")
        worker.cancel()
        await at.pilot.pause()
        assert worker.is_cancelled
        del worker
        gc.collect()  # a coroutine that nobody awaited would warn, and fail this test


async def test_keys_move_the_cursor(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        rows = at.table.rows_in_view
        for keys, row in (
            (("j", "down", "down"), 3),
            (("k",), 2),
            (("pagedown",), 2 + rows),
            (("ctrl+d",), 2 + rows + rows // 2),
            (("g",), 0),
            (("G",), 999),
            (("up",), 998),
            (("home", "up"), 0),
        ):
            await at.press(*keys)
            assert at.table.cursor == row, keys
        top = at.table.scroll_offset.y
        assert top <= at.table.cursor < top + rows


@pytest.mark.parametrize(("text", "row"), [("500", 499), ("1,000", 999), ("99999", 999), ("50%", 500), ("Q3", 2)])
async def test_jumps_to_row_percent_and_id(tmp_path: Path, text: str, row: int) -> None:
    async with desk(tmp_path) as at:
        await at.press("colon", *("comma" if c == "," else "percent_sign" if c == "%" else c for c in text), "enter")
        await at.until(lambda: at.table.cursor == row)
        await at.until(lambda: at.table.has_focus)
        if text == "Q3":
            assert at.table.current is not None
            assert at.table.current.id == "Q3"


async def test_an_id_that_nobody_has_is_refused_beside_the_box(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("colon", "n", "o", "enter")
        await at.until(lambda: at.screen.query_one("#problem").has_class("-shown"))
        assert at.screen.query_one(Input).value == "no"


async def test_search_filters_while_typing_and_escape_clears_step_by_step(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        line = at.screen.query_one(FilterLine)
        await at.press("slash", *"round")
        await at.until(lambda: line.matches == 1 and at.table.window.total == 1)
        assert "'Round Midnight" in at.line(1)
        await at.press("enter")
        assert at.table.has_focus
        await at.press("y", *"1920", "enter")
        await at.until(lambda: line.matches == 0)
        assert line.filters == "“round” · 1920"
        await at.press("escape")
        await at.until(lambda: line.filters == "1920" and line.matches not in (0, None))
        await at.press("escape")
        await at.until(lambda: not line.filters and at.table.window.total == 1_000)
        assert line.whole == 1_000


async def test_wrong_years_stay_in_the_box_with_the_reason(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("y", *"1989", "minus", *"1979", "enter")
        assert at.screen.query_one("#problem").has_class("-shown")
        assert at.screen.query_one(Input).value == "1989-1979"
        assert not at.screen.query_now.selective


async def test_a_pasted_megabyte_with_control_characters_is_cut_and_cleaned(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("slash")
        at.screen.query_one(Input).post_message(events.Paste("\x1b[31m\x00ali\nen \u202e" + "x" * 1_000_000))
        await at.until(lambda: at.screen.query_now.text)
        value = at.screen.query_one(Input).value
        assert value.startswith("[31mali en x")
        assert len(value) <= LONGEST_TEXT
        assert at.screen.query_now.text == value


async def test_a_genre_chosen_twice_is_in_the_filter_and_out_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        panel = at.screen.query_one(GenrePanel)
        panel.post_message(GenrePanel.Chosen("Horror"))
        await at.until(lambda: at.screen.query_now.genres == ("Horror",) and (at.table.window.total or 1_000) < 1_000)
        panel.post_message(GenrePanel.Chosen("Horror"))
        await at.until(lambda: at.table.window.total == 1_000)


async def test_sorting_by_key_and_by_header(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("s")
        await at.until(lambda: "▼" in at.line(0) and not at.table.window.waiting)
        assert (at.screen.query_now.sort, at.screen.query_now.descending) == ("year", True)
        await at.press("S")
        assert not at.screen.query_now.descending
        title = at.table.placed[0]
        await at.pilot.click(MovieTable, offset=(title.left + 2, 1))
        await at.until(lambda: at.screen.query_now.sort == "title")
        await at.pilot.click(MovieTable, offset=(10, 5))
        assert at.table.cursor == 3


async def test_columns_can_be_shifted_and_come_back(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        first = at.line(0)
        await at.press(*"l" * 12)
        assert "Country" in at.line(0)
        assert "Title" in at.line(0)
        await at.press(*"h" * 12)
        assert at.line(0) == first


async def test_while_a_switch_waits_the_screen_says_for_what(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.gate.clear()
        at.catalogue.waiting = Unfinished(writes=2)
        await at.press("c", "2")
        await at.until(lambda: "write-through: waiting for 2 running writes…" in at.text)
        at.catalogue.gate.set()
        await at.until(lambda: "waiting for" not in at.text)


async def test_a_switch_that_waits_is_stopped_with_esc_and_one_that_opens_a_store_says_that_it_is_not(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.gate.clear()
        at.catalogue.waiting = Unfinished(writes=2)
        await at.press("c", "2")
        await at.until(lambda: "waiting for 2 running writes… · Esc stops it" in at.text)
        await at.press("escape")
        await at.until(lambda: at.screen._switching is None)
        await at.until(lambda: "Stopped: what was in force before stays" in at.toasts())
        assert at.catalogue.strategy == "cache-aside"
        at.catalogue.waiting = Unfinished()
        await at.press("t", "2", "escape")
        await at.until(lambda: "cannot be stopped halfway" in at.toasts())
        assert at.screen._switching == "MongoDB"
        at.catalogue.gate.set()
        await at.until(lambda: at.catalogue.store == "mongodb")


async def test_switching_strategy_and_store_keeps_rows_place_and_cursor(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("colon", *"500", "enter")
        await at.until(lambda: at.table.current is not None)
        movie, top = at.table.current, at.table.scroll_offset.y
        at.catalogue.gate.clear()
        await at.press("t", "2")
        await at.until(lambda: at.screen.query_one(NoticeLine).text == "Switching to MongoDB…")
        await at.press("down", "up")
        assert at.table.current == movie
        at.catalogue.gate.set()
        await at.until(lambda: at.catalogue.store == "mongodb" and not at.table.window.outdated)
        assert at.table.current == movie
        assert at.table.scroll_offset.y == top
        await at.press("c", "3")
        await at.until(lambda: at.catalogue.strategy == "no-cache")
        assert at.table.current == movie


async def test_a_store_that_is_still_being_filled_gives_the_place_back_once_it_has_the_row(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("G")
        await at.until(lambda: at.table.current is not None)
        movie, top = at.table.current, at.table.scroll_offset.y
        whole = at.catalogue.stock
        at.catalogue.stock, at.catalogue.progress = {}, LoadProgress(0, 0, 0, 0, 0.0, 0.0)
        await at.press("t", "2")
        await at.until(lambda: at.table.window.total == 0)
        at.catalogue.stock = {movie.id: movie for movie in movies(300)}
        await at.until(lambda: at.table.window.total == 300)
        at.catalogue.stock, at.catalogue.progress = whole, None
        await at.until(lambda: at.table.window.total == 1_000 and at.table.current == movie)
        assert at.table.scroll_offset.y == top


async def test_a_refused_switch_says_why_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.refusing = UnknownStore("[/mongodb]", ("postgresql",))
        for _ in range(2):
            at.catalogue.gate.clear()
            await at.press("t", "2")
            await at.until(lambda: at.screen._switching == "MongoDB")
            at.catalogue.gate.set()
            await at.until(lambda: at.screen._switching is None)
        await at.until(lambda: "There is no store named '[/mongodb]'." in at.toasts())
        assert len(at.app._notifications) == 1
        assert at.catalogue.store == "postgresql"


async def test_the_store_gone_dims_the_last_rows_and_comes_back_by_itself(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        before = at.line(1)
        at.catalogue.failing = StoreUnavailable("PostgreSQL", "connection refused", remedy="Start it.")
        await at.press("r")
        await at.until(lambda: at.screen.has_class("-stale"))
        assert at.line(1) == before
        assert "PostgreSQL is away" in at.screen.query_one(NoticeLine).text
        await at.until(lambda: "Start it." in at.toasts())
        at.catalogue.failing = None
        await at.until(lambda: not at.screen.has_class("-stale"))
        assert not at.screen.query_one(NoticeLine).text


async def test_a_reason_too_long_for_its_line_is_cut_at_its_end(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        at.catalogue.failing = StoreUnavailable("PostgreSQL", f"/{'socket' * 20} is gone")
        await at.press("r")
        await at.until(lambda: "trying again: /socketsocket" in screen_text(at.app).splitlines()[0])
        assert screen_text(at.app).splitlines()[0].rstrip().endswith("…")


async def test_the_unexpected_ends_nothing_and_is_logged(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.failing = RuntimeError("[/boom]")
        await at.press("r")
        await at.until(lambda: "RuntimeError" in at.toasts())
        assert "Traceback" not in at.toasts()
        assert "[/boom]" in (tmp_path / LOG_NAME).read_text("utf-8")
        at.catalogue.failing = None
        await at.until(lambda: not at.screen.has_class("-stale"))


async def test_an_edit_is_saved_shown_in_place_and_followed_where_it_moves(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("colon", *"500", "enter")
        await at.until(lambda: at.table.current is not None)
        movie = at.table.current
        assert movie is not None
        await at.press("e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        saved = await at.catalogue.save(replace(movie, title="Zzz [/end]"))
        at.app.screen.dismiss(saved)
        await at.until(lambda: isinstance(at.app.screen, BrowseScreen) and at.table.current == saved)
        await at.until(lambda: "Zzz [/end]" in at.toasts())
        assert at.table.cursor == 997


async def test_a_reload_keeps_the_cursor_on_its_movie_but_at_the_top_on_the_first_row(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press(*"jjjjjjjjjjjj")
        movie = at.table.current
        at.catalogue.stock["X1"] = replace(movies(1)[0], id="X1", title="# first")
        await at.press("r")
        await at.until(lambda: at.table.cursor == 13)
        assert at.table.current == movie
        await at.press("g")
        at.catalogue.stock["X2"] = replace(movies(1)[0], id="X2", title='" before')
        await at.press("r")
        await at.until(lambda: at.table.current is not None and at.table.current.id == "X2")
        assert at.table.cursor == 0


async def test_redis_gone_is_said_in_the_first_line_and_browsing_goes_on(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        at.catalogue.cache_problem = "connection refused"
        status = at.screen.query_one(StatusLine)
        await at.until(lambda: "Redis away" in status.render_line(0).text)
        await at.press("pagedown")
        assert at.table.current is not None
        at.catalogue.cache_problem = None
        await at.until(lambda: "Redis ok" in status.render_line(0).text)


async def test_while_the_catalogue_fills_the_total_grows_and_a_line_tells(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(50))
    catalogue.progress = LoadProgress(50, 50, 0, 0, 0.5, 0.1)
    async with desk(tmp_path, catalogue=catalogue) as at:
        line = at.screen.query_one(FillingLine)
        await at.until(lambda: line.has_class("-active"))
        catalogue.stock = {movie.id: movie for movie in movies(500)}
        catalogue.progress = None
        await at.until(lambda: at.table.window.total == 500 and not line.has_class("-active"))


async def test_what_is_not_found_may_be_among_the_movies_still_to_be_loaded(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(50))
    catalogue.progress = LoadProgress(50, 50, 0, 0, 0.5, 0.1)
    async with desk(tmp_path, catalogue=catalogue) as at:
        await at.press("colon", *"none", "enter")
        await at.until(lambda: "or id 'none' yet: still loading." in at.text)
        await at.press("escape", "apostrophe", *"zzz", "enter")
        await at.until(lambda: "begins with “zzz” yet: still loading." in at.toasts())
        catalogue.progress = None
        await at.press("colon", *"none", "enter")
        await at.until(lambda: "or id 'none'." in at.text)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_every_size_shows_the_table_and_the_panes(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        assert at.table.region
        assert not at.screen.query_one("#too-small").region
        one = size[0] < 110
        for key, pane in (("2", "stats"), ("3", "genres"), ("4", "log"), ("1", "movies")):
            await at.press(key)
            await at.until(partial(shown, at, pane))
            assert at.screen.query_one(f"#{pane}").has_focus
            assert bool(at.table.region) == (not one or pane == "movies")
        await at.press("f")
        assert not at.screen.query_one("#side").region
        await at.press("escape")
        assert bool(at.screen.query_one("#side").region) == (not one)
        assert bool(at.screen.query_one("#details").region) == (size[0] >= 180)


async def test_a_screen_too_small_names_the_size_it_needs(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(50, 12)) as at:
        assert at.screen.query_one("#too-small").region
        assert "60 columns and 16 rows" in str(at.screen.query_one("#too-small").render())
        await at.pilot.resize_terminal(80, 24)
        await at.until(lambda: not at.screen.query_one("#too-small").region)


async def test_help_palette_and_quit(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("question_mark")
        assert isinstance(at.app.screen, HelpScreen)
        await at.press("escape", "ctrl+p", *"flip")
        await at.until(lambda: at.app.screen.query_one("CommandList").region)
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, BrowseScreen) and at.screen.query_now.descending)
        await at.press("q")
        await at.until(lambda: at.app.return_value == 0)
    assert at.catalogue.closed


async def test_a_failed_start_says_why_and_goes_on_with_postgresql(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(movies(20))
    failure = ServerFailed("MongoDB", "the processor has no AVX", remedy="Use PostgreSQL.")
    broken, working = opening(catalogue, failure=failure), opening(catalogue)
    app = ReelcacheApp(
        Settings(state_dir=tmp_path, store="mongodb"),
        lambda settings, **more: (broken if settings.store == "mongodb" else working)(settings, **more),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        at = Desk(app, pilot, catalogue)
        await at.until(lambda: app.screen.has_class("-failed"))
        assert isinstance(app.screen, StartScreen)
        assert str(app.screen.query_one("#failure").render()).splitlines() == [failure.message, failure.remedy]
        await at.press("r")
        await at.until(lambda: app.screen.has_class("-failed"))
        await at.press("p")
        await at.until(lambda: isinstance(app.screen, BrowseScreen))
        assert app.settings.store == "postgresql"


async def test_quitting_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(MemoryCatalogue([], delay=60)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
    assert app.return_value == 0


async def test_quitting_at_the_moment_that_it_has_started_is_no_error(tmp_path: Path) -> None:
    class Hasty(ReelcacheApp):
        def on_catalogue_opened(self, event: CatalogueOpened) -> None:
            self.exit(0)  # Textual goes on to what the base class does

    catalogue = MemoryCatalogue(movies(10))
    app = Hasty(Settings(state_dir=tmp_path), opening(catalogue))
    async with app.run_test():
        while not app._exit:
            await asyncio.sleep(0)
    assert app.return_value == 0
    assert catalogue.closed


async def test_an_empty_answer_and_an_empty_catalogue_are_no_trouble(tmp_path: Path) -> None:
    async with desk(tmp_path, count=0) as at:
        await at.press("j", "end", "pagedown", "e", "enter", "s", "S", "slash", "x", "escape")
        assert at.table.current is None
        assert at.screen.query_one(FilterBar).asking == "text"


async def test_keys_that_arrive_in_one_go_with_a_slash_are_all_searched_for(tmp_path: Path) -> None:
    """As over a slow line: of "/alien" the "l" once shifted the columns and the "e" opened a form."""
    async with desk(tmp_path) as at:
        for key, character in [("slash", "/"), *zip("alien", "alien", strict=True), ("slash", "/"), ("x", "x")]:
            at.app.post_message(events.Key(key, character))
        await at.until(lambda: at.screen.query_one(BoundedInput).value == "alien/x")
        assert at.app.screen is at.screen
        await at.until(lambda: at.screen.query_now.text == "alien/x")


async def test_a_movie_is_added_found_and_removed_after_asking(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("a")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        await at.press(*"Movie 000500 b")
        await save_through_review(at.pilot)
        await at.until(lambda: at.app.screen is at.screen)
        await at.until(lambda: at.table.current is not None and at.table.current.id == "my:movie-000500-b")
        assert len(at.catalogue.stock) == 1_001
        row = at.table.cursor

        await at.press("delete")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("enter")  # no is what has the focus
        await at.until(lambda: at.app.screen is at.screen)
        assert len(at.catalogue.stock) == 1_001

        await at.press("D")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        assert "Movie 000500 b" in screen_text(at.app)
        await at.press("y")
        await at.until(lambda: at.table.window.total == 1_000)
        assert "my:movie-000500-b" not in at.catalogue.stock
        assert at.table.cursor == row
        assert at.table.current is not None
        assert at.table.current.title == "Movie 000501"


async def test_a_movie_that_was_changed_while_removal_was_asked_is_asked_about_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert at.table.current is not None
        id = at.table.current.id
        await at.press("D")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        at.catalogue.stock[id] = replace(at.catalogue.stock[id], version=7, plot="Seen anew.")
        await at.press("y")
        await at.until(lambda: "Somebody else changed it" in screen_text(at.app))
        assert id in at.catalogue.stock
        await at.press("y")
        await at.until(lambda: id not in at.catalogue.stock)


async def test_an_edit_that_leaves_the_filter_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("slash", *"alien")
        await at.until(lambda: at.table.window.total == 1)
        await at.press("enter", "e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        await save_through_review(at.pilot, "home", "x")
        await at.until(lambda: "The filter hides it" in at.toasts())


async def test_the_details_appear_as_soon_as_there_is_room(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        await at.pilot.resize_terminal(200, 60)
        await at.until(lambda: at.screen.query_one(ReadingText).reading is not None)


async def test_another_store_does_not_match_out_of_the_first_ones_total(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("slash", *"alien", "enter")
        await at.until(lambda: at.screen.query_one(FilterLine).matches == 1)
        assert at.screen.query_one(FilterLine).whole == 1_000
        await at.press("t", "2")
        await at.until(lambda: at.catalogue.store == "mongodb")
        await at.until(lambda: at.screen.query_one(FilterLine).whole is None)
