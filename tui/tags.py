"""The entries of a list under edit: how text becomes entries, which are taken, how they are moved. Knows no widget."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from core.model import Field, tidy

TYPED: Final = ","
"""What stands between entries as a person types them."""
PASTED: Final = ",|\t\n\r\f\v\x85\u2028\u2029"
"""What stands between entries as they are copied from elsewhere: our own exports join them by bars."""


class Tags(msgspec.Struct, frozen=True):
    """Entries in order, which of them is chosen, and where the next one goes."""

    entries: tuple[str, ...] = ()
    chosen: int | None = None
    """The place of the entry that keys act on; None while the text behind the entries is written in."""
    gap: int | None = None
    """The place where what is written goes: that of the entry taken back into the text. None for the end."""

    def add(self, *new: str) -> Tags:
        """With these entries in the gap, which closes. The chosen one stays chosen."""
        place = len(self.entries) if self.gap is None else self.gap
        entries = (*self.entries[:place], *new, *self.entries[place:])
        shifted = self.chosen + len(new) if self.chosen is not None and self.chosen >= place else self.chosen
        return Tags(entries, shifted, None if new else self.gap)

    def choose(self, place: int | None) -> Tags:
        """With the entry at this place chosen, or the nearest there is; None chooses none."""
        if place is None or not self.entries:
            return msgspec.structs.replace(self, chosen=None)
        return msgspec.structs.replace(self, chosen=min(max(place, 0), len(self.entries) - 1))

    def back(self) -> Tags:
        """With the entry before the chosen one chosen; the last where none was."""
        return self.choose(len(self.entries) - 1 if self.chosen is None else self.chosen - 1)

    def on(self) -> Tags:
        """With the entry after the chosen one chosen; behind the last is the text."""
        beyond = self.chosen is None or self.chosen + 1 >= len(self.entries)
        return self.choose(None if beyond or self.chosen is None else self.chosen + 1)

    def move(self, by: int) -> Tags:
        """With the chosen entry so many places on, as far as there are places; it stays chosen."""
        if self.chosen is None:
            return self
        entry = self.entries[self.chosen]
        rest = (*self.entries[: self.chosen], *self.entries[self.chosen + 1 :])
        place = min(max(self.chosen + by, 0), len(rest))
        return msgspec.structs.replace(self, entries=(*rest[:place], entry, *rest[place:]), chosen=place)

    def remove(self) -> Tags:
        """Without the chosen entry; its neighbour is chosen then."""
        if self.chosen is None:
            return self
        place = self.chosen
        entries = (*self.entries[:place], *self.entries[place + 1 :])
        gap = self.gap - 1 if self.gap is not None and self.gap > place else self.gap
        return Tags(entries, None, gap).choose(place)

    def take(self) -> tuple[str, Tags]:
        """The chosen entry, and the rest with the gap in its place. Without a chosen one the text is empty."""
        if self.chosen is None:
            return "", self
        place = self.chosen
        return self.entries[place], msgspec.structs.replace(self.remove(), chosen=None, gap=place)


def split(text: str, known: Collection[str] = (), marks: str = TYPED) -> tuple[str, ...]:
    """The entries that a text names, tidied, blank ones left out.

    An entry in double quotes keeps what stands between them, as in CSV. So does one that is `known` to hold a mark:
    "Sammy Davis, Jr." needs no quotes where the list has that name.
    """
    between = re.escape(marks)
    entry = re.compile(rf'\s*(?:"((?:[^"]|"")*+)"\s*(?=[{between}]|\Z)|([^{between}]*+))(?:[{between}]|\Z)')
    found = (tidy(match[2] if match[1] is None else match[1].replace('""', '"')) for match in entry.finditer(text))
    return rejoin([part for part in found if part], known, marks)


def rejoin(parts: Sequence[str], known: Collection[str], marks: str = TYPED) -> tuple[str, ...]:
    """The parts of a list with those known entries made whole that hold a mark themselves."""
    at_marks = re.compile(f"[{re.escape(marks)}]")
    broken = {
        tuple(part for raw in at_marks.split(entry) if (part := tidy(raw))): entry
        for entry in known
        if at_marks.search(entry)
    }
    longest_first = sorted((pieces for pieces in broken if pieces), key=len, reverse=True)
    whole: list[str] = []
    start = 0
    while start < len(parts):
        here = (pieces for pieces in longest_first if tuple(parts[start : start + len(pieces)]) == pieces)
        pieces = next(here, (parts[start],))
        whole.append(broken.get(pieces, parts[start]))
        start += len(pieces)
    return tuple(whole)


def written(entry: str) -> str:
    """The entry as `split` reads it back, other entries around it or none: in quotes where it would be misread."""
    if "," not in entry and not entry.startswith('"'):
        return entry
    doubled = entry.replace('"', '""')
    return f'"{doubled}"'


def in_quotes(text: str) -> bool:
    """Whether what is typed next still belongs to an entry in quotes."""
    return text.count('"') % 2 == 1 and bool(re.search(rf'(?:^|[{TYPED}])\s*"', text))


def admit(field: Field, tags: Tags, new: Sequence[str]) -> tuple[Tags, tuple[str, ...]]:
    """The tags with those of the new entries that the field's rule lets in, and the others.

    What is wrong with the others is for `Field.problem` to say."""
    taken = {entry.casefold() for entry in tags.entries}
    room = field.many - len(tags.entries)
    good: list[str] = []
    bad: list[str] = []
    for entry in new:
        if len(good) >= room or entry.casefold() in taken or field.problem((entry,)):
            bad.append(entry)
        else:
            good.append(entry)
            taken.add(entry.casefold())
    return tags.add(*good), tuple(bad)


class Lines(msgspec.Struct, frozen=True):
    """Which entries stand in which line, and from which cell on the text has the rest of the last line."""

    places: tuple[tuple[int, ...], ...]
    text_at: int

    def line_of(self, place: int) -> int:
        """The line in which the entry at this place stands."""
        return next(number for number, line in enumerate(self.places) if place in line)


def lay_out(widths: Sequence[int], room: int, text: int) -> Lines:
    """Entries of these widths put into lines of so many cells, a blank between two; at least `text` cells for text."""
    lines: list[list[int]] = [[]]
    at = 0
    for place, width in enumerate(widths):
        if at and at + width > room:
            lines.append([])
            at = 0
        lines[-1].append(place)
        at += width + 1
    if at and at + text > room:
        lines.append([])
        at = 0
    return Lines(tuple(map(tuple, lines)), at)
