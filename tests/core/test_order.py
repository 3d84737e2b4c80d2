"""The order in memory, against plain sorting."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stores.base import SortKey, Window
from core.strategies import order as module
from core.strategies.order import Order

IDS = st.integers(0, 60).map("m{}".format)
TEXTS = st.none() | st.sampled_from(["", "a", "ab", "b", "é", "東", "😀"])
NUMBERS = st.none() | st.integers(-3, 3) | st.sampled_from([0.5, 7.25])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), keys=st.sampled_from([TEXTS, NUMBERS]))
def test_windows_equal_plain_sorting_after_any_changes(data: st.DataObject, keys: st.SearchStrategy[SortKey]) -> None:
    rows: dict[str, SortKey] = data.draw(st.dictionaries(IDS, keys, max_size=40))
    order = Order()
    order.append([row for row in ascending(rows) if row[1] is not None])
    order.append([row for row in ascending(rows) if row[1] is None])
    for _ in range(data.draw(st.integers(0, 8))):
        ids = data.draw(st.lists(IDS, max_size=5, unique=True))
        found = {id: data.draw(keys) for id in ids if data.draw(st.booleans())}
        order.replace(ids, found)
        rows = {id: key for id, key in rows.items() if id not in ids} | found
        assert len(order) == len(rows)
        for descending in (False, True):
            offset, limit = data.draw(st.integers(0, 50)), data.draw(st.integers(1, 50))
            expected = [id for id, _ in (backwards(rows) if descending else ascending(rows))]
            window = order.window(offset, limit, descending=descending)
            assert window == Window(tuple(expected[offset : offset + limit]), len(rows))


def test_a_row_that_came_twice_is_put_right_by_its_change() -> None:
    order = Order()
    order.append([("a", 1), ("b", 1), ("c", 2), ("d", 2), ("b", 3), ("e", 4), ("b", None)])
    order.replace(["b"], {"b": 2.5})
    assert order.window(0, 9, descending=False) == Window(("a", "c", "d", "b", "e"), 5)


def test_its_size_is_that_of_its_rows() -> None:
    order = Order()
    order.append([(f"id{n:07}", n) for n in range(1_000)])
    full = order.size
    assert full > 10 * 1_000
    order.replace([f"id{n:07}" for n in range(1_000)], {})
    assert (len(order), order.size) == (0, 0)


def ascending(rows: dict[str, SortKey]) -> list[tuple[str, SortKey]]:
    known = [(key, id) for id, key in rows.items() if key is not None]
    unknown = [id for id, key in rows.items() if key is None]
    return [(id, key) for key, id in sorted(known)] + [(id, None) for id in sorted(unknown)]


def backwards(rows: dict[str, SortKey]) -> list[tuple[str, SortKey]]:
    rising = ascending(rows)
    return [row for row in rising if row[1] is not None][::-1] + [row for row in rising if row[1] is None][::-1]
