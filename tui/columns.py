"""The columns of the movie table: what each shows, which fit a width, and how text is cut to cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

import msgspec
from rich.cells import cell_len, set_cell_size

from core.score import score_of
from tui.row_window import Row

Align = Literal["left", "right"]


class Column(msgspec.Struct, frozen=True):
    """One column: its cells are `least` to `most` wide; `sort` is what it sorts by, None where it cannot."""

    id: str
    label: str
    text: Callable[[Row], str]
    least: int
    most: int
    sort: str | None = None
    align: Align = "left"


class Placed(msgspec.Struct, frozen=True):
    """A column at its place: `left` and `width` in cells."""

    column: Column
    left: int
    width: int


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _rating(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _views(row: Row) -> str:
    return f"{row.views:,.1f}" if row.views else ""


def _money(value: int | None) -> str:
    if value is None:
        return ""
    for size, unit in ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")):
        if value >= size:
            return f"${value / size:,.1f} {unit}"
    return f"${value}"


TITLE: Final = Column("title", "Title", lambda r: r.movie.title, 18, 60, "title")
_YEAR = Column("year", "Year", lambda r: "" if r.movie.year is None else str(r.movie.year), 6, 6, "year", "right")
_GENRE = Column("genres", "Genre", lambda r: ", ".join(r.movie.genres), 14, 26, "genres")
_IMDB = Column("imdb_rating", "IMDb", lambda r: _rating(r.movie.imdb_rating), 6, 6, "imdb_rating", "right")
_CRITIC = Column("critic_rating", "Rating", lambda r: _rating(r.movie.critic_rating), 8, 8, "critic_rating", "right")
_METER = Column(
    "tomatometer",
    "Meter",
    lambda r: "" if r.movie.tomatometer is None else f"{r.movie.tomatometer}%",
    7,
    7,
    "tomatometer",
    "right",
)
_SCORE = Column("score", "Score", lambda r: _score(score_of(r.movie)), 7, 7, "score", "right")
_RUNTIME = Column(
    "runtime",
    "Runtime",
    lambda r: "" if r.movie.runtime is None else f"{r.movie.runtime} min",
    9,
    9,
    "runtime",
    "right",
)
_DIRECTOR = Column("directors", "Director", lambda r: ", ".join(r.movie.directors), 18, 28, "directors")
_METACRITIC = Column("metacritic", "Metacritic", lambda r: _count(r.movie.metacritic), 12, 12, "metacritic", "right")
_REVIEWS = Column(
    "critic_reviews", "Reviews", lambda r: _count(r.movie.critic_reviews), 9, 9, "critic_reviews", "right"
)
_VOTES = Column("imdb_votes", "Votes", lambda r: _count(r.movie.imdb_votes), 11, 11, "imdb_votes", "right")
_BOX_OFFICE = Column("box_office", "Box office", lambda r: _money(r.movie.box_office), 12, 12, "box_office", "right")
_COUNTRY = Column("countries", "Country", lambda r: ", ".join(r.movie.countries), 14, 24, "countries")

OPTIONAL: Final = (
    _YEAR, _GENRE, _CRITIC, _METER, _SCORE, _RUNTIME, _DIRECTOR, _METACRITIC, _REVIEWS, _BOX_OFFICE, _COUNTRY,
)  # fmt: skip
"""The columns beside number, title and cache mark, those that narrow tables keep first."""
WITH_IMDB: Final = (_YEAR, _GENRE, _IMDB, _VOTES, *OPTIONAL[2:])
"""The same where the records hold IMDb ratings, which the shipped catalogue does not."""
TRENDING: Final = {
    column.sort: column
    for column in (
        Column("trending", "Views today", _views, 13, 13, "trending", "right"),
        Column("trending_hour", "Views this hour", _views, 17, 17, "trending_hour", "right"),
    )
}
"""The columns of the sorts by views, by their sort: there is none of them but where rows are sorted by it."""
GAP: Final = 2
MARK_WIDTH: Final = 3


@lru_cache(maxsize=64)
def fit(
    width: int, number_width: int, columns: tuple[Column, ...] = OPTIONAL, skip: int = 0, sort: str = "title"
) -> tuple[Placed, ...]:
    """The columns that fit between row number and cache mark in `width` cells, the first `skip` optional ones left out,
    but never the one that the rows are sorted by.

    What is left over goes to the title first, then to the columns of text, each up to its `most`.
    """
    room = width - number_width - GAP - MARK_WIDTH
    sorted_by = [column for column in columns if column.sort == sort and TITLE.least + GAP + column.least <= room]
    taken = set(sorted_by)
    used = TITLE.least + sum(GAP + column.least for column in sorted_by)
    for column in columns[skip:]:
        if column in taken:
            continue
        if used + GAP + column.least > room:
            break
        taken.add(column)
        used += GAP + column.least
    chosen = [TITLE, *(column for column in columns if column in taken)]
    spare = max(0, room - used)
    widths = {column.id: column.least for column in chosen}
    for limit in (34, None):
        for column in chosen:
            most = column.most if limit is None else min(column.most, limit)
            more = min(spare, max(0, most - widths[column.id]))
            widths[column.id] += more
            spare -= more
    widths["title"] += spare
    if len(chosen) == 1:
        widths["title"] = max(1, room)
    placed = []
    left = number_width + GAP
    for column in chosen:
        placed.append(Placed(column, left, widths[column.id]))
        left += widths[column.id] + GAP
    return tuple(placed)


_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    """Text that a terminal shows and never obeys: each control or direction character is a middle dot."""
    return _UNSEEN.sub("·", text)


def cut(text: str, width: int, align: Align = "left") -> str:
    """Text in exactly `width` cells, wide characters counted as two; what does not fit ends in an ellipsis."""
    if width <= 0:
        return ""
    text = visible(text[: width * 8])
    length = cell_len(text)
    if length > width:
        text = set_cell_size(text, width - 1).rstrip(" ") + "…"
        length = cell_len(text)
    blanks = " " * (width - length)
    return blanks + text if align == "right" else text + blanks
