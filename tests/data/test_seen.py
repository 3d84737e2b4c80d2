"""Ids that came before: all of them are known again, in far less memory than a set of them takes."""

from __future__ import annotations

import tracemalloc

import pytest

from data import seen
from data.seen import Seen


def test_every_text_is_new_once_wherever_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_MOST_RECENT", 7)
    known = Seen()
    texts = [f"Q{number}" for number in range(100)]
    assert all(known.add(text) for text in texts)
    assert not any(known.add(text) for text in texts)
    assert known.add("Q100")


def test_many_ids_take_a_few_bytes_each(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    assert numpy.__name__, "imported before the measurement, since it stays"
    monkeypatch.setattr(seen, "_MOST_RECENT", 20_000)
    known = Seen()
    tracemalloc.start()
    try:
        for number in range(400_000):
            known.add(f"Q{number}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 400_000 * 20
