"""JSON documents one by one, from JSON Lines or from one array of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from core.errors import UnreadableFile
from data.rows import LONGEST_EXCERPT, Reject, Rows, excerpt
from data.text import OverlongLine, TextFile

Document = dict[str, Any]

LONGEST_DOCUMENT: Final = 16_000_000
"""Characters, about what MongoDB itself allows; a longer one is refused, never held."""
_OUTSIDE: Final = re.compile(r'["{}]')
_INSIDE: Final = re.compile(r'["\\\r\n]')
_NO_OBJECT: Final = "is not a JSON object"
_FILLING: Final = " \t\r\n,[]\ufeff"


class JsonLines(Rows[Document]):
    """The documents of a file with one JSON object on each line."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._last = (0, "")
        self._decode = msgspec.json.Decoder().decode

    def __iter__(self) -> Iterator[Document | Reject]:
        while True:
            try:
                text = self._text.readline()
            except OverlongLine as error:
                yield Reject(self._text.line, str(error), excerpt(error.start))
                continue
            if not text:
                return
            self._last = (self._text.line, text)
            if text := text.strip():
                yield _decoded(self, self._decode, text)

    def reject(self, reason: str) -> Reject:
        line, text = self._last
        return Reject(line, reason, excerpt(text))


class JsonArray(Rows[Document]):
    """The objects of one JSON array, or objects simply one after the other, however they are laid out.

    Found by their braces, so that neither a huge array nor a broken object in it matters to the others.
    Raises UnreadableFile when the file ends inside an object.
    """

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._last = (0, "")
        self._decode = msgspec.json.Decoder().decode

    def __iter__(self) -> Iterator[Document | Reject]:
        for line, text, problem in self._objects():
            self._last = (line, text)
            yield self.reject(problem) if problem else _decoded(self, self._decode, text)

    def reject(self, reason: str) -> Reject:
        line, text = self._last
        return Reject(line, reason, excerpt(text))

    def _objects(self) -> Iterator[tuple[int, str, str]]:
        """Line, text and problem ("" for none) of each object and of anything that stands between them."""
        parts = _Parts()
        depth = 0
        quoted = escaped = False
        while piece := self._text.piece():
            begin = place = 1 if escaped else 0
            if escaped:
                parts.add(piece[:1], self._text.line)
                escaped = False
            while found := (_INSIDE if quoted else _OUTSIDE).search(piece, place):
                sign, place = found.group(), found.end()
                if sign == "\\":
                    place += 1
                    escaped = place > len(piece)
                elif sign == '"':
                    quoted = not quoted
                elif sign in "\r\n":
                    # No string holds a line break: its closing quote is missing. Take the next line as a new start.
                    parts.add(piece[begin:place], self._text.line)
                    yield parts.take(_NO_OBJECT)
                    begin, depth, quoted = place, 0, False
                elif sign == "{":
                    if depth == 0:
                        parts.add(piece[begin : place - 1], self._text.line)
                        if parts.worth_reporting:
                            yield parts.take(_NO_OBJECT)
                        parts.clear()
                        begin = place - 1
                    depth += 1
                elif depth:
                    depth -= 1
                    if depth == 0:
                        parts.add(piece[begin:place], self._text.line)
                        yield parts.take("")
                        begin = place
            parts.add(piece[begin:], self._text.line)
            if depth == 0 and not quoted and piece[-1] in "\r\n":
                if parts.worth_reporting:
                    yield parts.take(_NO_OBJECT)
                parts.clear()
        if depth or quoted:
            raise UnreadableFile(
                str(self._text.path),
                f"ends in the middle of the object that begins on line {parts.line}.",
                remedy="It seems cut off: fetch or export it again, and load it again.",
            )
        if parts.worth_reporting:
            yield parts.take(_NO_OBJECT)


class _Parts:
    """The text gathered since the last object; beyond LONGEST_DOCUMENT only its beginning."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._texts: list[str] = []
        self._length = 0
        self.line = 0

    @property
    def worth_reporting(self) -> bool:
        return any(text.strip(_FILLING) for text in self._texts)

    def add(self, text: str, line: int) -> None:
        if not self._texts:
            if not text.strip(_FILLING):
                return
            self.line = line
        self._length += len(text)
        if self._length <= LONGEST_DOCUMENT or not self._texts:
            self._texts.append(text)
        elif len(self._texts) > 1:
            self._texts = ["".join(self._texts)[: LONGEST_EXCERPT * 2]]

    def take(self, problem: str) -> tuple[int, str, str]:
        if self._length > LONGEST_DOCUMENT:
            problem = f"is longer than {LONGEST_DOCUMENT:,} characters".replace(",", " ")
        taken = (self.line, "".join(self._texts), problem)
        self.clear()
        return taken


def _decoded(rows: Rows[Document], decode: Any, text: str) -> Document | Reject:
    try:
        document = decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return rows.reject(f"is not valid JSON: {error}")
    return document if isinstance(document, dict) else rows.reject(_NO_OBJECT)
