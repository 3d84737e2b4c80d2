"""The figures of consistency: right in the pane at every size, and in the counters where there is room."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.observe.histogram import LatencyHistogram
from core.settings import Settings
from tests.tui.feed import Feed
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.stage import screen_text, until
from tui.app import ReelcacheApp
from tui.messages import StatsSampled
from tui.widgets.consistency import ConsistencyPanel
from tui.widgets.consistency_lines import decades
from tui.widgets.counters import CountersPanel
from tui.widgets.lines import LinePanel, line_width

SIZES = [(80, 24), (120, 40), (200, 60)]


def eventful() -> Feed:
    """A feed in which everything that the pane shows has happened."""
    feed = Feed()
    for age, looked, outdated in ((0.1, 1000, 2), (1.0, 990, 1), (10.0, 900, 0)):
        feed.observer.audited(age, looked, outdated)
    for seconds in (0.0004, 0.004, 0.005, 0.2, 30.0):
        feed.observer.relayed(3, seconds)
        feed.observer.superseded(seconds)
    for _ in range(7):
        feed.observer.filled("lease_lost")
    feed.observer.filled("writing")
    feed.observer.hits("cache-aside", 12, 0.001, fail_safe=12)
    feed.pending = 4
    return feed


def text_of(panel: LinePanel, width: int, height: int) -> str:
    return "\n".join("".join(text for text, _ in line) for line in panel.lines(width, height))


def test_every_figure_is_there_and_none_is_better_than_the_truth() -> None:
    feed = eventful()
    feed.faults = ("Redis paused",)
    feed.doubt = "Redis has missed a change of ours, which is being repeated"
    feed.sample()
    panel = ConsistencyPanel()
    panel.show(feed.summary())
    text = text_of(panel, 78, 40)
    for expected in (
        "FAULT           Redis paused",
        "the cache is    not believed: Redis has missed a change of ours",
        "consistent         99.8 %   99.8 %    100 %",
        "looked at            1.0k      990      900",
        "change log      15 carried in, 4 pending",
        "races prevented 8",
        "  lease lost    7",
        "  writing       1",
        "last known      served 12 times by cache-aside",
        "1 to 10 ms    2 ",
        "10 s and more 1 ",
    ):
        assert expected in text, f"{expected!r} is not in\n{text}"


def test_nothing_yet_is_no_figure() -> None:
    feed = Feed()
    feed.sample()
    panel = ConsistencyPanel()
    panel.show(feed.summary())
    text = text_of(panel, 78, 40)
    assert "the cache is    believed" in text
    assert "consistent              –        –        –" in text
    assert "never had to serve" in text
    assert "100 %" not in text


@given(width=st.integers(1, 220), height=st.integers(1, 70))
@settings(max_examples=40)
def test_no_size_breaks_it(width: int, height: int) -> None:
    feed = eventful()
    feed.sample()
    panel = ConsistencyPanel()
    panel.show(feed.summary())
    assert all(line_width(line) <= width for line in panel.lines(width, height))


def test_a_duration_counts_in_its_decade() -> None:
    durations = (0.0, 0.0009, 0.0011, 0.009, 0.05, 0.5, 9.9, 11, 99)
    for seconds, bin_ in zip(durations, (0, 0, 1, 1, 2, 3, 4, 5, 5), strict=True):
        histogram = LatencyHistogram()
        histogram.record(seconds)
        assert decades(histogram.snapshot()).index(1) == bin_, seconds


def test_the_counters_have_it_only_where_there_is_room() -> None:
    feed = eventful()
    feed.reads(90, 10)
    feed.sample()
    panel = CountersPanel()
    panel.show(feed.summary())
    assert "99.8 % in 0.1 s, 99.8 % in 1 s, 100 % in 10 s" in text_of(panel, 78, 40)
    assert "99.8 % / 99.8 % / 100 %" in text_of(panel, 46, 40)
    assert "change log lag" not in text_of(panel, 46, 16)


@pytest.mark.parametrize("size", SIZES)
async def test_key_5_shows_the_pane(size: tuple[int, int]) -> None:
    catalogue = MemoryCatalogue(movies(30))
    app = ReelcacheApp(Settings(), opening(catalogue))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[REC]" in screen_text(app))
        browse = app.screen
        await pilot.press("5")
        await until(pilot, lambda: browse.query_one(ConsistencyPanel).has_focus)
        browse.post_message(StatsSampled(eventful().sample()))
        await until(pilot, lambda: "the cache is" in screen_text(app))
        assert "5 Consistency" in screen_text(app)
        if size != (80, 24):
            await pilot.press("1")
            await until(pilot, lambda: "[REC]" in screen_text(app))
            assert "the cache is" in screen_text(app), "it stays beside the table"
            await pilot.press("3")
            await until(pilot, lambda: "3 Genres" in screen_text(app))
            assert "the cache is" not in screen_text(app)
