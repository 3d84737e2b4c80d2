"""What is worth knowing of a field while it is typed in. Knows no widget."""

from __future__ import annotations

from datetime import date
from typing import Final

from core.model import Field
from tui.tags import Tags

_UNITS: Final = {"runtime": " minutes", "box_office": " US dollars"}


def hint(field: Field, text: str, tags: Tags | None = None) -> str:
    """How a date is written or reads, which numbers there may be, what keys do in a list; empty where there is none."""
    match field.kind:
        case "date":
            return _date_hint(field, text)
        case "integer" | "decimal":
            return f"{field.bounds}{_UNITS.get(field.name, '')}"
        case "list":
            return _list_hint(tags or Tags())
        case "text":
            return ""


def _date_hint(field: Field, text: str) -> str:
    try:
        read = field.parse(text)
    except ValueError:
        read = None
    if isinstance(read, date):
        return f"{read:%A} {read.day} {read:%B %Y}"
    return "year-month-day, such as 1979-05-25"


def _list_hint(tags: Tags) -> str:
    if tags.chosen is not None:
        return "enter edit · del remove · ctrl+←→ move"
    if tags.gap is not None:
        return "enter puts it back into its place"
    return "enter or comma adds" + (" · ← to the entries" if tags.entries else "")
