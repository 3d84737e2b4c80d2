"""Windows: rates and ratios by subtraction, and never a figure where there is none."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from core.errors import StoreUnavailable
from core.observe.counters import Observer
from core.observe.histogram import percentile
from core.settings import STRATEGIES
from tests.tui.feed import Feed
from tui.figures import age
from tui.screens.strategies import strategy_choice
from tui.widgets.consistency import trust_lines
from tui.widgets.counters import breaker_words, strategy_table
from tui.windows import KEPT_SECONDS, SPANS, Windows, added, hit_ratio, read_latency, reads, store_latency, subtracted


def test_before_the_first_sample_there_is_nothing() -> None:
    windows = Windows()
    assert windows.latest is None
    assert windows.summary() is None
    assert windows.window(10).total.hits == 0
    assert windows.since_switch().seconds == 0


def test_one_sample_has_no_rate() -> None:
    window = Feed().windows.window(10)
    assert window.seconds == 0
    assert window.rate(5) is None
    assert hit_ratio(window.total) is None


def test_a_window_counts_only_what_lies_in_it() -> None:
    feed = Feed()
    feed.reads(100, 0)
    feed.sample()
    for _ in range(20):
        feed.reads(3, 1)
        feed.sample()
    window = feed.windows.window(10)
    assert (window.seconds, window.total.hits, window.total.misses) == (10, 60, 20)
    assert hit_ratio(window.total) == 0.75
    assert window.rate(window.total.hits) == 6
    assert hit_ratio(feed.windows.window(None).total) == pytest.approx(160 / 180)


def test_a_program_at_rest_keeps_no_copies_of_what_it_counted() -> None:
    feed = Feed()
    feed.reads(100, 0)
    feed.sample()
    before = feed.windows.latest
    feed.sample()
    after = feed.windows.latest
    assert before is not None
    assert after is not None
    assert before is not after
    assert after.strategies is before.strategies
    assert after.near is before.near
    feed.reads(1, 0)
    feed.sample()
    latest = feed.windows.latest
    assert latest is not None
    assert [latest.strategies[name] is after.strategies[name] for name in STRATEGIES].count(False) == 1


def test_without_traffic_the_ratio_is_none_and_not_full_marks() -> None:
    feed = Feed()
    feed.reads(10, 0)
    feed.sample()
    for _ in range(30):
        feed.sample()
    assert hit_ratio(feed.windows.window(10).total) is None
    assert reads(feed.windows.window(10).total) == 0


def test_reads_past_the_cache_make_no_ratio() -> None:
    feed = Feed()
    feed.strategy = "no-cache"
    feed.observer.bypass("no-cache", 50, 0.02)
    feed.sample()
    total = feed.windows.window(10).total
    assert (reads(total), hit_ratio(total)) == (50, None)
    assert store_latency(total).count == read_latency(total).count == 1


def test_percentiles_are_those_of_the_window() -> None:
    feed = Feed()
    feed.reads(500, 0, hit_seconds=0.5)
    feed.sample()
    for _ in range(25):
        feed.reads(4, 0, hit_seconds=0.001)
        feed.sample()
    p99 = percentile(feed.windows.window(10).total.hit_latency, 0.99)
    assert p99 == pytest.approx(0.001, rel=0.16)


def test_strategies_are_counted_apart_and_the_switch_begins_a_window() -> None:
    feed = Feed()
    feed.reads(5, 5)
    feed.sample()
    feed.strategy = "write-through"
    feed.sample()
    feed.reads(9, 1)
    feed.sample()
    summary = feed.summary(SPANS[-1])
    assert hit_ratio(summary.overall.strategies["cache-aside"]) == 0.5
    assert hit_ratio(summary.overall.strategies["write-through"]) == 0.9
    assert (summary.now.total.hits, summary.now.seconds) == (9, 1.0)


def test_the_window_since_the_switch_reaches_back_further_than_the_samples_kept() -> None:
    feed = Feed()
    feed.strategy = "write-through"
    feed.reads(7, 0)
    feed.sample()
    for _ in range(KEPT_SECONDS // 5 + 20):
        feed.sample(after=5)
    assert feed.windows.since_switch().total.hits == 7
    assert feed.windows.since_switch().seconds > KEPT_SECONDS


def test_counters_begun_anew_at_a_store_switch_begin_a_new_history() -> None:
    feed = Feed()
    feed.reads(1000, 100)
    feed.sample()
    feed.observer = Observer(STRATEGIES, now=lambda: feed.at)
    feed.store = "mongodb"
    feed.reads(3, 1)
    feed.sample(after=1.0)
    for window in (feed.windows.window(10), feed.windows.window(None), feed.windows.since_switch()):
        assert (window.total.hits, window.total.misses) == (3, 1)
        assert window.total.hit_latency.count == 3
    feed.sample(after=1.0)
    assert feed.summary().hit_ratios[-1] == 0.75
    assert feed.summary().switches


def test_a_sample_that_is_not_newer_is_left_out() -> None:
    feed = Feed()
    feed.reads(5, 0)
    feed.sample(after=0)
    assert feed.windows.window(10).total.hits == 0


def test_the_line_has_a_value_for_each_full_second_and_gaps_between() -> None:
    feed = Feed()
    for hits, misses in ((1, 1), (0, 0), (3, 1), (0, 2), (9, 9)):
        feed.reads(hits, misses)
        feed.sample(after=0.25)
        feed.sample(after=0.75)
    # The clock began at 1000.5, so that each pair of samples ends within the second after the one it began in.
    assert feed.summary().hit_ratios == (0.5, None, 0.75, 0.0, 0.5)


def test_seconds_without_a_sample_are_gaps() -> None:
    feed = Feed()
    feed.reads(1, 0)
    feed.sample()
    feed.sample(after=5)
    ratios = feed.summary().hit_ratios
    assert ratios == (1.0, None, None, None, None)


def test_a_switch_is_marked_in_the_line() -> None:
    feed = Feed()
    for _ in range(4):
        feed.sample()
    feed.strategy = "no-cache"
    feed.sample()
    for _ in range(4):
        feed.sample()
    (mark,) = feed.summary().switches
    assert 0 <= mark < len(feed.summary().hit_ratios)


def test_ten_minutes_are_kept_and_no_trace() -> None:
    feed = Feed()
    for _ in range(3 * KEPT_SECONDS):
        feed.reads(1, 0)
        feed.sample()
    latest = feed.windows.latest
    assert latest is not None
    assert latest.trace == ()
    assert len(feed.windows._samples) == 2 * KEPT_SECONDS + 1
    assert len(feed.summary().hit_ratios) <= KEPT_SECONDS
    assert feed.windows.window(300).total.hits == 600


def test_refusals_of_the_window() -> None:
    feed = Feed()
    feed.observer.filled("newer")
    feed.sample()
    for _ in range(30):
        feed.sample()
    feed.observer.filled("lease_lost")
    feed.sample()
    summary = feed.summary()
    assert summary.now.refused == {"lease_lost": 1}
    assert summary.overall.refused == {"newer": 1, "lease_lost": 1}


def test_adding_and_subtracting_touch_every_field() -> None:
    feed = Feed()
    feed.reads(3, 2)
    observer = feed.observer
    observer.hits("cache-aside", 5, 0.1, tier="near", negative=1, stale=2, fail_safe=1)
    observer.bypass("cache-aside", 1, 0.1)
    observer.write("cache-aside", 0.1)
    observer.conflict("cache-aside")
    observer.error("cache-aside", write=True)
    observer.coalesced("cache-aside")
    observer.refreshed_early("cache-aside")
    for failure in (StoreUnavailable("PostgreSQL", "away"), asyncio.CancelledError()):
        with pytest.raises(type(failure)), observer.load("cache-aside"):
            raise failure
    stats = feed.sample().strategies["cache-aside"]
    assert all(value for value in msgspec.structs.astuple(stats))
    assert subtracted(added(stats, stats), stats) == stats
    assert subtracted(stats, stats).hits == 0


def test_what_was_cleared_counts_no_more() -> None:
    feed = Feed()
    feed.reads(90, 10)
    feed.sample()
    assert not feed.summary().cleared
    feed.windows.clear()
    summary = feed.summary()
    assert summary.cleared
    assert (reads(summary.overall.total), reads(summary.now.total), summary.hit_ratios) == (0, 0, ())
    feed.reads(3, 1)
    feed.sample()
    summary = feed.summary()
    assert (summary.overall.total.hits, summary.now.total.hits, feed.windows.since_switch().total.hits) == (3, 3, 3)


def test_clearing_before_the_first_sample_does_nothing() -> None:
    windows = Windows()
    windows.clear()
    assert windows.summary() is None


def test_each_strategy_tells_how_long_it_has_been_idle_and_the_breaker_since_when_it_is_open() -> None:
    feed = Feed()
    feed.reads(3, 1)
    feed.sample()
    feed.strategy = "no-cache"
    feed.observer.bypass("no-cache", 5, 0.01)
    feed.breaker, feed.problem = "open", "no answer"
    feed.sample(90)
    feed.breaker = "half-open"
    feed.sample(40)
    summary = feed.summary()
    assert summary.idle == {"cache-aside": 130.0, "no-cache": 40.0}
    assert summary.away == 40.0
    table = ["".join(text for text, _ in line) for line in strategy_table(summary, 120)]
    assert "2 min" in table[1]
    assert table[2].count("–") >= 3
    assert " now " in table[3]
    assert [strategy_choice(name, summary).note for name in ("cache-aside", "write-through")] == [
        "last used 2 min ago",
        "",
    ]
    feed.breaker = "open"
    feed.sample(3600)
    assert breaker_words(feed.summary().stats, feed.summary().away)[0] == "away for 1 h: no answer"
    assert "open for 1 h" in str(trust_lines(feed.summary().stats, 60, feed.summary().away))
    feed.breaker, feed.problem = "closed", None
    feed.sample()
    assert feed.summary().away is None
    feed.windows.clear()
    assert feed.summary().idle == {}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "now"), (1, "1 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (90_000, "25 h")]
)
def test_an_age_is_told_in_its_greatest_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text
