"""Unsaid: two rules of a movie that JSON Schema cannot say, for what schemathesis makes up by the schema alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import schemathesis
from hypothesis import strategies

from core.model import FIRST_YEAR, LAST_YEAR

schemathesis.openapi.format(
    "date", strategies.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)).map(date.isoformat)
)


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Whether no list names anything twice in another case, as ["a", "A"]: `uniqueItems` lets that pass."""
    lists = (field for field in case.body.values() if isinstance(field, list)) if isinstance(case.body, dict) else ()
    return all(_as_many_folded({item for item in each if isinstance(item, str)}) for each in lists)


def _as_many_folded(names: set[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)
