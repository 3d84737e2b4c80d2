"""Counts in MongoDB: by an index or by reading everything they are the same."""

from __future__ import annotations

from typing import Any, Final

import pytest
from pymongo import MongoClient

from core.query import COUNTED, Query, Range
from core.stores import mongo_counts
from core.stores.mongo import MongoStore
from tests.core.stores import reference
from tests.core.stores.open_stores import MOVIES

ASKED: Final = (
    Query(text="a", genres=("Drama",)),
    Query(text="nobody"),
    Query(year_from=1960, ranges=(Range("runtime", least=90),)),
    Query(within=(("directors", "a"),)),
    Query(within=(("countries", "france|italy"),)),
)


@pytest.mark.parametrize(("few", "plan"), [(0.0, "COLLSCAN"), (1.0, "IXSCAN")])
async def test_either_way_counts_the_same(
    mongo_url: str, few: float, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_counts, "_FEW", few)
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        await store.load(MOVIES)
        with MongoClient[dict[str, Any]](mongo_url) as client:
            database = client.get_default_database()
            database.command("profile", 2, slowms=0)
            for query in ASKED:
                for field in COUNTED:
                    assert await store.counts(query, field) == reference.counts(MOVIES, query, field)
            database.command("profile", 0)
            looks = database["system.profile"].find({"command.pipeline.1.$unwind": {"$exists": True}})
            plans = {look["planSummary"].partition(" ")[0] for look in looks}
            # Nobody passes the second one, which any index tells.
            assert plans - {"IXSCAN"} == {plan} - {"IXSCAN"}
            for name in database["movies"].index_information():
                if name != "_id_":
                    database["movies"].drop_index(name)
        assert await store.counts(ASKED[0], "year") == reference.counts(MOVIES, ASKED[0], "year")
    finally:
        await store.close()
