"""Editing without a screen: what was typed over a movie, what is wrong with it, how two edits of it merge."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from core.errors import InvalidMovie
from core.model import FIELD, FIELDS, Field, Movie, Value, replace, value_of
from tui.formats import slug
from tui.tags import rejoin

EDITABLE: Final = tuple(field for field in FIELDS if field.editable)
NEW_FIELDS: Final = (FIELD["id"], *EDITABLE)
"""The fields of a movie that is yet to be added: its id is chosen too."""


class Change(msgspec.Struct, frozen=True):
    """One field of an edit: its value before and after."""

    field: Field
    old: Value
    new: Value


class Draft(msgspec.Struct, frozen=True):
    """A movie under edit: the base that was read, and what was put over its fields: text, or the entries of a list.

    A field that was not touched keeps the base's value, whether or not a text could say it.
    """

    base: Movie
    fields: tuple[Field, ...] = EDITABLE
    typed: Mapping[str, str | tuple[str, ...]] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    """By field name, only where it differs from the base."""

    @classmethod
    def of_new(cls) -> Draft:
        """The draft of a movie that does not exist yet."""
        return cls(Movie(id="", title=""), NEW_FIELDS)

    def original(self, name: str) -> str:
        """The base's value as text."""
        return FIELD[name].show(value_of(self.base, name))

    def text(self, name: str) -> str:
        """The text that stands in the field now."""
        typed = self.typed.get(name)
        return self.original(name) if typed is None else FIELD[name].show(typed)

    def write(self, name: str, text: str) -> Draft:
        """The draft with this text in the field."""
        return self._over(name, None if text == self.original(name) else text)

    def put(self, name: str, entries: tuple[str, ...]) -> Draft:
        """The draft with these entries in the list."""
        return self._over(name, None if entries == value_of(self.base, name) else entries)

    def _over(self, name: str, typed: str | tuple[str, ...] | None) -> Draft:
        others = {key: value for key, value in self.typed.items() if key != name}
        return msgspec.structs.replace(
            self, typed=MappingProxyType(others if typed is None else {**others, name: typed})
        )

    def rebase(self, base: Movie, movie: Movie) -> Draft:
        """A draft over another base that shows this movie's values."""
        draft = Draft(base, self.fields)
        for field in self.fields:
            value = value_of(movie, field.name)
            if isinstance(value, tuple):
                draft = draft.put(field.name, value)
            elif value != value_of(base, field.name):
                draft = draft.write(field.name, field.show(value))
        return draft

    def entries(self, name: str) -> tuple[str, ...]:
        """The entries of the list as they stand now."""
        value = self.read(name)
        return value if isinstance(value, tuple) else ()

    def read(self, name: str) -> Value:
        """The value of the field as typed. Raises ValueError with the reason when the text cannot be read."""
        before = value_of(self.base, name)
        typed = self.typed.get(name)
        if not isinstance(typed, str):
            return before if typed is None else typed
        value = FIELD[name].parse(typed)
        if isinstance(value, tuple) and isinstance(before, tuple):
            return rejoin(value, before)
        return value

    def problem(self, name: str) -> str | None:
        """What is wrong with the field, or None."""
        try:
            return FIELD[name].problem(self.read(name))
        except ValueError as error:
            return str(error)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by field name, in the order of the form."""
        found = ((field.name, self.problem(field.name)) for field in self.fields)
        return {name: problem for name, problem in found if problem}

    def is_dirty(self, name: str) -> bool:
        """Whether the field would be saved as another value than the base's, or cannot be read."""
        if name not in self.typed:
            return False
        try:
            return self.read(name) != _blank_as_unknown(value_of(self.base, name))
        except ValueError:
            return True

    @property
    def dirty(self) -> tuple[str, ...]:
        """The names of the changed fields, in the order of the form."""
        return tuple(field.name for field in self.fields if self.is_dirty(field.name))

    @property
    def movie(self) -> Movie:
        """The edited movie, over the base's version. Raises InvalidMovie when a field is wrong."""
        if broken := self.problems:
            raise InvalidMovie(broken)
        return replace(self.base, **{name: self.read(name) for name in self.dirty})

    @property
    def changes(self) -> tuple[Change, ...]:
        """What saving would change, field by field. Raises InvalidMovie when a field is wrong."""
        edited = self.movie
        return tuple(Change(FIELD[n], value_of(self.base, n), value_of(edited, n)) for n in self.dirty)


def changes_between(before: Movie, after: Movie) -> tuple[Change, ...]:
    """What differs from one state of a movie to another, in the order of the record."""
    pairs = ((field, value_of(before, field.name), value_of(after, field.name)) for field in FIELDS)
    return tuple(Change(field, old, new) for field, old, new in pairs if old != new)


def proposed_id(title: str) -> str:
    """An id for a movie of one's own: `my:blade-runner`; a number where the title has no Latin letter or digit."""
    if not title.strip():
        return ""
    latin = slug(title)[:60].rstrip("-")
    return f"my:{latin}" if latin else f"my:{zlib.crc32(title.encode(errors='replace')):08x}"


def _blank_as_unknown(value: Value) -> Value:
    return None if value == "" else value


# ----------------------------------------------------------------------------------------------------------- merging

Side = Literal["mine", "theirs"]
Verdict = Literal["unchanged", "mine", "theirs", "agreed", "conflict"]


class FieldMerge(msgspec.Struct, frozen=True):
    """One field of two edits that began at the same base."""

    field: Field
    base: Value
    mine: Value
    theirs: Value

    @property
    def verdict(self) -> Verdict:
        """Who changed it: nobody, one side, both alike ("agreed"), or both differently ("conflict")."""
        if self.mine == self.theirs:
            return "unchanged" if self.mine == self.base else "agreed"
        if self.mine == self.base:
            return "theirs"
        return "mine" if self.theirs == self.base else "conflict"

    @property
    def preselected(self) -> Side | None:
        """The side that alone changed the field; None where a person must choose or there is nothing to choose."""
        match self.verdict:
            case "mine":
                return "mine"
            case "theirs":
                return "theirs"
            case _:
                return None


def merge(base: Movie, mine: Movie, theirs: Movie) -> tuple[FieldMerge, ...]:
    """The three-way merge of every editable field."""
    return tuple(
        FieldMerge(field, value_of(base, field.name), value_of(mine, field.name), value_of(theirs, field.name))
        for field in EDITABLE
    )


def differing(base: Movie, mine: Movie, theirs: Movie) -> tuple[FieldMerge, ...]:
    """The fields in which the two edits differ: those where a side can be chosen."""
    return tuple(part for part in merge(base, mine, theirs) if part.mine != part.theirs)


def resolve(mine: Movie, theirs: Movie, choices: Mapping[str, Side]) -> Movie:
    """Their movie, version included, with my value in each field that was chosen as mine."""
    return replace(theirs, **{name: value_of(mine, name) for name, side in choices.items() if side == "mine"})
