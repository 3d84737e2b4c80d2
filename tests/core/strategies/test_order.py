"""The order in memory, against plain sorting."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stores.base import SortKey, Window
from core.strategies import order as module
from core.strategies.order import Order
from core.strategies.packed import Packing, joined, without

IDS = st.integers(0, 60).map("m{}".format) | st.sampled_from(["x", "a%d1", "0", "00", "65f0c1a2b3c4d5e6f7a8b9c0"])
TEXTS = st.none() | st.sampled_from(["", "a", "ab", "b", "é", "東", "😀"])
NUMBERS = st.none() | st.integers(-3, 3) | st.sampled_from([0.5, 7.25])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 3)


@settings(max_examples=300)
@given(data=st.data(), keys=st.sampled_from([TEXTS, NUMBERS]))
def test_windows_equal_plain_sorting_as_soon_as_all_changes_were_told(
    data: st.DataObject, keys: st.SearchStrategy[SortKey]
) -> None:
    """The store goes on changing before, between and after the two questions about what is told."""
    rows: dict[str, SortKey] = data.draw(st.dictionaries(IDS, keys, max_size=40))
    order = Order(len(rows))
    order.append([row for row in ascending(rows) if row[1] is not None])
    order.append([row for row in ascending(rows) if row[1] is None])
    untold = set[str]()

    def change() -> None:
        for id in data.draw(st.lists(IDS, max_size=5)):
            untold.add(id)
            rows.pop(id, None)
            if data.draw(st.booleans()):
                rows[id] = data.draw(keys)

    for _ in range(data.draw(st.integers(1, 8))):
        change()
        ids = [*untold]
        untold.clear()
        if last := data.draw(st.booleans()):
            tell(order, ids, rows)
        else:
            placed = {id: rows[id] for id in ids if id in rows}
            change()
            asked = order.beside(placed)
            order.replace(ids, placed, {id: rows[id] for id in asked if id in rows})
        if last:
            assert len(order) == len(rows)
            for descending in (False, True):
                offset, limit = data.draw(st.integers(0, 50)), data.draw(st.integers(1, 50))
                expected = [id for id, _ in (backwards(rows) if descending else ascending(rows))]
                window = order.window(offset, limit, descending=descending)
                assert window == Window(tuple(expected[offset : offset + limit]), len(rows))


def test_a_row_that_came_twice_is_put_right_by_its_change() -> None:
    order = Order(7)
    keys: dict[str, SortKey] = {"a": 1, "b": 2.5, "c": 2, "d": 2, "e": 4}
    order.append([("a", 1), ("b", 1), ("c", 2), ("d", 2), ("b", 3), ("e", 4), ("b", None)])
    tell(order, ["b"], keys)
    assert order.window(0, 9, descending=False) == Window(("a", "c", "d", "b", "e"), 5)


def test_a_row_stays_beside_those_asked_for_where_its_block_is_emptied_by_the_same_change() -> None:
    rows: dict[str, SortKey] = dict.fromkeys(["m0", "m1", "m2", "x"], "")
    order = Order(len(rows))
    order.append(ascending(rows))
    tell(order, ["m0", "m1", "x"], {"m0": "a", "m2": ""})
    assert order.window(0, 9, descending=False) == Window(("m2", "m0"), 2)
    tell(order, ["m0", "m2"], {})
    assert not order._known._blocks


def test_a_dropped_order_is_gone_without_a_search_for_garbage() -> None:
    order = Order(3)
    order.append([("a", 1), ("b", 2), ("c", None)])
    blocks = [block for part in (order._known, order._unknown) for block in part._blocks]
    held = sys.getrefcount(blocks[0])
    gc.disable()
    try:
        del order
        assert sys.getrefcount(blocks[0]) < held
    finally:
        gc.enable()


@pytest.mark.parametrize("numbers", [[0, 255, 256, 65_535, 65_536, 9_999_999], [1 << 23, 77]])
def test_low_numbers_take_three_bytes_each_and_high_ones_four(numbers: list[int]) -> None:
    packing = Packing()
    low = [f"tt{number:07}" for number in numbers]
    run = packing.pack(low)
    assert len(run) == 1 + 3 * len(low)
    assert packing.unpack(run) == low
    assert packing.unpack(run, 1, 2) == low[1:2]
    high = [f"Q{number:08}" for number in numbers]  # their range is behind that of the others
    mixed = packing.pack([*low, high[0]])
    assert packing.unpack(mixed) == [*low, high[0]]
    assert len(packing.pack([f"Q{99_000_000 + number % 1_000_000:08}" for number in numbers])) == 1 + 4 * len(numbers)
    for id in low:
        rest = without(run, packing.sought(id))
        assert rest is not None
        place = low.index(id)
        assert packing.unpack(rest) == [*low[:place], *low[place + 1 :]]
        assert joined(rest, packing.sought(id), place) == run
        assert without(mixed, packing.sought(id)) is not None
    far = packing.sought("Q99000000")
    assert without(run, far) is None
    assert joined(run, far, 0) is None


def test_it_takes_five_bytes_a_row_and_says_when_it_is_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 256)
    rows: dict[str, SortKey] = {f"sy{n:07}": f"the title of number {n:07}" for n in range(20_000)}
    order = Order(len(rows))
    order.append(ascending(rows))
    assert 4 * len(rows) < order.size < 7 * len(rows)
    full, choose = order.size, Random(1)
    for _ in range(300):
        id = f"sy{choose.randrange(20_000):07}"
        rows[id] = f"another title {choose.random()}"
        tell(order, [id], rows)
    assert not order.worn
    assert order.window(0, 20_000, descending=False).ids == tuple(id for id, _ in ascending(rows))
    tell(order, [*rows], {})
    assert len(order) == 0
    assert order.size < full / 3
    more = Order(10)
    more.append(ascending(rows))
    assert more.worn


@pytest.mark.parametrize(
    "ids",
    [
        ["sy0000001", "Q1", "Q130000000", "7", "007", "%s%d12"],
        ["65f0c1a2b3c4d5e6f7a8b9c0", "75f0c1a2b3c4d5e6f7a8b9c0"],
        ["é東", "Q1", "", "a9999999999"],
        [f"{letter}{10**8 + n}" for n in range(3) for letter in "abcdefg"],
        [],
    ],
)
def test_packed_ids_are_found_and_come_back(ids: list[str]) -> None:
    packing = Packing()
    run = packing.pack(ids)
    assert packing.unpack(run) == ids
    assert packing.unpack(run, 1, 3) == ids[1:3]
    for id in ids:
        for packed, others in ((run, [other for other in ids if other != id]), (packing.pack([id]), [])):
            rest = without(packed, packing.sought(id))
            assert rest is not None
            assert packing.unpack(rest) == others
            if (again := joined(rest, packing.sought(id), len(others))) is not None:
                assert packing.unpack(again) == [*others, id]
    for other in ("sy0000002", "07", "85f0c1a2b3c4d5e6f7a8b9c0", "é"):
        assert without(run, packing.sought(other)) is None


def test_bytes_of_two_neighbours_are_no_id() -> None:
    packing = Packing()
    run = packing.pack([f"sy{n:07}" for n in range(70_000)])
    assert all(without(run, packing.sought(f"sy{n << 8:07}")) is None for n in range(300, 39_000, 7))


def tell(order: Order, ids: list[str], rows: Mapping[str, SortKey]) -> None:
    """Have the order carry in what became of these."""
    placed = {id: rows[id] for id in ids if id in rows}
    order.replace(ids, placed, {id: rows[id] for id in order.beside(placed) if id in rows})


def ascending(rows: Mapping[str, SortKey]) -> list[tuple[str, SortKey]]:
    known = [(key, id) for id, key in rows.items() if key is not None]
    unknown = [id for id, key in rows.items() if key is None]
    return [(id, key) for key, id in sorted(known)] + [(id, None) for id in sorted(unknown)]


def backwards(rows: Mapping[str, SortKey]) -> list[tuple[str, SortKey]]:
    rising = ascending(rows)
    return [row for row in rising if row[1] is not None][::-1] + [row for row in rising if row[1] is None][::-1]
