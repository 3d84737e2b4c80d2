"""Rows of delimited text, with the physical line on which each begins."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final, Literal, TypedDict

from data.rows import Reject, Rows, excerpt
from data.text import LONGEST_LINE, OverlongLine, TextFile

LONGEST_RECORD: Final = 16_000_000
MOST_LINES: Final = 1_000_000
"""Characters and lines within which the end of an over-long quoted cell is looked for: they are held meanwhile."""


class _Dialect(TypedDict):
    delimiter: str
    quoting: Literal[0, 3]
    strict: bool


class Table(Rows[list[str]]):
    """The rows below the header of a CSV or TSV file.

    A row that is ragged, holds an over-long cell or breaks the quoting rules is refused, with all its lines where its
    quoted cells are closed. Where a quote that was never closed swallowed the lines after it, only the line it stands
    on is refused and the rest is read anew.
    """

    def __init__(self, text: TextFile, *, delimiter: str = ",", quoted: bool = True, header: bool = True) -> None:
        self._lines = _Lines(text)
        self._delimiter = delimiter if quoted else None
        """What stands between quoted cells; None where quotes are plain characters."""
        self._dialect: _Dialect = {
            "delimiter": delimiter,
            "quoting": csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            "strict": True,
        }
        self._reader = csv.reader(self._lines, **self._dialect)
        self._has_header = header
        self._width = 0

    def __iter__(self) -> Iterator[list[str] | Reject]:
        for row in self._records():
            if isinstance(row, Reject):
                yield row
            elif not self._width:
                self._width = len(row)
                if not self._has_header:
                    yield row
            else:
                yield row

    def run(self, rows: int, characters: int) -> list[list[str]]:
        """The next rows, about so many, where each of them is one whole line; none where they are to be read one by
        one. To be asked right behind a row, not behind a refused one; `put_back` undoes it."""
        lines = self._lines.take(rows, characters)
        try:
            found = list(csv.reader(lines, **self._dialect))
        except csv.Error:
            found = []
        if len(found) != len(lines) or not set(map(len, found)) <= {self._width}:
            self.put_back()
            return []
        return found

    def put_back(self) -> None:
        """Read the rows of the run before one by one."""
        self._lines.put_back()

    def reject(self, reason: str) -> Reject:
        return Reject(self._lines.first, reason, excerpt(self._lines.record))

    def _records(self) -> Iterator[list[str] | Reject]:
        while True:
            self._lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except OverlongLine as error:
                if self._lines.read:
                    yield self._refuse_first_line("a quote is never closed")
                yield Reject(self._lines.last, str(error), excerpt(error.start))
            except csv.Error as error:
                reason = _reason(error)
                try:
                    closed = (
                        self._delimiter is not None
                        and self._lines.length > csv.field_size_limit()
                        and self._lines.skip_cell(self._delimiter)
                    )
                except OverlongLine as overlong:
                    yield self._refuse_first_line(reason)
                    yield Reject(self._lines.last, str(overlong), excerpt(overlong.start))
                else:
                    yield self.reject(reason) if closed else self._refuse_first_line(reason)
            else:
                if not self._width or len(cells) == self._width:
                    if cells:
                        yield cells
                elif any(cell and not cell.isspace() for cell in cells):
                    yield self._refuse_first_line(_ragged(len(cells), self._width))

    def _refuse_first_line(self, reason: str) -> Reject:
        reject = Reject(self._lines.first, reason, excerpt(self._lines.read[0]) if self._lines.read else "")
        self._lines.read_again()
        return reject


def _ragged(cells: int, columns: int) -> str:
    return f"has {cells} cell{'' if cells == 1 else 's'} where the header has {columns}"


def _reason(error: csv.Error) -> str:
    message = str(error)
    if "field limit" in message:
        return f"a cell is longer than {csv.field_size_limit():,} characters (or a quote is never closed)".replace(
            ",", " "
        )
    if "expected after" in message:
        return "a quoted cell goes on after its closing quote"
    if "unexpected end" in message:
        return "a quote is never closed"
    return message


class _Lines:
    """Lines for csv.reader, remembering those of the record under way."""

    MOST: Final = LONGEST_LINE
    """Characters of one record."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._waiting: deque[tuple[int, str]] = deque()
        self.length = 0
        self.read: list[str] = []
        self.first = 0
        self._taken: list[str] = []

    @property
    def record(self) -> str:
        return "".join(self.read)

    @property
    def last(self) -> int:
        return self._text.line

    def begin(self) -> None:
        self.read.clear()
        self.length = 0
        self.first = self._waiting[0][0] if self._waiting else self._text.line + 1

    def take(self, most: int, characters: int) -> list[str]:
        """The next lines at once, none of them over-long; none where some are to be read again."""
        self.first = self._text.line + 1
        self._taken = [] if self._waiting else self._text.lines(most, characters)
        return self._taken

    def put_back(self) -> None:
        """Read the lines again that were taken."""
        self._waiting.extend(enumerate(self._taken, self.first))
        self._taken = []

    def read_again(self) -> None:
        self._waiting.extendleft((self.first + place, self.read[place]) for place in range(len(self.read) - 1, 0, -1))

    def skip_cell(self, delimiter: str) -> bool:
        """Read on to the end of a record whose quoted cell is too long; False where that cell is never closed.

        What was read before is kept, so that a False can be followed by `read_again`.
        """
        quoted: bool | None = False
        for place, text in enumerate(self.read):
            quoted = _quoted_after(text if place else delimiter + text, bool(quoted), delimiter)
            if quoted is None:
                return False
        while quoted and self.length <= LONGEST_RECORD and len(self.read) <= MOST_LINES:
            if not (text := self._take()):
                return False
            quoted = _quoted_after(text, quoted, delimiter)
        return quoted is False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not (text := self._take()):
            raise StopIteration
        if self.length > self.MOST:
            raise csv.Error(f"field limit of {self.MOST}")
        return text

    def _take(self) -> str:
        text = self._waiting.popleft()[1] if self._waiting else self._text.readline()
        if text:
            self.read.append(text)
            self.length += len(text)
        return text


def _quoted_after(text: str, quoted: bool, delimiter: str) -> bool | None:
    """Whether a quoted cell is still open at the end of a line; None where the line breaks the quoting rules."""
    place = 0
    while True:
        if not quoted:
            if (place := text.find(f'{delimiter}"', place)) < 0:
                return False
            quoted, place = True, place + 2
        if (place := text.find('"', place)) < 0:
            return True
        after = text[place + 1 : place + 2]
        if after == '"':
            place += 2
        elif after in ("", "\r", "\n", delimiter):
            quoted, place = False, place + 1
        else:
            return None
