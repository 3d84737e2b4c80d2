"""A movie and its reading as lines of text: what the detail view and the side panel both show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from typing import Final

from textual.content import Content

from core.model import FIELD, Movie, Value, value_of
from core.query import Freshness, Tier
from core.reading import Reading
from tui.formats import DASH, count, duration, money, visible

# The theme's own muted text is relative to what it stands on, which inline styles cannot be.
LABEL: Final = "$foreground 65%"
UNKNOWN: Final = "$foreground 45%"
HEADING: Final = "bold $text-primary"

TIER_NAME: Final[dict[Tier, str]] = {"near": "near tier (this process)", "redis": "Redis", "store": "the store"}
TIER_STYLE: Final[dict[Tier, str]] = {
    "near": "bold $text-success",
    "redis": "bold $text-success",
    "store": "bold $text-warning",
}
FRESHNESS: Final[dict[Freshness, str]] = {
    "fresh": "fresh",
    "stale": "stale",
    "uncached": "not cached",
}

Group = tuple[str, tuple[str, ...]]
STORY: Final[tuple[Group, ...]] = (
    ("Film", ("released", "runtime", "rated", "type", "genres", "countries", "languages")),
    ("People", ("directors", "writers", "cast")),
)
FIGURES: Final[tuple[Group, ...]] = (
    ("Reception", ("imdb_rating", "imdb_votes", "metacritic", "tomatometer", "critic_rating", "critic_reviews")),
    ("Awards and money", ("oscars_won", "oscar_nominations", "box_office")),
)
ELSEWHERE: Final[tuple[Group, ...]] = (("Elsewhere", ("id", "imdb_id", "poster")),)
TWO_COLUMNS: Final = 110
"""Cells from which the figures and the reading stand beside the story instead of below it."""
FIGURES_WIDTH: Final = 46
GAP: Final = 3
LABEL_WIDTH: Final = 19


def readable(name: str, value: Value) -> str:
    """A value as a person reads it, empty when unknown: `117 min`, `999,111`, `$84.2M`, `25 May 1979`."""
    if value is None:
        return ""
    match name:
        case "runtime" if isinstance(value, int):
            hours, minutes = divmod(value, 60)
            return f"{value} min ({hours} h {minutes} min)" if hours else f"{value} min"
        case "box_office" if isinstance(value, int):
            return money(value)
        case "imdb_rating" | "critic_rating" if isinstance(value, (int, float)):
            return f"{value:g} / 10"
        case "metacritic" | "tomatometer" if isinstance(value, int):
            return f"{value} / 100"
    if isinstance(value, date):
        return f"{value.day} {value:%B} {value.year}"
    if isinstance(value, int):
        return count(value)
    return visible(FIELD[name].show(value))


def heading(movie: Movie) -> str:
    """The title with the year, where it is known: `Alien (1979)`."""
    return visible(movie.title) + (f" ({movie.year})" if movie.year is not None else "")


def reading_lines(reading: Reading, width: int) -> list[Content]:
    """A movie and where it came from, laid out for a width in cells; every line fits."""
    movie = reading.movie
    if width < TWO_COLUMNS:
        groups = (*STORY, *FIGURES, *ELSEWHERE)
        source = source_lines(reading, width)
        return [*_title(movie, width), *source, Content(), *_plot(movie, width), *group_lines(movie, groups, width)]
    left = width - FIGURES_WIDTH - GAP
    story = [*_title(movie, left), Content(), *_plot(movie, left), *group_lines(movie, (*STORY, *ELSEWHERE), left)]
    figures = [*source_table(reading, FIGURES_WIDTH), *group_lines(movie, FIGURES, FIGURES_WIDTH)]
    return beside(story, figures, left + GAP)


def group_lines(movie: Movie, groups: Sequence[Group], width: int) -> list[Content]:
    """The fields of some groups, each group under its heading, an unknown value as a dash."""
    lines: list[Content] = []
    for title, names in groups:
        lines += [Content(), Content.styled(title, HEADING)]
        for name in names:
            lines += _labelled(FIELD[name].label, readable(name, value_of(movie, name)), width)
    return lines


def source_lines(reading: Reading, width: int) -> list[Content]:
    """Where a reading came from, how fresh it is, why, and how long it took, in a line or two."""
    facts = f" · {FRESHNESS[reading.freshness]} · version {reading.version}"
    line = Content.assemble(
        ("from ", LABEL),
        (TIER_NAME[reading.tier], TIER_STYLE[reading.tier]),
        (" in ", LABEL),
        (duration(reading.seconds), "bold"),
        (facts, LABEL),
    )
    return [
        *line.wrap(width),
        *(Content.styled(f"why: {visible(reading.reason)}", LABEL).wrap(width) if reading.reason else ()),
    ]


def source_table(reading: Reading, width: int) -> list[Content]:
    """The same, one fact a line."""
    return [
        Content.styled("Where it came from", HEADING),
        *_labelled("Tier", TIER_NAME[reading.tier], width, TIER_STYLE[reading.tier]),
        *_labelled("Took", duration(reading.seconds), width, "bold"),
        *_labelled("Freshness", FRESHNESS[reading.freshness], width),
        *_labelled("Why", visible(reading.reason), width),
        *_labelled("Version", str(reading.version), width),
    ]


def provenance(reading: Reading) -> str:
    """Where a reading came from in a few words: `Redis · 412 µs`, `Redis, stale · 412 µs`."""
    stale = ", stale" if reading.freshness == "stale" else ""
    return f"{TIER_NAME[reading.tier].partition(' (')[0]}{stale} · {duration(reading.seconds)}"


def field_lines(reading: Reading, width: int) -> list[Content]:
    """The record field by field, under the names that it is kept by and as the values are, the unknown ones marked."""
    movie = reading.movie
    fields = [("version", str(movie.version)), *((f.name, f.show(value_of(movie, f.name))) for f in FIELD.values())]
    unknown = sum(not text for _, text in fields)
    known = f"{len(fields) - unknown} fields known, {unknown} unknown"
    lines = [Content.styled(heading(movie), "bold"), *source_lines(reading, width), Content.styled(known, LABEL)]
    for name, text in fields:
        shown = Content(visible(text)) if text else Content.styled("(unknown)", UNKNOWN)
        first, *rest = shown.wrap(max(10, width - LABEL_WIDTH))
        lines.append(Content.assemble((name.ljust(LABEL_WIDTH), LABEL)) + first)
        lines += [Content(" " * LABEL_WIDTH) + line for line in rest]
    return lines


def _title(movie: Movie, width: int) -> list[Content]:
    return Content.styled(heading(movie), "bold").wrap(width)


def _plot(movie: Movie, width: int) -> list[Content]:
    plot = visible(movie.plot or "")
    return Content(plot).wrap(width) if plot else [Content.styled(f"{DASH} no plot known", UNKNOWN)]


def beside(left: Sequence[Content], right: Sequence[Content], left_width: int) -> list[Content]:
    """Two columns of lines as one; the left is padded to its width in cells."""
    pairs = zip_longest(left, right, fillvalue=Content())
    return [one.pad_right(max(0, left_width - one.cell_length)) + other for one, other in pairs]


def _labelled(label: str, text: str, width: int, style: str = "") -> list[Content]:
    """A label and its value: the value's further lines stand below its first; stacked where there is little room."""
    shown = Content.styled(text, style) if text else Content.styled(DASH, UNKNOWN)
    if width < LABEL_WIDTH + 20:
        return [Content.styled(label, LABEL), *(Content("  ") + line for line in shown.wrap(max(2, width - 2)))]
    first, *rest = shown.wrap(width - LABEL_WIDTH)
    hang = " " * LABEL_WIDTH
    return [
        Content.assemble((label.ljust(LABEL_WIDTH), LABEL)) + first,
        *(Content(hang) + line for line in rest),
    ]
