"""What the rows of every format have in common: where a row stands, and how it is refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from core.model import Movie
from core.packed import Columns

LONGEST_EXCERPT: Final = 2_000
"""Characters of a refused row that are kept."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was refused: the line on which it begins, why, and its text with control characters escaped."""

    line: int
    reason: str
    row: str


def excerpt(text: str) -> str:
    """The beginning of a text, safe to print: what is not printable appears as an escape such as \\x1b."""
    text = text.rstrip("\r\n")
    if len(text) > LONGEST_EXCERPT:
        text = text[: LONGEST_EXCERPT - 3] + "..."
    if text.isprintable():
        return text
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return escaped if len(escaped) <= LONGEST_EXCERPT else escaped[: LONGEST_EXCERPT - 3] + "..."


Row = TypeVar("Row")


class Rows(ABC, Generic[Row]):
    """The rows of an open file, in order; one that cannot be taken apart comes as a Reject."""

    @abstractmethod
    def __iter__(self) -> Iterator[Row | Reject]: ...

    @abstractmethod
    def reject(self, reason: str) -> Reject:
        """The row given last, refused."""


class Reading(Protocol[Row]):
    """One pass through a file: its rows, and what each of them says about a movie."""

    @property
    def rows(self) -> Rows[Row]:
        """The rows of this pass."""
        ...

    def movie(self, row: Row) -> Movie | None:
        """The movie of a row, not yet checked; None for a row of another kind. Raises ValueError with a reason."""
        ...


@runtime_checkable
class InRuns(Protocol):
    """A reading that can give many rows at once. To be asked right behind a row, not behind a refused one."""

    def run(self, rows: int, characters: int) -> Columns | None:
        """What the next rows say, about so many, where none of them is out of the ordinary; else they come one by one
        as ever."""
        ...

    def put_back(self) -> None:
        """Give the rows of the run before one by one."""
        ...
