"""MongoDB: who mends while somebody loads: the indexes, which the load had taken away, and the documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import pytest
from pymongo import MongoClient

from core.errors import StoreUnavailable
from core.query import Query
from core.stores import mongo_healing
from core.stores.mongo import MongoStore
from core.stores.mongo_queries import INDEX_PREFIX, indexes
from tests.core.stores import reference
from tests.core.stores.change_log_compliance import following
from tests.core.stores.mongod import Mongod
from tests.core.stores.open_stores import MOVIES
from tests.core.waiting import until

ALL: Final = {index.document["name"] for index in indexes()}
HANGING: Final = "hangAfterStartingIndexBuild"


async def test_whoever_mends_and_whoever_loads_do_not_stand_in_each_others_way() -> None:
    async with Mongod() as server, asyncio.timeout(60):
        store, opened, late = (MongoStore(server.url(), timeout=20.0) for _ in range(3))
        with MongoClient[dict[str, Any]](server.url()) as client:
            movies = client.get_default_database()["movies"]

            def ours() -> set[str]:
                return {name for name in movies.index_information() if name.startswith(INDEX_PREFIX)}

            # Not every server lets somebody set up its storage.
            refusal = {"failCommands": ["create"], "errorCode": 72}
            client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=refusal)
            await store.open()
            assert "storageEngine" not in movies.options()
            await opened.open()
            # A follower is to meet this while the load goes on.
            await store.clear()
            assert "leaf_page_max=8KB" in str(movies.options())
            await store.load(MOVIES[:50])
            for name in ours():
                movies.drop_index(name)
            client.admin.command("configureFailPoint", HANGING, mode="alwaysOn")
            opened._loads.mend_soon()
            await until(lambda: ours() == ALL)
            async with store.bulk(1_000):
                assert ours() == set(), "what is being made is dropped, too"
                client.admin.command("configureFailPoint", HANGING, mode="off")
                async with following(opened):
                    await opened.settle()
                await late.open()
                await until(lambda: not ours())
                await store.load(MOVIES[50:])
                assert ours() == set()
            assert ours() == ALL
            query = Query(text="a", sort="year")
            assert await late.window(query, 0, 50) == reference.window(MOVIES, query, 0, 50)
            for each in (store, opened, late):
                await each.close()


async def test_who_finds_all_that_is_needed_opens_without_making_or_counting_anything(mongo_url: str) -> None:
    first, second = (MongoStore(mongo_url, timeout=20.0) for _ in range(2))
    await first.open()
    await first.load(MOVIES[:50])
    await first.close()
    with MongoClient[dict[str, Any]](mongo_url) as client:
        database = client.get_default_database()
        database.command("profile", 2)
        await second.open()
        assert second._loads._mending is not None
        await second._loads._mending
        await second.close()
        database.command("profile", 0)
        of_movies = {"ns": database["movies"].full_name}
        asked = [next(iter(each["command"])) for each in database["system.profile"].find(of_movies)]
    assert asked == ["listIndexes"] * 2


async def test_an_index_that_is_another_under_the_same_name_is_not_taken_for_ours(mongo_url: str) -> None:
    first, second = (MongoStore(mongo_url, timeout=20.0) for _ in range(2))
    await first.open()
    await first.close()
    with MongoClient[dict[str, Any]](mongo_url) as client:
        movies = client.get_default_database()["movies"]
        movies.drop_index(f"{INDEX_PREFIX}year")
        movies.create_index("runtime", name=f"{INDEX_PREFIX}year")
    with pytest.raises(StoreUnavailable, match="same name"):
        await second.open()


async def test_a_walk_that_heals_all_does_not_follow_a_load_that_goes_on(
    mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_healing, "_BATCH", 2)
    store = MongoStore(mongo_url, timeout=20.0)
    with MongoClient[dict[str, Any]](mongo_url) as client:
        movies = client.get_default_database()["movies"]
        look, seen = mongo_healing._broken, list[str]()

        def load_meanwhile(documents: Sequence[dict[str, Any]]) -> list[Any]:
            seen.extend(document["_id"] for document in documents)
            movies.insert_many([{"_id": f"Q8{len(seen)}{n}", "title": "Later"} for n in range(2)])
            return look(documents)

        await store.open()
        try:
            movies.insert_many([{"_id": f"Q{n}", "title": "Before"} for n in range(1, 6)])
            monkeypatch.setattr(mongo_healing, "_broken", load_meanwhile)
            async with asyncio.timeout(20):
                await mongo_healing.heal_all(store._at)
            assert sorted(seen) == ["Q1", "Q2", "Q3", "Q4", "Q5"]
            assert len((await store.window(Query(text="before"), 0, 9)).ids) == 5
        finally:
            await store.close()
