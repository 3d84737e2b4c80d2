"""The values of foreign cells: text to numbers, dates and lists. Each raises ValueError with a reason."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

from core.model import Value, unique

Converter = Callable[[str], Value]

_UNKNOWN: Final = frozenset({"", "n/a", "na", "nan", "null", "none", "\\n", "-", "--", "?", "unknown", "<na>", "nat"})
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.0+)?")
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?")
_YEAR: Final = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_DURATION: Final = re.compile(
    r"(?:([0-9]{1,2}) ?h(?:ours?|rs?)? ?)?(?:([0-9]{1,4}) ?(?:m|min|mins|minutes)?\.?)?", re.I
)
_MONEY: Final = re.compile(r"(?:US)?\$? ?([0-9][0-9,]{0,18}(?:\.[0-9]{1,6})?) ?([kmb]?)(?:illion)?", re.I)
_SCALE: Final = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_SUFFIX: Final = re.compile(r"(?:Jr|Sr|Ph\.?D|M\.?D|Esq|Inc|Ltd)\.?|I{2,3}|IV")


def is_unknown(text: str) -> bool:
    """Whether a cell is empty or one of the usual marks for "no value"."""
    return text.strip().casefold() in _UNKNOWN


def optional(text: str) -> str | None:
    """Text, or None where it is a mark for "no value"."""
    return None if is_unknown(text) else text


def whole(text: str) -> int | None:
    """A whole number; 88.0 counts as one."""
    if text.isdecimal() and text.isascii() and len(text) <= 18:
        return int(text)
    if is_unknown(text):
        return None
    text = text.strip().removesuffix("%")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"must be a whole number, not {shortened(text)}")
    return int(text.split(".")[0])


def decimal(text: str) -> float | None:
    """A number such as 7.4 (or 7,4, or 7.4/10)."""
    if is_unknown(text):
        return None
    text = text.strip().removesuffix("/10").replace(",", ".")
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"must be a number, not {shortened(text)}")
    return float(text)


def year(text: str) -> int | None:
    """The first four digits that stand alone: 1999, (1999), 1999-2003, 1999-12-31."""
    if is_unknown(text):
        return None
    if found := _YEAR.search(text):
        return int(found.group())
    return whole(text)


def day(text: str) -> date | None:
    """A date as 1979-05-25, a time of day after it dropped."""
    if is_unknown(text):
        return None
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise ValueError(f"must be a date such as 1979-05-25, not {shortened(text)}") from None


def minutes(text: str) -> int | None:
    """A running time: 118, 118 min, 1h 58m. Zero is unknown."""
    if is_unknown(text):
        return None
    found = _DURATION.fullmatch(text.strip().removesuffix(".0"))
    if found is None:
        return whole(text)
    return int(found[1] or 0) * 60 + int(found[2] or 0) or None


def dollars(text: str) -> int | None:
    """An amount in US dollars: 184925486, $184,925,486, $47.1M, $26.8k. Zero is unknown."""
    if is_unknown(text):
        return None
    found = _MONEY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"must be an amount in US dollars, not {shortened(text)}")
    return round(float(found[1].replace(",", "")) * _SCALE[found[2].lower()]) or None


def imdb_id(text: str) -> str | None:
    """An IMDb id with its tt and at least seven digits, from 439, 0000439 or tt0000439."""
    if is_unknown(text):
        return None
    text = text.strip()
    return f"tt{int(text):07d}" if text.isdecimal() and text.isascii() and len(text) <= 10 else text


def bars(text: str) -> tuple[str, ...]:
    """The entries of a list separated by bars alone, as our own files write it."""
    return tuple(text.split("|"))


def entries(text: str) -> tuple[str, ...]:
    """The entries of a list, however it is written: JSON, or separated by bars, semicolons or commas."""
    text = text.strip()
    if is_unknown(text):
        return ()
    if text.startswith(("[{", '["', "['", "[]")):
        return named(objects(text))
    separator = next((sign for sign in "|;" if sign in text), ",")
    parts: list[str] = []
    for part in text.split(separator):
        if separator == "," and parts and _SUFFIX.fullmatch(part.strip()):
            parts[-1] += f", {part.strip()}"
        else:
            parts.append(part)
    return unique(parts)


def objects(text: str) -> list[Any]:
    """The list in a cell, as JSON or as Python writes it."""
    if is_unknown(text):
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(f"must be a list, not {shortened(text)}") from None
    if not isinstance(found, list):
        raise ValueError(f"must be a list, not {shortened(text)}")
    return found


def named(items: Iterable[Any]) -> tuple[str, ...]:
    """The names in a list of texts or of objects that have one."""
    names = (item.get("name") if isinstance(item, dict) else item for item in items)
    return unique(str(name) for name in names if isinstance(name, str | int | float))


def shortened(text: str) -> str:
    """A cell as it may stand in a reason."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
