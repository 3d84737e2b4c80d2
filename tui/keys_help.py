"""What `?` says: the keys of one panel first, the words used there, then all other keys by group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tui.actions import ACTION, ACTIONS, PLACES, Action, Where
from tui.terms import HERE, PANELS, TERMS
from tui.widgets.pane_tabs import PANES


class Section(msgspec.Struct, frozen=True):
    """A heading, and rows of a key (or a mark, or a word) with what it means. Without a heading: a text alone."""

    heading: str
    rows: tuple[tuple[str, str], ...]


Sections = tuple[Section, ...]

_SCROLL: Final = (("↑ ↓", "Scroll by a line."), ("PgUp PgDn", "Scroll by a screen."))
_HERE: Final[dict[str, tuple[str, ...]]] = {
    "movies": (
        "movies.edit",
        "movies.add",
        "movies.remove",
        "movies.undo",
        "sort.next",
        "sort.flip",
        "columns.choose",
        "movies.jump",
        "movies.title",
        "movies.copy",
        "movies.copy-cell",
        "movies.export",
        "movies.reload",
    ),
    "stats": (
        "counters.window",
        "counters.pause",
        "counters.clear",
        "strategy.choose",
        "store.choose",
        "near.switch",
        "visitors",
    ),
    "genres": ("filter.clear", "filter.years", "filter.text"),
    "log": ("log.filter", "counters.pause"),
    "consistency": ("faults.choose", "visitors", "strategy.choose"),
    "details": ("movies.edit", "movies.copy", "movies.remove"),
}
"""Keys that work everywhere and are about one panel, by the panel."""
_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Filter and order": ("filter", "sort", "columns"),
    "Movies": ("movies",),
    "Cache and store": ("strategy", "store", "near", "faults", "visitors", "keys", "counters", "log"),
    "Panels": ("pane",),
    "Program": ("app", "tour", "problems"),
}
"""The keys that work everywhere, by the first part of their ids."""
_MARKS: Final = Section(
    "The last column of the table",
    (
        ("h", "The row came from Redis."),
        ("n", "The row came from the near tier, this program's own memory."),
        ("m", "The row was missing in the cache and came from the store."),
    ),
)
_IN_BOX: Final = (
    ("Type", "Words are looked for in title, director and cast; a term such as genre:horror narrows."),
    ("|", "Between two names in a term, of which one is enough: country:france|japan."),
)


def panel_title(pane: str) -> str:
    """What the help of a panel is called."""
    return f"Keys of {list(PANES).index(pane) + 1} {PANES[pane]}"


def panel_help(pane: str) -> Sections:
    """The help of a panel: its own keys, its words, then everything else."""
    place = place_of(pane)
    shared = [ACTION[id] for id in _HERE[pane]]
    own, scroll = (shared, _SCROLL) if place == "everywhere" else ([*_of(place), *shared], ())
    words = tuple((word, TERMS[word]) for word in HERE[pane])
    told = {action.id for action in own}
    return (
        Section("", (("", PANELS[pane]),)),
        Section("Keys here", (*scroll, *_rows(own))),
        *((Section("Words here", words),) if words else ()),
        *_everywhere(told),
        *_elsewhere(place),
        _MARKS,
    )


def box_help() -> Sections:
    """The help of the filter's box, where `?` is text."""
    return (Section("Keys here", (*_IN_BOX, *_rows(_of("search")))), *_everywhere(set()))


def start_help() -> Sections:
    """The help while the servers start."""
    leave = (ACTION["app.quit"],)
    return (Section("Keys here, once a start has failed", _rows([*_of("start"), *leave])),)


def place_of(pane: str) -> Where:
    """Where the keys of a pane stand in the table of actions."""
    places: dict[str, Where] = {"movies": "movies", "genres": "genres", "log": "log"}
    return places.get(pane, "everywhere")


def _everywhere(told: set[str]) -> Sections:
    sections = []
    for group, beginnings in _GROUPS.items():
        found = [
            action
            for action in _of("everywhere")
            if action.id.partition(".")[0] in beginnings and action.id not in told
        ]
        sections.append(Section(f"Everywhere · {group}", _rows(found)))
    return tuple(section for section in sections if section.rows)


def _elsewhere(place: Where) -> Sections:
    others: list[Where] = [name for name in PLACES if name not in (place, "everywhere", "start")]
    return tuple(Section(PLACES[name], _rows(_of(name))) for name in others)


def _of(place: Where) -> list[Action]:
    return [action for action in ACTIONS if action.where == place and action.shown]


def _rows(actions: Iterable[Action]) -> tuple[tuple[str, str], ...]:
    return tuple((action.shown, action.help) for action in actions)
