"""Years as a person types them: `1979`, `1979-1989`, `1979-`, `-1989`."""

from __future__ import annotations

import re

from core.model import FIRST_YEAR, LAST_YEAR

_RANGE = re.compile(r"\s*(\d{4})?\s*(-|–|\.\.)?\s*(\d{4})?\s*")


def parse_years(text: str) -> tuple[int | None, int | None]:
    """The first and the last year meant; blank text means any. Raises ValueError with what is wrong."""
    if not text.strip():
        return None, None
    match = _RANGE.fullmatch(text)
    if match is None or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
        raise ValueError("Type a year or two: 1979, 1979-1989, 1979- or -1989.")
    first = int(match[1]) if match[1] else None
    last = int(match[3]) if match[3] else None
    if first is not None and not match[2]:
        last = first
    for year in (first, last):
        if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError(f"{year} is outside {FIRST_YEAR} to {LAST_YEAR}.")
    if first is not None and last is not None and first > last:
        raise ValueError(f"{first} comes after {last}: type the earlier year first.")
    return first, last


def show_years(first: int | None, last: int | None) -> str:
    """The range as `parse_years` reads it back; empty for any year."""
    if first is not None and first == last:
        return str(first)
    if first is None and last is None:
        return ""
    return f"{'' if first is None else first}-{'' if last is None else last}"
