"""What tests of whole catalogues share."""

from __future__ import annotations

from functools import partial

import pytest

from core import agreement, trust
from core import open as opening
from core.cache.redis import RedisCache


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogues believe Redis from their opening on, also where the machine stands still for a second or two: for
    tests that say where an answer came from, and are not about time."""
    monkeypatch.setattr(opening, "RedisCache", partial(RedisCache, budget=10.0))
    monkeypatch.setattr(opening, "FIRST_LOOK", 10.0)
    for module in (agreement, trust):
        monkeypatch.setattr(module, "LEASE", 10.0)
    monkeypatch.setattr(agreement, "CLAIMING", 30.0)  # never less than a lease
