"""Entries of a list under edit: what becomes an entry, and what keys make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import FIELD, tidy
from tui.editing import Change
from tui.screens.review import review_text
from tui.tags import PASTED, Tags, admit, lay_out, split, written

ENTRIES = st.text(min_size=1, max_size=12).map(tidy).filter(bool)
LISTS = st.lists(ENTRIES, max_size=6).map(tuple)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", ()),
        (" Horror ,, Drama,", ("Horror", "Drama")),
        ('"Sammy Davis, Jr.", Ian Holm', ("Sammy Davis, Jr.", "Ian Holm")),
        ('"a ""b"", c"', ('a "b", c',)),
        ("Horror|Drama", ("Horror|Drama",)),
        ('The "Rock"', ('The "Rock"',)),
    ],
)
def test_commas_part_entries_and_quotes_keep_them_whole(text: str, entries: tuple[str, ...]) -> None:
    assert split(text) == entries


def test_a_copied_list_is_parted_at_bars_tabs_and_lines() -> None:
    assert split("Horror|Drama\nWar\tCrime", marks=PASTED) == ("Horror", "Drama", "War", "Crime")


def test_a_known_entry_with_a_comma_needs_no_quotes() -> None:
    assert split("Ian Holm, Sammy Davis, Jr.", {"Sammy Davis, Jr."}) == ("Ian Holm", "Sammy Davis, Jr.")


@given(LISTS)
def test_entries_written_into_a_text_are_read_back_as_themselves(entries: tuple[str, ...]) -> None:
    assert split(", ".join(map(written, entries))) == entries


def test_a_quotation_mark_without_its_fellow_joins_no_two_entries() -> None:
    assert split(", ".join(map(written, ('"a', 'b"')))) == ('"a', 'b"')


@given(LISTS, st.lists(st.sampled_from(["back", "on", "left", "right", "remove", "take"]), max_size=12))
def test_no_key_invents_or_loses_an_entry(entries: tuple[str, ...], keys: list[str]) -> None:
    tags, gone, text = Tags(entries), 0, 0
    for key in keys:
        match key:
            case "back":
                tags = tags.back()
            case "on":
                tags = tags.on()
            case "left" | "right":
                tags = tags.move(-1 if key == "left" else 1)
            case "remove":
                gone += tags.chosen is not None
                tags = tags.remove()
            case _:
                taken, tags = tags.take()
                tags = tags.add(taken) if taken else tags
                text += 1
        assert len(tags.entries) == len(entries) - gone
        assert tags.chosen is None or 0 <= tags.chosen < len(tags.entries)
    assert set(tags.entries) <= set(entries)


def test_what_is_taken_comes_back_to_its_place() -> None:
    taken, rest = Tags(("a", "b", "c")).choose(1).take()
    assert (taken, rest.entries) == ("b", ("a", "c"))
    assert rest.add("B").entries == ("a", "B", "c")


def test_the_rule_of_the_field_says_what_is_let_in() -> None:
    tags, refused = admit(FIELD["genres"], Tags(("Horror",)), ("Drama", "horror", "drama", "a\x1bb"))
    assert tags.entries == ("Horror", "Drama")
    assert refused == ("horror", "drama", "a\x1bb")


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(30, 60), st.integers(0, 14))
def test_every_entry_has_its_line_and_none_is_too_long(widths: list[int], room: int, text: int) -> None:
    lines = lay_out(widths, room, text)
    assert [place for line in lines.places for place in line] == list(range(len(widths)))
    assert all(sum(widths[place] for place in line) + len(line) - 1 <= room for line in lines.places if line)
    assert lines.text_at + text <= room or lines.text_at == 0


def test_the_review_of_a_list_says_what_came_and_went() -> None:
    genres = FIELD["genres"]
    changed = Change(genres, ("Horror", "Drama"), ("Drama", "War", "[REC]"))
    assert review_text([changed]).plain.split("  ") == ["Genres", "− Horror", "+ War", "+ [REC]", ""]
    turned = Change(genres, ("Horror", "Drama"), ("Drama", "Horror"))
    assert review_text([turned]).plain == "Genres  Horror, Drama  →  Drama, Horror"
