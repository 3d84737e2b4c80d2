"""Rows of delimited text, with the physical line on which each begins."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final

from data.rows import Reject, Rows, excerpt
from data.text import LONGEST_LINE, OverlongLine, TextFile


class Table(Rows[list[str]]):
    """The rows below the header of a CSV or TSV file.

    A row that is ragged, holds an over-long cell or breaks the quoting rules is refused. Where a quote that was never
    closed swallowed the lines after it, only the line it stands on is refused and the rest is read anew.
    """

    def __init__(self, text: TextFile, *, delimiter: str = ",", quoted: bool = True, header: bool = True) -> None:
        self._lines = _Lines(text)
        self._reader = csv.reader(
            self._lines,
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            strict=True,
        )
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
                yield self._refuse_first_line(_reason(error))
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
        self._length = 0
        self.read: list[str] = []
        self.first = 0

    @property
    def record(self) -> str:
        return "".join(self.read)

    @property
    def last(self) -> int:
        return self._text.line

    def begin(self) -> None:
        self.read.clear()
        self._length = 0
        self.first = self._waiting[0][0] if self._waiting else self._text.line + 1

    def read_again(self) -> None:
        self._waiting.extendleft((self.first + place, self.read[place]) for place in range(len(self.read) - 1, 0, -1))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._waiting.popleft()[1] if self._waiting else self._text.readline()
        if not text:
            raise StopIteration
        self.read.append(text)
        self._length += len(text)
        if self._length > self.MOST:
            raise csv.Error(f"field limit of {self.MOST}")
        return text
