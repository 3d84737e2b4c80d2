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
    """Whether a request that is said to be good is so.

    Lists may name something twice in another case, as ["a", "A"], which `uniqueItems` lets pass. And beside a longest
    id schemathesis 4.32 makes up a header that it knows to be wrong, and calls the whole good."""
    lists = (field for field in case.body.values() if isinstance(field, list)) if isinstance(case.body, dict) else ()
    made = case.meta
    contradictory = (
        made is not None
        and made.generation.mode.is_positive
        and any(part.mode.is_negative for part in made.components.values())
    )
    return not contradictory and all(_as_many_folded({i for i in each if isinstance(i, str)}) for each in lists)


def _as_many_folded(names: set[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)
