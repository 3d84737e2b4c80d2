"""What was freed goes back to the system, also from below something that stays."""

from __future__ import annotations

import psutil

from core.heap import give_back


def test_what_is_free_below_something_that_stays_goes_back() -> None:
    process = psutil.Process()
    freed = [b"x" * 60_000 for _ in range(800)]
    stays = b"x" * 60_000
    before = process.memory_info().rss
    freed.clear()
    give_back()
    assert process.memory_info().rss < before - 30_000_000
    assert len(stays) == 60_000
