"""Dates that a movie may have: what schemathesis makes of `format: date`, which JSON Schema cannot bound."""

from __future__ import annotations

from datetime import date

import schemathesis
from hypothesis import strategies

from core.model import FIRST_YEAR, LAST_YEAR

schemathesis.openapi.format(
    "date", strategies.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)).map(date.isoformat)
)
