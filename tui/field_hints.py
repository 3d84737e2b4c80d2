"""What is worth knowing of a field while it is typed in. Knows no widget."""

from __future__ import annotations

from datetime import date
from typing import Final

from core.model import Field

_UNITS: Final = {"runtime": " minutes", "box_office": " US dollars"}


def hint(field: Field, text: str) -> str:
    """How a date is written or reads, which numbers there may be, how a list goes on; empty where nothing is to say."""
    match field.kind:
        case "date":
            return _date_hint(field, text)
        case "integer" | "decimal":
            return f"{field.bounds}{_UNITS.get(field.name, '')}"
        case "list":
            return "commas between; → takes what is offered"
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
