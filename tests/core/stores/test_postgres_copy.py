"""The lines of COPY say of each movie what its row is to hold, whatever else is written with it."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from core.model import FIELDS, Movie, replace, value_of
from core.packed import columns_of
from core.query import beginnings, movie_words
from core.stores.postgres_copy import COPIED_COLUMNS, lines
from core.stores.postgres_records import KEYS, kept_words, key_of
from tests.core.stores import corpus
from tests.core.stores.corpus import BARE, FULL, OLD

LETTERS = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


def copied(line: str) -> dict[str, str | None]:
    """The cells of a line as COPY reads them."""
    cells = [re.sub(r"\\.", lambda found: LETTERS[found[0]], cell) if cell else None for cell in line.split("\t")]
    return dict(zip(COPIED_COLUMNS, cells, strict=True))


def array(text: str) -> tuple[str, ...]:
    """The entries of an array as PostgreSQL reads them."""
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    assert text == "{" + ",".join(f'"{entry}"' for entry in quoted) + "}"
    return tuple(re.sub(r"\\(.)", r"\1", entry) for entry in quoted)


def vector(text: str) -> list[str]:
    """The words of a tsvector likewise."""
    quoted = re.findall(r"'((?:[^'\\]|''|\\.)*)'", text)
    assert text == " ".join(f"'{word}'" for word in quoted)
    return [re.sub(r"\\(.)|'(')", lambda found: found[1] or found[2], word) for word in quoted]


@given(st.lists(corpus.movies(), min_size=1, max_size=6))
@example([FULL, BARE, OLD])
@example([replace(FULL, title="é" * 500, cast=tuple(f"{'ﷺ' * 190}{number}" for number in range(500))), BARE])
@example([replace(BARE, title="ﷺ" * 500)])
@example([replace(FULL, directors=('{""}', '"', "\\", "{", "}"), cast=(), writers=("NULL", "'"), title="'")])
@example([replace(BARE, title=title) for title in corpus.ODD_TITLES])
def test_lines(movies: list[Movie]) -> None:
    written = lines(columns_of(movies)).decode()
    assert written.endswith("\n")
    for movie, line in zip(movies, written[:-1].split("\n"), strict=True):
        cells = copied(line)
        for field in FIELDS:
            cell, value = cells[field.name], value_of(movie, field.name)
            if isinstance(value, tuple):
                assert array(cell or "") == value
            else:
                assert cell == (None if value is None else str(value))
        assert [cells[column] for column in KEYS.values()] == [key_of(movie, sort) for sort in KEYS]
        assert set(vector(cells["words"] or "")) == set(kept_words(movie))
        assert cells["beginnings"] == (beginnings(movie_words(movie)) or None)
