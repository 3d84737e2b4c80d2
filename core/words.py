"""The words of many movies at once: what is done to the text of a whole column costs next to nothing for each movie,
and only cells with a mark in them are taken apart one by one. What a word is says `core.query`."""

from __future__ import annotations

import string
from typing import Final

from core.packed import CELL, ENTRY
from core.query import fold, tokens_of

_PLAIN: Final = (string.ascii_lowercase + string.digits + " ").encode()


def folded(column: str) -> str:
    """A column without accents and case."""
    return CELL.join([cell.lower() if cell.isascii() else fold(cell) for cell in column.split(CELL)])


def words_of_column(folded: str) -> str:
    """The words of a folded column as they come, each with a blank in front."""
    column = folded.replace(ENTRY, " ")
    cells = column.split(CELL)
    if _unevenly_spaced(column):
        return CELL.join(map(_apart, cells))
    rests = column.encode("utf-8", "surrogatepass").translate(None, _PLAIN).split(CELL.encode())
    return CELL.join(
        [_apart(cell) if rest else f" {cell}" if cell else "" for cell, rest in zip(cells, rests, strict=True)]
    )


def _apart(cell: str) -> str:
    return "".join([f" {token}" for token in tokens_of(cell)])


def _unevenly_spaced(column: str) -> bool:
    """Whether a blank stands where it parts no words."""
    framed = f"{CELL}{column}{CELL}"
    return "  " in framed or f"{CELL} " in framed or f" {CELL}" in framed
