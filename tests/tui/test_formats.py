"""Numbers and foreign text on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.formats import DASH, count, duration, money, plural, ratio, slug, visible


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 µs"),
        (0.000008, "8 µs"),
        (0.000412, "412 µs"),
        (0.0009996, "1.0 ms"),
        (0.0013, "1.3 ms"),
        (0.00996, "10 ms"),
        (0.412, "412 ms"),
        (0.9996, "1.0 s"),
        (2.5, "2.5 s"),
        (59.97, "1 min 0 s"),
        (200, "3 min 20 s"),
    ],
)
def test_a_duration_is_shown_in_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0"),
        (950, "$950"),
        (999, "$999"),
        (1_000, "$1.0K"),
        (12_300, "$12.3K"),
        (999_949, "$999.9K"),
        (999_950, "$1.0M"),
        (47_100_000, "$47.1M"),
        (2_923_706_026, "$2.9B"),
    ],
)
def test_money_never_shows_a_thousand_of_a_smaller_unit(dollars: int, text: str) -> None:
    assert money(dollars) == text


def test_counts_and_shares() -> None:
    assert count(17472) == "17,472"
    assert ratio(931, 1000) == "93.1 %"
    assert ratio(0, 10) == "0.0 %"
    assert ratio(0, 0) == DASH
    assert plural(1, "change") == "1 change"
    assert plural(2, "change") == "2 changes"


@given(st.text())
def test_visible_text_cannot_steer_a_terminal(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in shown)
    shown.encode()


def test_visible_text_keeps_what_is_harmless() -> None:
    assert visible("[REC] $ 8½ 生きる 🎬") == "[REC] $ 8½ 生きる 🎬"
    assert visible("a\x1b[2Jb\x00\x7f\u202e") == "a␛[2Jb␀␡�"


def test_a_slug_is_plain_ascii() -> None:
    assert slug("Amélie: Le fabuleux destin!") == "amelie-le-fabuleux-destin"
    assert slug("生きる") == ""
