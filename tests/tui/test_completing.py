"""What a word of the filter could become, and the text with it in place."""

from __future__ import annotations

import pytest

from tui.completing import completed, names_beginning, shown_choices, word_at


@pytest.mark.parametrize(
    ("text", "word", "term", "value"),
    [
        ("", "", None, ""),
        ("alien", "alien", None, ""),
        ("alien ", "", None, ""),
        ("alien gen", "gen", None, ""),
        ("alien genre:", "genre:", "genre", ""),
        ("genre:hor", "genre:hor", "genre", "hor"),
        ('director:"ridley sc', 'director:"ridley sc', "director", "ridley sc"),
        ("alien: cov", "cov", None, ""),
    ],
)
def test_the_word_before_the_cursor(text: str, word: str, term: str | None, value: str) -> None:
    found = word_at(text, len(text))
    assert (found.text, found.term.name if found.term else None, found.value) == (word, term, value)


def test_names_begin_as_the_word_does() -> None:
    assert names_beginning(word_at("alien D", 7)) == ("director:",)
    assert "runtime:" in names_beginning(word_at("r", 1))
    assert names_beginning(word_at("", 0)) == ()
    assert names_beginning(word_at("genre:x", 7)) == ()


@pytest.mark.parametrize(
    ("text", "cursor", "choice", "result", "behind"),
    [
        ("alien dir", 9, "director:", "alien director:", 15),
        ("genre:hor", 9, "Horror", "genre:Horror ", 13),
        ('director:"rid', 13, "Ridley Scott", 'director:"Ridley Scott" ', 24),
        ("genre:hor year:1979", 9, "Horror", "genre:Horror year:1979", 12),
    ],
)
def test_a_choice_takes_the_words_place(text: str, cursor: int, choice: str, result: str, behind: int) -> None:
    assert completed(text, word_at(text, cursor), choice) == (result, behind)


def test_choices_that_find_no_room_are_left_out() -> None:
    assert shown_choices(["Horror", "History", "Holiday"], 16) == "Horror  History"
    assert shown_choices([], 16) == ""
