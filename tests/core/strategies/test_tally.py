"""The tally in memory, against plain counting."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.query import ValueCount
from core.strategies import tally as module
from core.strategies.tally import Tally, Values

IDS = st.integers(0, 40).map("m{}".format)
VALUES: st.SearchStrategy[Values] = st.lists(st.sampled_from(["Drama", "Horror", "é", "東", ""]), max_size=3).map(tuple)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)


@settings(max_examples=100)
@given(data=st.data(), rows=st.dictionaries(IDS, VALUES, max_size=40))
def test_counts_equal_plain_counting_after_any_changes(data: st.DataObject, rows: dict[str, Values]) -> None:
    tally = Tally()
    given = sorted(rows.items())
    half = data.draw(st.integers(0, len(given)))
    tally.append(given[:half])
    tally.append(given[half:])
    assert tally.counts() == plainly(rows)
    for _ in range(data.draw(st.integers(0, 12))):
        ids = data.draw(st.lists(IDS, max_size=5))
        found = {id: data.draw(VALUES) for id in dict.fromkeys(ids) if data.draw(st.booleans())}
        tally.replace(ids, found)
        rows = {id: values for id, values in rows.items() if id not in ids} | found
        assert tally.counts() == plainly(rows)


def test_its_size_is_that_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 1_000)
    lists: list[Values] = [("Drama", "Horror"), ("Western",)]
    rows = [(f"id{n:07}", lists[n % 7 == 0]) for n in range(4_000)]
    tally = Tally()
    tally.append(rows)
    assert 1_000 < tally.size < 8 * len(rows)
    tally.replace([id for id, _ in rows], {})
    assert tally.counts() == ()
    assert tally.size < 1_000


def plainly(rows: dict[str, Values]) -> tuple[ValueCount, ...]:
    counted = Counter(value for values in rows.values() for value in values)
    return tuple(ValueCount(name, count) for name, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])))
