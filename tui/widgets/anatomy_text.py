"""A key of Redis as lines of text: in the list of keys, and whole, with what it means and what is in it."""

from __future__ import annotations

import json
from typing import Any, Final

from textual.content import Content

from core.cache.inspector import Element, Listed
from core.cache.keys import placed
from core.inspection import Inspection, shown_name
from tui import figures
from tui.formats import visible
from tui.widgets.movie_text import HEADING, LABEL, UNKNOWN

NAME_WIDTH: Final = 17
"""Cells of a name in the list, at least."""
_COLUMNS: Final = "{:<6} {:>5} {:>6}"
_LABEL_WIDTH: Final = 10
_MOST_BYTES: Final = 512
"""Bytes that are shown raw."""
_MOST_LINES: Final = 60
"""Lines of a decoded value."""
_MOST_ELEMENTS: Final = 50
_MOST_CHARACTERS: Final = 300
"""Characters of one text in a value."""


def short_name(name: str) -> str:
    """A name without what all have in common: `movie:Q1` for an entry, `gate movie:Q1`, `lease movie:Q1`; of another
    structure, what follows the tag."""
    at = placed(name.encode("utf-8", "surrogateescape"))
    if at is None:
        return escaped(name.removeprefix("rc:").replace("{rc}:", "").replace(":{rc}", ""))
    role = {"e": "", "g": "gate ", "r": "lease "}.get(at.role, f"{at.role} ")
    return escaped(f"{role}{at.key.kind}:{at.key.id}")


def row(key: Listed, width: int) -> Content:
    """A key in the list: its short name, its type, for how long it stays, and its size."""
    here = key.type != "none"
    stays = _stays(key.ttl_ms) if here else figures.NOTHING
    size = figures.NOTHING if key.memory is None else figures.memory(key.memory).replace(" ", "")
    rest = _COLUMNS.format(key.type[:6] if here else figures.NOTHING, stays, size)
    name = figures.fit(short_name(shown_name(key.name)), max(NAME_WIDTH, width - len(rest) - 1))
    return Content.assemble(name, " ", (rest, LABEL if here else UNKNOWN))


def anatomy_lines(seen: Inspection, width: int) -> list[Content]:
    """A key whole; every line fits the width."""
    lines = [
        *Content.styled(visible(seen.what), "bold").wrap(width),
        *Content.styled(escaped(seen.name), LABEL).wrap(width),
        Content(),
    ]
    for label, text in anatomy_rows(seen):
        lines += _hung(f"{label:<{_LABEL_WIDTH}}", text, width)
    if seen.standing:
        lines += [Content(), Content.styled("What holds now", HEADING)]
        for sentence in seen.standing:
            first, *rest = Content(visible(sentence)).wrap(max(8, width - 2))
            lines += [Content("· ") + first, *(Content("  ") + line for line in rest)]
    lines += _decoded(seen, width)
    lines += _elements(seen, width)
    lines += _raw(seen, width)
    return lines


def anatomy_rows(seen: Inspection) -> list[tuple[str, str]]:
    """The figures of a key, each with its label."""
    made = seen.anatomy
    if made.type == "none":
        return []
    rows = [
        ("type", f"{made.type}, stored as {made.encoding}" if made.encoding else made.type),
        ("expires", "never" if made.ttl_ms is None else f"in {made.ttl_ms / 1000:,.1f} s"),
        ("memory", figures.NOTHING if made.memory is None else f"{made.memory:,} bytes"),
        ("length", f"{made.length:,} {'bytes' if made.type == 'string' else 'elements'}"),
    ]
    if seen.version is not None:
        rows.append(("version", str(seen.version)))
    return rows + [("refused", refusal) for refusal in made.refused]


def _decoded(seen: Inspection, width: int) -> list[Content]:
    value = seen.value
    if seen.anatomy.type != "string" or value is None:
        return []
    lines: list[Content] = []
    if isinstance(value, dict):
        widest = min(max(map(len, value), default=0), 20)
        for name, each in value.items():
            lines += _hung(f"{escaped(name)[:20]:<{widest}} ", _plain(each), width)
    else:
        lines = _wrapped(_plain(value), width)
    more = [Content.styled(f"… {len(lines) - _MOST_LINES} lines more", LABEL)] if len(lines) > _MOST_LINES else []
    return [Content(), Content.styled("Decoded", HEADING), *lines[:_MOST_LINES], *more]


def _plain(value: Any) -> str:
    """A decoded value in one line: texts of a list by commas, what is nested as JSON."""
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return escaped(", ".join(value)[:_MOST_CHARACTERS])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escaped(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…")


def _hung(label: str, text: str, width: int) -> list[Content]:
    """A label and its text, whose further lines stand below its first."""
    first, *rest = _wrapped(text, max(8, width - len(label)))
    return [Content.assemble((label, LABEL)) + first, *(Content(" " * len(label)) + line for line in rest)]


def _elements(seen: Inspection, width: int) -> list[Content]:
    found = seen.anatomy.elements[:_MOST_ELEMENTS]
    if not found:
        return []
    heading = {"zset": "Members, the highest first", "stream": "The newest entries"}.get(seen.anatomy.type, "Inside")
    widest = min(max(len(escaped(_text(each.name))) for each in found), max(8, width // 2))
    lines = [Content(), Content.styled(heading, HEADING)]
    for each in found:
        lines += _hung(f"{figures.fit(escaped(_text(each.name)), widest)} ", _told(each), width)[:3]
    if (left := seen.anatomy.length - len(found)) > 0:
        lines.append(Content.styled(f"… {left:,} more", LABEL))
    return lines


def _told(each: Element) -> str:
    text = escaped(_text(each.content)[:_MOST_CHARACTERS])
    if each.place is not None:
        text = f"{each.place[1]:.4f}, {each.place[0]:.4f} (latitude, longitude)"
    return text if each.ttl_ms is None else f"{text}  (expires in {each.ttl_ms / 1000:,.1f} s)"


def _raw(seen: Inspection, width: int) -> list[Content]:
    data = seen.anatomy.data[:_MOST_BYTES]
    if not data:
        return []
    wide = 16 if width >= 8 + 16 * 4 else 8 if width >= 6 + 8 * 4 else 4
    lines = [Content(), Content.styled("Raw", HEADING)]
    for at in range(0, len(data), wide):
        piece = data[at : at + wide]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        lines.append(Content.assemble((f"{at:04x}  ", LABEL), f"{piece.hex(' '):<{wide * 3}} ", (text, LABEL)))
    if (left := seen.anatomy.length - len(data)) > 0:
        lines.append(Content.styled(f"… {left:,} bytes more", LABEL))
    return lines


def _wrapped(text: str, width: int) -> list[Content]:
    return list(Content(visible(text)).wrap(width)) or [Content()]


def escaped(text: str) -> str:
    """Text of any bytes as a terminal may have it: what steers it, or is no text, stands escaped."""
    return visible(text.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _stays(ttl_ms: int | None) -> str:
    """For how long a key stays, in at most five cells."""
    if ttl_ms is None:
        return "∞"
    seconds = ttl_ms / 1000
    if seconds < 99.5:
        return f"{seconds:.0f}s"
    return f"{seconds / 60:.0f}m" if seconds < 5_970 else f"{seconds / 3600:.0f}h"
