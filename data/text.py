"""The text of a file, line by line: plain or gzip, in any usual encoding, with one line in memory at a time."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import stat
import zlib
from collections import deque
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Final, Self

from core.errors import UnreadableFile

LONGEST_LINE: Final = 1_000_000
"""Characters; a longer line is dropped and reported, never held."""
_PIECE: Final = 65_536
_AT_ONCE: Final = 64
"""Lines that are read before anybody asks how long they were."""
_LONG: Final = 4_096
"""Characters of a line, as long as nothing is known of the lines of a file."""
_MOST_WARNINGS: Final = 100

_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_OTHER_KINDS: Final = (
    (b"PK\x03\x04", "is a zip archive (or a spreadsheet)", "Unpack it and load the file inside, or save it as CSV."),
    (b"SQLite format 3\x00", "is an SQLite database", "Export its table as CSV."),
    (b"PAR1", "is a Parquet file", "Convert it to CSV."),
    (b"BZh", "is compressed with bzip2", "Unpack it with bunzip2, or compress it with gzip."),
    (b"\xfd7zXZ\x00", "is compressed with xz", "Unpack it with unxz, or compress it with gzip."),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd", "Unpack it with unzstd, or compress it with gzip."),
    (b"%PDF", "is a PDF document", "Load a CSV, TSV or JSON file."),
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_ESCAPED_BYTE: Final = re.compile("[\udc80-\udcff]")
_VALID_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|\xe0[\xa0-\xbf][\x80-\xbf]|[\xf1-\xf4][\x80-\xbf]{3}"
)

_FAILURES: Final = (EOFError, zlib.error, OSError, ValueError)


class OverlongLine(Exception):
    """A line of more than LONGEST_LINE characters, already skipped. `start` is how it begins."""

    def __init__(self, start: str) -> None:
        super().__init__(f"is longer than {LONGEST_LINE:,} characters".replace(",", " "))
        self.start = start


class Warnings:
    """What was put right silently: `count` in all, the first hundred in `messages`."""

    def __init__(self) -> None:
        self.count = 0
        self.messages: list[str] = []

    def add(self, message: str) -> None:
        """Note one more."""
        self.count += 1
        if len(self.messages) < _MOST_WARNINGS:
            self.messages.append(message)


class TextFile:
    """A file open for reading as text, and how far it has been read.

    Bytes that are not valid UTF-8 become U+FFFD with a warning that names the line; in a file without one valid UTF-8
    sequence they are read as Windows-1252. Raises UnreadableFile, on opening as well as in the middle.
    """

    def __init__(self, path: Path, warnings: Warnings | None = None) -> None:
        self.path = path
        self.warnings = warnings or Warnings()
        self.line = 0
        """The number of the last line begun; the first is 1."""
        self.size = 0
        self._at_line_start = True
        self._fallback: str | None = None
        self._ahead: deque[str] = deque()
        """Parts of a line that is too long, and what was read behind it."""
        self._usual = _LONG
        """About the length of a line."""
        self._met: BaseException | None = None
        """What went wrong behind the lines that were given."""
        self._closed_at: float | None = None
        with self._failures():
            self.size = _regular_size(path)
            self._raw = path.open("rb", buffering=0)
        try:
            self._text = self._decoder()
        except BaseException:
            self._raw.close()
            raise

    def _decoder(self) -> io.TextIOWrapper:
        buffered = io.BufferedReader(self._raw, _PIECE)
        with self._failures():
            compressed = buffered.peek(2)[:2] == b"\x1f\x8b"
            content: io.BufferedReader = gzip.GzipFile(fileobj=buffered) if compressed else buffered  # type: ignore[assignment]  # GzipFile is a BufferedIOBase with peek
            opening = content.peek(_PIECE)[:_PIECE]
        if not opening:
            raise UnreadableFile(str(self.path), "is empty.", remedy="Choose a file with rows in it.")
        encoding = next((encoding for bom, encoding in _BOMS if opening.startswith(bom)), "utf-8")
        self._unicode_only = encoding not in ("utf-8", "utf-8-sig")
        if not self._unicode_only:
            self._refuse_binary(opening)
        errors = "replace" if self._unicode_only else "surrogateescape"
        return io.TextIOWrapper(content, encoding=encoding, errors=errors, newline="")

    def _refuse_binary(self, opening: bytes) -> None:
        for magic, kind, remedy in _OTHER_KINDS:
            if opening.startswith(magic):
                raise UnreadableFile(str(self.path), f"{kind}.", remedy=remedy)
        if opening[1::2].count(0) > len(opening) // 5 or opening[::2].count(0) > len(opening) // 5:
            reason = "is binary, or UTF-16 text without its mark."
        elif len(_CONTROL.findall(opening)) > max(4, len(opening) // 20):
            reason = "is binary, not text."
        else:
            return
        raise UnreadableFile(
            str(self.path), reason, remedy="Load CSV, TSV or JSON in UTF-8 (for a BSON dump: mongoexport, or bsondump)."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; `fraction` stays where it was."""
        self._closed_at = self.fraction
        self._text.close()
        self._raw.close()

    @property
    def fraction(self) -> float:
        """How much of the bytes on disk has been consumed, from 0 to 1."""
        if self._closed_at is not None:
            return self._closed_at
        try:
            return min(1.0, self._raw.tell() / self.size)
        except ValueError:
            # Asked by another thread in the moment of closing.
            return self._closed_at or 1.0

    @property
    def handle(self) -> io.TextIOWrapper:
        """The decoded stream, for a library that reads a whole table; bytes that are not text become U+FFFD."""
        self._text.reconfigure(errors="replace")
        return self._text

    def readline(self) -> str:
        """The next line with its ending, "" after the last one. Raises OverlongLine."""
        text = self._read(LONGEST_LINE)
        if len(text) < LONGEST_LINE or text.endswith("\n"):
            return text
        start = text[:4_000]
        while not self._at_line_start and self._read(_PIECE):
            pass
        raise OverlongLine(start)

    def lines(self, most: int, characters: int) -> list[str]:
        """The next lines with their endings: so many at most, and not many more than so many characters.

        What is no line within bounds, or goes wrong, is left to `readline`, as the end is: then they are fewer, or
        none."""
        found: list[str] = []
        while len(found) < most and characters > 0 and not self._ahead and self._met is None:
            before = len(found)
            count = min(_AT_ONCE, most - before, 1 + characters // self._usual)
            try:
                # What came before an exception is kept.
                found.extend(map(self._text.readline, repeat(LONGEST_LINE, count)))
            except _FAILURES as error:
                self._met = error
            lengths = [*map(len, found[before:])]
            if lengths and max(lengths) >= LONGEST_LINE:
                place = next(place for place, length in enumerate(lengths) if length >= LONGEST_LINE)
                self._ahead.extend(found[before + place :])
                del found[before + place :], lengths[place:]
            while found and not found[-1]:
                found.pop()
            if len(found) < before + count:
                break
            characters -= sum(lengths)
            self._usual = 1 + sum(lengths) // count
        return self._all_put_right(found)

    def piece(self) -> str:
        """The next line or, where it is long, the next part of it; "" after the last one."""
        return self._read(_PIECE)

    def _read(self, limit: int) -> str:
        if self._ahead:
            text = self._ahead.popleft()
        else:
            try:
                if self._met is not None:
                    raise self._met
                text = self._text.readline(limit)
            except _FAILURES as error:
                raise self._unreadable(error) from error
        if self._at_line_start and text:
            self.line += 1
        self._at_line_start = not text or text[-1] in "\r\n"
        return text if text.isascii() else self._put_right(text)

    def _all_put_right(self, lines: list[str]) -> list[str]:
        if _is_plain("".join(lines)):
            self.line += len(lines)
            return lines
        found = []
        for line in lines:
            self.line += 1
            found.append(self._put_right(line))
        return found

    def _put_right(self, text: str) -> str:
        if self._unicode_only:
            if "\ufffd" in text:
                self._warn_replaced()
        elif _ESCAPED_BYTE.search(text):
            return self._repaired(text)
        return text

    def _repaired(self, text: str) -> str:
        if self._fallback is None:
            with self._failures():
                self._fallback = "utf-8" if self._has_valid_utf8() else "cp1252"
            if self._fallback == "cp1252":
                self.warnings.add(f"line {self.line}: no UTF-8 in this file, read as Windows-1252")
        if self._fallback == "utf-8":
            self._warn_replaced()
        return text.encode("utf-8", "surrogateescape").decode(self._fallback, "replace")

    def _warn_replaced(self) -> None:
        self.warnings.add(f"line {self.line}: invalid bytes were replaced by U+FFFD")

    def _has_valid_utf8(self) -> bool:
        """Whether one valid sequence beyond ASCII stands anywhere in the file: read at most once, when in doubt."""
        tail = b""
        with self.path.open("rb") as plain:
            compressed = plain.peek(2)[:2] == b"\x1f\x8b"
            content = gzip.GzipFile(fileobj=plain) if compressed else plain
            with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
                while block := content.read(1 << 20):
                    if _VALID_UTF8.search(tail + block):
                        return True
                    tail = block[-3:]
        return False

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: BaseException) -> UnreadableFile:
        match error:
            case EOFError() | zlib.error() | gzip.BadGzipFile():
                reason = f"the gzip file is cut off or damaged after line {self.line} ({error})."
                remedy = "Fetch or pack it again, and load it again: what is in the store already stays."
            case PermissionError():
                reason, remedy = "may not be read by you.", "Change its permissions or copy it."
            case FileNotFoundError():
                reason, remedy = "does not exist.", "Check the path; it is taken from the folder you are in."
            case _:
                words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                reason, remedy = f"cannot be read: {words}.", ""
        return UnreadableFile(str(self.path), reason, remedy=remedy)


def _is_plain(text: str) -> bool:
    """Whether every byte of a text was one of text: what was none is half of a pair, or U+FFFD."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\ufffd" not in text


def _regular_size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFile(str(path), "is a folder, not a file.", remedy="Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile(str(path), "is not a regular file.", remedy="Save its content to a file and load that.")
    return status.st_size
