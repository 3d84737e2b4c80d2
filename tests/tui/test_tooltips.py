"""Tooltips: each word on the screen is explained in one sentence, where the pointer is on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Tooltip

from tests.tui.desk import Desk, desk
from tests.tui.feed import Feed
from tests.tui.stage import screen_text, until
from tui.columns import OPTIONAL, WITH_IMDB
from tui.terms import COLUMNS, HERE, PANELS, TERMS, WORDS, word_at
from tui.widgets.consistency import ConsistencyPanel
from tui.widgets.counters import CountersPanel, CountersStrip
from tui.widgets.explained import Explained
from tui.widgets.filter_bar import FilterLine
from tui.widgets.key_footer import KeyFooter
from tui.widgets.lines import LinePanel
from tui.widgets.pane_tabs import PANES, PaneTabs
from tui.widgets.status import StatusLine, status_line
from tui.widgets.strategy_bar import StrategyBar


def test_every_text_is_one_sentence_and_everything_has_one() -> None:
    for text in (*TERMS.values(), *PANELS.values(), *COLUMNS.values()):
        assert text.endswith(".")
        assert len(text) <= 110
    assert set(PANES) == set(HERE)
    assert set(PANES) | set(WORDS) <= set(PANELS)
    assert {column.id for column in (*OPTIONAL, *WITH_IMDB)} | {"number", "title", "tier"} == set(COLUMNS)
    used = {text for words in WORDS.values() for text in words.values()}
    explained = {TERMS[word] for words in HERE.values() for word in words}
    assert set(TERMS.values()) == used | explained, "a text that nothing shows"


def test_a_place_belongs_to_the_last_word_before_it() -> None:
    words = WORDS["stats"]
    assert word_at("hit ratio     60 %", 17, words) == "hit ratio"
    assert word_at("   write-through   –", 0, words) == "write-through"
    assert word_at("latency      p50      p95", 21, words) == "p50"
    assert word_at("latency      p50      p95", 22, words) == "p95"
    assert word_at("nothing here", 3, words) is None


def shown_words(panel: LinePanel) -> set[str]:
    """Every explanation that the lines of a panel have, found cell by cell."""
    width, rows = panel.size.width, len(panel._lines)
    found = (panel.explanation(Offset(x, y - panel.scroll_offset.y)) for y in range(rows) for x in range(width))
    return {text for text in found if text}


async def fill(at: Desk) -> None:
    """Give the figures something of everything."""
    feed = Feed()
    feed.reads(20, 5)
    feed.observer.filled("lease_lost")
    feed.observer.write("cache-aside", 0.01)
    feed.observer.error("cache-aside")
    feed.faults = ("Redis paused",)
    feed.sample()
    summary = feed.summary()
    at.screen.watch_stats = lambda stats: None  # type: ignore[method-assign]  # the app's own samples
    for panel in (at.screen.query_one(CountersPanel), at.screen.query_one(CountersStrip)):
        panel.show(summary)
    at.screen.query_one(ConsistencyPanel).show(summary)
    at.screen.query_one(StatusLine).show(summary, paused=True, visitors="VISITORS 4 × 5/s")
    await at.pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_every_word_of_the_panels_is_explained_where_it_stands(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        for key, kind in (("2", CountersPanel), ("5", ConsistencyPanel)):
            await at.press(key)
            await fill(at)
            panel = at.screen.query_one(kind)
            for y, line in enumerate(panel._lines):
                first = "".join(text for text, _ in line).strip()
                if first and not first[0].isdigit() and size[0] > 80:
                    assert panel.explanation(Offset(3, y)), first
            shown = shown_words(panel)
            assert {TERMS["races prevented"], TERMS["Redis"]} <= shown
            if kind is CountersPanel:
                assert {TERMS[word] for word in ("hit ratio", "p95", "saved", "misses", "write-through")} <= shown
            else:
                assert {TERMS[word] for word in ("breaker", "carried in after", "FAULT", "consistent")} <= shown
        status = shown_words(at.screen.query_one(StatusLine))
        assert {TERMS["PAUSED"], TERMS["VISITORS"], TERMS["FAULT"]} <= status
        if size[0] > 80:
            assert {TERMS["cache-aside"], TERMS["PostgreSQL"], TERMS["hit ratio"], TERMS["p95"]} <= status
            assert shown_words(at.screen.query_one(StrategyBar)) >= set(map(TERMS.get, ("strategy", "store")))


def test_the_status_line_has_no_word_that_is_not_explained() -> None:
    feed = Feed()
    feed.reads(9, 1)
    feed.sample()
    line = "".join(text for text, _ in status_line(feed.summary(), 120, metrics="127.0.0.1:9464"))
    assert "metrics 127.0.0.1:9464" in line
    for part in line.split(" · "):
        assert word_at(part, len(part), WORDS["status"]), part


async def hover(at: Desk, widget: Widget, x: int, y: int) -> str:
    await at.pilot.hover(widget, offset=(x, y))
    return str(widget.tooltip or "")


async def test_the_pointer_calls_the_explanations_up(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(200, 60), tooltips=True) as at:
        at.app.TOOLTIP_DELAY = 0.01
        table = at.table
        assert await hover(at, table, 0, 5) == PANELS["movies"]
        assert await hover(at, table, 3, 1) == COLUMNS["number"]
        for placed in table.placed:
            assert await hover(at, table, placed.left + 2, 1) == COLUMNS[placed.column.id]
        mark, row = table.placed[-1].left + table.placed[-1].width + 2, 12
        assert await hover(at, table, mark, row) == COLUMNS["tier"]
        while not at.screen.query_one(Tooltip).display:  # a move that hides one shows none
            row = 25 - row
            assert await hover(at, table, mark, row) == COLUMNS["tier"]
            await at.pilot.pause(0.02)
        assert "Where the row came from" in at.text
        assert await hover(at, table, 20, 4) == "", "no tooltip hides the rows while one reads"
        for pane in PANES:
            assert await hover(at, at.screen.query_one(f"#{pane}"), 0, 1) == PANELS[pane]
            await at.press("5" if pane == "log" else "1")  # consistency stands where genres did
        assert await hover(at, at.screen.query_one(KeyFooter), 3, 0) == PANELS["footer"]
        await at.press("slash", *"movie", "enter")
        assert await hover(at, at.screen.query_one(FilterLine), 3, 0) == PANELS["filter"]
    async with desk(tmp_path, size=(80, 24), tooltips=True) as at:
        assert await hover(at, at.screen.query_one(PaneTabs), 3, 0) == PANELS["tabs"]
        await fill(at)
        assert await hover(at, at.screen.query_one(CountersStrip), 2, 0) == TERMS["hit ratio"]


class Odd(Explained):
    """Explains itself with what would be markup."""

    def explanation(self, place: Offset | None) -> str:
        return "[bold]odd[/x]"


async def test_the_texts_are_no_markup() -> None:
    class OddApp(App[None]):
        TOOLTIP_DELAY = 0.01

        def compose(self) -> ComposeResult:
            yield Odd()

    app = OddApp()
    async with app.run_test(size=(60, 16), tooltips=True) as pilot:
        await pilot.hover(Odd, offset=(20, 5))
        await until(pilot, lambda: "[bold]odd[/x]" in screen_text(app))
