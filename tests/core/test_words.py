"""The words of many movies at once are those that each of them has by itself."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from core.packed import CELL, ENTRY
from core.query import words_of
from core.words import folded, words_of_column
from tests.core.stores.corpus import ODD_TITLES

ODD = st.sampled_from([*ODD_TITLES, " ", "´", "a  b", "\u3000", "\u1680", "x\u00a0y", "Σ", "\u0301"])
TEXTS = st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)), max_size=4)


@given(st.lists(TEXTS.map(tuple), min_size=1, max_size=6))
@example([("a b",), ("c",), ()])
@example([("Jean-Luc Godard", "ʼn"), (" ", "a ")])
def test_words_of_a_column(cells: list[tuple[str, ...]]) -> None:
    found = words_of_column(folded(CELL.join(map(ENTRY.join, cells))))
    assert all(not words or words[0] == " " for words in found.split(CELL))
    words = [tuple(sorted(set(words[1:].split(" ")) - {""})) for words in found.split(CELL)]
    assert words == [words_of(*texts) for texts in cells]
