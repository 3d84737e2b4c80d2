"""The log as a person uses it: a filter, a cursor, one operation whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.observe.histogram import BOUNDS, LatencyHistogram
from core.observe.stats import LatencyStats, TraceLine
from tests.tui.desk import desk
from tests.tui.feed import Feed
from tui.screens.operation import OperationScreen, operation_rows
from tui.trace_filter import TraceFilter, parse_trace_filter
from tui.verdicts import explain, rank
from tui.widgets.trace import TracePanel


def line(operation: str = "get", verdict: str = "hit", seconds: float = 0.001, version: int | None = 7) -> TraceLine:
    return TraceLine(1, 1_700_000_000.0, operation, "Q1", "cache-aside", "redis", verdict, version, seconds)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", True),
        ("hit", True),
        ("GET q1", True),
        ("redis cache-aside", True),
        ("miss", False),
        ("get miss", False),
        (">0.5ms", True),
        (">1ms", False),
        ("<2ms", True),
        ("<900us", False),
        (">0.0001s <1s hit", True),
    ],
)
def test_a_filter_shows_what_has_all_its_words_and_its_duration(text: str, shown: bool) -> None:
    assert parse_trace_filter(text).shows(line()) is shown


@pytest.mark.parametrize("text", [">", "<fast", ">10 m", ">1e9", "hit >10mss"])
def test_a_wrong_duration_is_named_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration as >10ms"):
        parse_trace_filter("<1x" if text == ">10 m" else text)


def test_names_that_a_verdict_gives_are_shown_as_they_are_written() -> None:
    """The remedy is copied from there."""
    rows = operation_rows(line(verdict="not used: a_b: Name it in redis_url: ssl_ca_certs=/path/ca.pem."), None)
    assert ("verdict", "not used: a_b: Name it in redis_url: ssl_ca_certs=/path/ca.pem.") in rows
    assert ("verdict", "lease lost") in operation_rows(line(verdict="lease_lost"), None)


@given(some.text(max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        found = parse_trace_filter(text)
    except ValueError:
        return
    assert isinstance(found, TraceFilter)
    found.shows(line())


@pytest.mark.parametrize(
    "verdict",
    [
        "hit",
        "hit past its soft TTL: being refreshed",
        "known to be absent",
        "miss: loaded and filled",
        "not cached: another reader is at it",
        "not cached: another reader or writer is at it",
        "no-cache: read from the store",
        "not cached: Redis does not answer",
        "the last known state: PostgreSQL does not answer",
        "computed",
        "committed",
        "conflict",
    ],
)
def test_every_verdict_has_an_explanation(verdict: str) -> None:
    assert explain(line(verdict=verdict))


def test_a_duration_is_ranked_among_those_of_its_kind() -> None:
    histogram = LatencyHistogram()
    for milliseconds in range(1, 101):
        histogram.record(milliseconds / 1000)
    assert rank(LatencyStats(), 1.0, BOUNDS) is None
    assert rank(histogram.snapshot(), 10.0, BOUNDS) == 1
    assert rank(histogram.snapshot(), 1e-6, BOUNDS) == 0
    middle = rank(histogram.snapshot(), 0.05, BOUNDS)
    assert middle is not None
    assert 0.35 < middle < 0.55


def test_an_operation_tells_all_that_is_known() -> None:
    feed = Feed()
    feed.reads(9, 1)
    feed.sample()
    rows = dict(operation_rows(line(seconds=0.02), feed.summary()))
    assert (rows["operation"], rows["key"], rows["strategy"], rows["from"]) == ("get", "Q1", "cache-aside", "Redis")
    assert rows["took"] == "20.0 ms"
    assert rows[""] == "longer than 100 % of the reads in the window (10 s)"
    assert "version" not in dict(operation_rows(line(version=None), None))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_line_is_chosen_and_shown_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        panel = at.screen.query_one(TracePanel)
        await at.until(lambda: panel._trace)
        await at.press("4")
        await at.until(lambda: at.app.focused is panel)
        await at.press("home", "enter")
        await at.until(lambda: isinstance(at.app.screen, OperationScreen) and "esc close" in at.text)
        assert panel._trace[0].key in at.text
        await at.press("Y")
        await at.until(lambda: "Copied" in at.text)
        assert panel._trace[0].key in at.app.clipboard
        await at.press("escape")
        await at.until(lambda: "End follows" in at.text)
        await at.press("end")
        await at.until(lambda: "End follows" not in at.text)


async def test_the_log_is_filtered_and_says_by_what(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.until(lambda: at.screen.query_one(TracePanel)._trace)
        await at.press("L", *"browse >x")
        await at.press("enter")
        await at.until(lambda: "write a duration as" in at.text)
        await at.press("backspace", "backspace", "enter")
        await at.until(lambda: "only “browse”" in at.text)
        assert {line.operation for line in at.screen.query_one(TracePanel)._shown} == {"browse"}
        await at.press("L", *"[/x]nothing", "enter")
        await at.until(lambda: "No line matches" in at.text and "[/x]nothing" in at.text)
        await at.press("L", "backspace", "enter")
        await at.until(lambda: "only" not in at.text)
