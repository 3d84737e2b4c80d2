"""Orders in MongoDB: joined from indexes they are what the server finds, and no document is looked at."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from core.query import SORTS, Query, Range
from core.stores import mongo_orders
from core.stores.mongo import MongoStore
from core.stores.mongo_queries import WORDS
from tests.core.stores import reference
from tests.core.stores.open_stores import MOVIES

ASKED: Final = (
    Query(genres=("Drama",)),
    Query(genres=("Drama", "Action"), text="s"),
    Query(text="the a"),
    Query(text="nobody"),
    Query(year_from=-5, year_to=1980),
    Query(ranges=(Range("metacritic", above=-1, most=50), Range("runtime", least=-1))),
    Query(within=(("countries", "france|italy|united states"), ("directors", "a"))),
    Query(within=(("languages", "english|french"),)),
)


async def test_a_joined_order_is_the_whole_answer(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_orders, "_FEW", 0)
    for name in ("_FETCHED", "_NOTED"):
        monkeypatch.setattr(mongo_orders, name, 7)
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        await store.load(MOVIES)
        with MongoClient[dict[str, Any]](mongo_url) as client:
            database = client.get_default_database()
            for asked in ASKED:
                for sort in SORTS:
                    query = Query(**{name: getattr(asked, name) for name in asked.__struct_fields__} | {"sort": sort})
                    database.command("profile", 2, slowms=0)
                    rows = [row async for part in store.order(query) for row in part]
                    database.command("profile", 0)
                    assert [id for id, _ in rows] == reference.answer(MOVIES, query), query
                    assert dict(rows) == await store.keys(query, [movie.id for movie in MOVIES])
                    looks = list(database["system.profile"].find({"ns": f"{database.name}.movies"}))
                    assert looks
                    assert sum(look["docsExamined"] for look in looks) == 0, query
                    database.drop_collection("system.profile")
            database["movies"].drop_index(WORDS)
            query = Query(text="the a", sort="year")
            rows = [row async for part in store.order(query) for row in part]
            assert [id for id, _ in rows] == reference.answer(MOVIES, query), "without the index it takes longer"
    finally:
        await store.close()


@given(st.lists(st.sets(st.integers(1, 1 << 40) | st.integers(8_000, 9_000) | st.builds(Int64, st.integers(1, 99)))))
def test_records_are_a_set_of_numbers(several: list[Set[int]]) -> None:
    records, whole = mongo_orders.Records(), set[int]()
    for some in several:
        records.update(some)
        whole |= some
        assert len(records) == len(whole)
        assert set(records) == whole
        assert all((record in records) == (record in whole) for one in some for record in (one - 1, one, one + 1))
