"""The panels on a screen, at three sizes: what they show, what they cost, what they post."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from core.observe.stats import TraceLine
from core.query import ValueCount
from core.settings import STORES, STRATEGIES
from tests.tui.feed import Feed
from tui.widgets.counters import CountersPanel, CountersStrip
from tui.widgets.genres import GenrePanel, bars
from tui.widgets.lines import Line, LinePanel, line_width
from tui.widgets.status import StatusLine, status_line
from tui.widgets.strategy_bar import StrategyBar, bar_line
from tui.widgets.trace import TracePanel, trace_line
from tui.windows import Summary

SIZES = [(80, 24), (120, 40), (200, 60)]
GENRES = tuple(ValueCount(f"Genre {n:02}", 3000 // (n + 1)) for n in range(30))


class PanelApp(App[None]):
    """All panels, fed by hand."""

    CSS = "LinePanel.-framed { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed()
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield StrategyBar(STRATEGIES, STORES)
        yield StatusLine()
        with Horizontal():
            yield CountersPanel()
            with Vertical():
                yield GenrePanel()
                yield TracePanel()
        yield CountersStrip()

    def show(self) -> Summary:
        """One tick: a sample, and every panel shows it."""
        stats = self.feed.sample()
        summary = self.feed.summary()
        self.query_one(StrategyBar).show(stats.strategy, stats.store)
        self.query_one(CountersPanel).show(summary)
        self.query_one(CountersStrip).show(summary)
        self.query_one(StatusLine).show(summary)
        self.query_one(TracePanel).show(stats.trace)
        return summary

    def on_genre_panel_chosen(self, message: GenrePanel.Chosen) -> None:
        self.posted.append(message)

    def on_strategy_bar_strategy_chosen(self, message: StrategyBar.StrategyChosen) -> None:
        self.posted.append(message)

    def on_strategy_bar_store_chosen(self, message: StrategyBar.StoreChosen) -> None:
        self.posted.append(message)


def text_of(panel: LinePanel) -> str:
    """The visible text of a panel."""
    height = panel.scrollable_content_region.height
    return "\n".join(panel.render_line(y).text.rstrip() for y in range(height))


@pytest.mark.parametrize("size", SIZES)
async def test_every_panel_fills_its_place_and_no_line_is_too_long(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.feed.reads(93, 7)
        app.show()
        app.query_one(GenrePanel).show(GENRES, ("Genre 01",), 17_472)
        await pilot.pause()
        for panel in app.query(LinePanel):
            region = panel.scrollable_content_region
            assert region.width > 0
            assert text_of(panel).strip()
            for line in panel.lines(region.width, region.height):
                assert line_width(line) <= region.width, (panel, line)
        assert "93.0 %" in text_of(app.query_one(CountersPanel))
        assert "93.0 %" in text_of(app.query_one(CountersStrip))
        assert "93.0 %" in text_of(app.query_one(StatusLine))


@given(width=st.integers(min_value=1, max_value=220), height=st.integers(min_value=1, max_value=70))
@settings(max_examples=40)
def test_no_size_breaks_a_panel(width: int, height: int) -> None:
    feed = Feed()
    feed.reads(20, 3)
    feed.observer.filled("lease_lost")
    stats = feed.sample()
    counters, strip, status, trace = CountersPanel(), CountersStrip(), StatusLine(), TracePanel()
    counters.show(feed.summary())
    strip.show(feed.summary())
    status.show(feed.summary())
    trace.show(stats.trace)
    panels: tuple[LinePanel, ...] = (counters, strip, status, trace)
    for panel in panels:
        assert panel.lines(width, height)
    assert line_width(strip.lines(width, 1)[0]) <= width
    assert line_width(status.lines(width, 1)[0]) <= width


async def test_before_the_first_figures_the_panels_say_so() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "Waiting" in text_of(app.query_one(CountersPanel))
        assert "Counting" in text_of(app.query_one(GenrePanel))
        assert "Nothing was read" in text_of(app.query_one(TracePanel))


async def test_no_traffic_is_said_in_words() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.show()
        await pilot.pause()
        text = text_of(app.query_one(CountersPanel))
        assert "no traffic" in text
        assert "100 %" not in text.replace("100 %\n", "")


async def test_each_strategy_has_a_row_and_the_one_in_force_is_marked() -> None:
    app = PanelApp()
    async with app.run_test(size=(200, 60)) as pilot:
        app.feed.reads(90, 10)
        app.show()
        app.feed.strategy = "no-cache"
        app.feed.observer.bypass("no-cache", 50, 0.03)
        app.show()
        await pilot.pause()
        rows = text_of(app.query_one(CountersPanel)).splitlines()
        (aside,) = [row for row in rows if "cache-aside" in row]
        (bypassing,) = [row for row in rows if "no-cache" in row]
        assert "90.0 %" in aside
        assert not aside.startswith("▸")
        assert bypassing.startswith("▸ no-cache")
        assert "%" not in bypassing


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_redis_away_is_said_in_words_first(width: int) -> None:
    feed = Feed()
    feed.reads(10, 1)
    feed.breaker, feed.problem, feed.redis = "open", "no answer within 50 ms", None
    feed.sample()
    line = status_line(feed.summary(), width)
    assert "".join(text for text, _ in line).startswith(" Redis away: reading from PostgreSQL")
    assert "bad" in {style for _, style in line}


async def test_a_hidden_panel_does_no_work_and_makes_up_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.show()
        await pilot.pause()
        panel = app.query_one(CountersPanel)
        panel.display = False
        await pilot.pause()
        asked: list[int] = []
        lines = panel.lines

        def noting(width: int, height: int) -> Sequence[Line]:
            asked.append(height)
            return lines(width, height)

        monkeypatch.setattr(panel, "lines", noting)
        app.feed.reads(30, 10)
        app.show()
        await pilot.pause()
        assert not asked
        panel.display = True
        await pilot.pause()
        assert asked
        assert "75.0 %" in text_of(panel)


async def test_only_lines_that_changed_are_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.feed.reads(30, 10)
        summary = app.show()
        await pilot.pause()
        panel = app.query_one(CountersPanel)
        painted: list[tuple[object, ...]] = []
        refresh = panel.refresh

        def noting(*regions: Region, **options: bool) -> Widget:
            painted.append(regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(panel, "refresh", noting)
        panel.show(summary)
        assert not painted
        app.feed.observer.filled("newer")
        app.show()
        assert painted
        assert all(regions for regions in painted), "the whole panel was painted"


# ---------------------------------------------------------------------------------------------------------- genres


@pytest.mark.parametrize("width", [3, 10, 37, 101])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 21, 40])
def test_each_bar_is_one_clean_row_of_the_right_length(rows: int, width: int) -> None:
    counts = [9000 // (n + 1) for n in range(rows)]
    drawn = bars(counts, width)
    assert len(drawn) == rows
    for bar, count in zip(drawn, counts, strict=True):
        assert re.fullmatch("━*╸?", bar)
        length = len(bar) - (0.5 if bar.endswith("╸") else 0)
        assert abs(length - count / counts[0] * width) <= 1


def test_what_is_there_has_a_bar_and_what_is_not_has_none() -> None:
    full, least, none = bars([100_000, 1, 0], 20)
    assert full == "━" * 20
    assert least in ("╸", "━")
    assert none == ""
    assert bars([0, 0], 20) == ["", ""]
    assert bars([], 20) == []
    assert bars([5], 0) == [""]


@pytest.mark.parametrize("size", SIZES)
async def test_keys_choose_a_genre(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(GENRES, (), 17_472)
        panel.focus()
        await pilot.press("down", "down", "enter", "up", "space")
        assert [message.name for message in app.posted if isinstance(message, GenrePanel.Chosen)] == [
            "Genre 02",
            "Genre 01",
        ]
        await pilot.press("end")
        await pilot.pause()
        assert "Genre 29" in text_of(panel)
        await pilot.press("enter", "home", "enter")
        assert [message.name for message in app.posted[2:] if isinstance(message, GenrePanel.Chosen)] == [
            "Genre 29",
            "Genre 00",
        ]


async def test_a_click_chooses_the_genre_under_it() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(GENRES, (), 17_472)
        await pilot.pause()
        await pilot.click(GenrePanel, offset=(6, 4))
        (message,) = app.posted
        assert isinstance(message, GenrePanel.Chosen)
        assert message.name == "Genre 03"


async def test_the_cursor_stays_on_its_genre_when_the_counts_change() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(GENRES, (), 17_472)
        panel.focus()
        await pilot.press("down", "down")
        panel.show(tuple(reversed(GENRES)), (), 17_472)
        await pilot.press("enter")
        panel.show(GENRES[:1], (), 3000)
        await pilot.press("enter")
        names = [message.name for message in app.posted if isinstance(message, GenrePanel.Chosen)]
        assert names == ["Genre 02", "Genre 00"]


async def test_chosen_genres_are_marked_by_more_than_colour() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(GENRES, ("Genre 01",), 17_472)
        await pilot.pause()
        marked = [line for line in text_of(panel).splitlines() if "●" in line]
        assert len(marked) == 1
        assert "Genre 01" in marked[0]


async def test_an_empty_answer_says_so_and_enter_does_nothing() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show((), (), 0)
        panel.focus()
        await pilot.press("enter", "down")
        assert "No movie" in text_of(panel)
        assert not app.posted


async def test_genre_names_are_data() -> None:
    odd = ("[red]Odd[/x]", "ドラマ映画", "\x1b[31mesc\u202e", "x" * 40, "$")
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(tuple(ValueCount(name, 10) for name in odd), (odd[0],), 50)
        panel.focus()
        await pilot.pause()
        text = text_of(panel)
        assert "[red]Odd[/x]" in text
        assert "ドラマ映画" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        await pilot.press("enter")
        (message,) = app.posted
        assert isinstance(message, GenrePanel.Chosen)
        assert message.name == odd[0]


async def test_the_plot_is_drawn_once_for_the_same_counts_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(GenrePanel)
        panel.show(GENRES, (), 17_472)
        await pilot.pause()
        drawn: list[int] = []

        def noting(counts: Sequence[int], width: int) -> list[str]:
            drawn.append(width)
            return bars(counts, width)

        monkeypatch.setattr("tui.widgets.genres.bars", noting)
        panel.show(GENRES, ("Genre 01",), 17_472)
        panel.focus()
        await pilot.press("down", "down", "up")
        assert not drawn
        panel.show(GENRES[:5], ("Genre 01",), 17_472)
        await pilot.pause()
        assert drawn


# ------------------------------------------------------------------------------------------------------------- log


async def test_the_log_follows_the_newest_and_holds_still_when_scrolled_away() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = app.query_one(TracePanel)
        app.feed.reads(60, 0)
        app.show()
        await pilot.pause()
        assert "movie:59" in text_of(panel)
        assert panel.vertical_scrollbar.position == panel.scroll_offset.y == panel.max_scroll_y
        panel.focus()
        await pilot.press("home")
        await pilot.pause()
        held = text_of(panel)
        assert "movie:0 " in held
        app.feed.reads(0, 100)
        app.show()
        await pilot.pause()
        assert text_of(panel) == held
        assert "100 newer" in str(panel.border_subtitle)
        await pilot.press("end")
        await pilot.pause()
        assert "movie:99" in text_of(panel)
        assert not panel.border_subtitle


async def test_the_log_puts_only_new_lines_into_words(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.feed.reads(100, 0)
        app.show()
        await pilot.pause()
        worded: list[int] = []

        def noting(line: TraceLine, width: int) -> Line:
            worded.append(line.number)
            return trace_line(line, width)

        monkeypatch.setattr("tui.widgets.trace.trace_line", noting)
        app.show()
        assert not worded
        app.feed.reads(3, 0)
        app.show()
        assert worded == [101, 102, 103]


async def test_keys_in_the_log_are_data() -> None:
    app = PanelApp()
    async with app.run_test(size=(200, 60)) as pilot:
        app.feed.observer.trace("browse", "window:[/x]\x1b[2J\n", "cache-aside", None, "lease_lost", None, 0.1)
        app.show()
        await pilot.pause()
        text = text_of(app.query_one(TracePanel))
        assert "window:[/x]\ufffd[2J" in text
        assert "lease lost" in text


# ---------------------------------------------------------------------------------------------------- strategy bar


@pytest.mark.parametrize("width", [40, 72, 80, 120])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_bar_fits_and_marks_what_is_in_force(width: int, strategy: str) -> None:
    line, names = bar_line(STRATEGIES, strategy, STORES, "mongodb", None, width)
    assert line_width(line) <= max(width, 46)
    text = "".join(part for part, _ in line)
    assert f"▸{strategy}" in text
    assert "▸mongodb" in text
    for name in names:
        if f"▸{name.name}" not in text and width >= 72:
            assert text[name.start : name.end].strip() == name.name


async def test_clicks_choose_strategy_and_store_but_not_what_is_in_force() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show()
        await pilot.pause()
        bar = app.query_one(StrategyBar)
        text = text_of(bar)
        for name in ("cache-aside", "write-through", "mongodb", "postgresql"):
            await pilot.click(StrategyBar, offset=(text.index(name) + 2, 0))
        assert [type(message).__name__ for message in app.posted] == ["StrategyChosen", "StoreChosen"]
        assert [getattr(message, "name", None) for message in app.posted] == ["write-through", "mongodb"]


async def test_while_switching_the_bar_says_so_and_takes_no_click() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        bar = app.query_one(StrategyBar)
        bar.show("cache-aside", "postgresql", switching="write-through")
        await pilot.pause()
        text = text_of(bar)
        assert "switching to write-through…" in text
        await pilot.click(StrategyBar, offset=(text.index("no-cache") + 2, 0))
        assert not app.posted


async def test_the_theme_can_change_at_any_time() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.feed.reads(9, 1)
        app.show()
        for theme in ("textual-light", "nord", "ansi-dark"):
            app.theme = theme
            await pilot.pause()
            assert "90.0 %" in text_of(app.query_one(CountersPanel))
