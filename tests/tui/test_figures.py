"""Figures as text: short, and never better than the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.observe.stats import StrategyStats
from tui import figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0 µs"),
        (0.000085, "85 µs"),
        (0.000099, "99 µs"),
        (0.0000996, "0.10 ms"),
        (0.00042, "0.42 ms"),
        (0.009996, "10.0 ms"),
        (0.0129, "12.9 ms"),
        (0.2504, "250 ms"),
        (0.9996, "1.00 s"),
        (1.204, "1.20 s"),
        (65.0, "65.0 s"),
    ],
)
def test_latency(seconds: float | None, text: str) -> None:
    assert figures.latency(seconds) == text


@given(st.floats(min_value=0, max_value=99))
def test_a_latency_fits_its_column(seconds: float) -> None:
    assert cell_len(figures.latency(seconds)) <= 7


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (842, "842"), (999.6, "1.0k"), (12_345, "12.3k"), (999_499, "999k"), (1_200_000, "1.2M"), (3e9, "3.0G")],
)
def test_short(number: float, text: str) -> None:
    assert figures.short(number) == text


@given(st.floats(min_value=0, max_value=1e12))
def test_a_short_count_is_short(number: float) -> None:
    assert len(figures.short(number)) <= 5


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "–"),
        (0.0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (0.29, "29.0 %"),
        (0.9312, "93.1 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_share(ratio: float | None, text: str) -> None:
    assert figures.share(ratio) == text


def test_a_ratio_says_why_there_is_none() -> None:
    assert figures.ratio_in_words(StrategyStats()) == "no traffic"
    assert figures.ratio_in_words(StrategyStats(bypasses=3)) == "cache not asked"
    assert figures.ratio_in_words(StrategyStats(misses=3)) == "0.0 %"
    assert figures.ratio_in_words(StrategyStats(hits=3, misses=1)) == "75.0 %"


@pytest.mark.parametrize(
    ("per_second", "text"), [(None, "–"), (0.0, "0/s"), (0.01, "0.1/s"), (3.25, "3.2/s"), (842.4, "842/s")]
)
def test_rate(per_second: float | None, text: str) -> None:
    assert figures.rate(per_second) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1.0 kB"),
        (1_500_000, "1.4 MB"),
        (43_200_000, "41 MB"),
        (268_435_456, "256 MB"),
        (2**31, "2.0 GB"),
    ],
)
def test_memory(size: int, text: str) -> None:
    assert figures.memory(size) == text


@given(st.text())
def test_what_is_printable_cannot_steer_the_terminal(text: str) -> None:
    shown = figures.printable(text)
    assert len(shown) == len(text)
    assert all(c.isprintable() for c in shown)


def test_printable_keeps_titles() -> None:
    for title in ("[REC]", "[/x]", "$", "8½", "アキラ", "Amélie"):
        assert figures.printable(title) == title
    assert figures.printable("\x1b[31mred\u202e") == "\ufffd[31mred\ufffd"


@given(st.text(st.characters(categories=["L", "N", "P", "S"])), st.integers(min_value=0, max_value=30))
def test_fit_has_exactly_the_width(text: str, width: int) -> None:
    assert cell_len(figures.fit(text, width)) == width
    assert cell_len(figures.fit_right(text, width)) == width


def test_the_clock_shows_milliseconds() -> None:
    assert figures.clock(1_700_000_000.25).endswith(".250")
