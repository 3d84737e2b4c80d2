"""Theaters that others put into MongoDB: read in place, their fields left alone, their changes followed."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from pymongo import MongoClient

from core.place import Place
from core.stores.base import THEATERS, Stored
from core.stores.mongo import MongoStore
from tests.core.stores.change_log_compliance import following
from tests.core.stores.compliance import all_theaters


def public(number: Any, *position: Any, **address: Any) -> dict[str, Any]:
    """A document as sample_mflix has them, with an invented address."""
    geo = {"type": "Point", "coordinates": list(position)}
    return {"_id": ObjectId(), "theaterId": number, "location": {"address": address, "geo": geo}}


async def test_theaters_of_others_are_read_in_place_and_followed(mongo_url: str) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    with MongoClient[dict[str, Any]](mongo_url) as client:
        theirs = client.get_default_database()["theaters"]
        known = public(1000.0, -93.2, 44.8, street1="1 A", street2="Floor 2", city="B", state="MN", zipcode=55425)
        known["seats"] = 400
        async with following(store) as follower:
            await store.settle()
            follower.changes.clear()
            theirs.insert_many(
                [
                    known,
                    public(1001, 1, 2),
                    public(1001, 1, 3),
                    public(1004, 5, 6),
                    public(1002, 200.0, 10.0),
                    public(1003, "a", "b"),
                    public({"a": 1}, 1.0, 1.0),
                    {"location": 7},
                ]
            )
            await store.settle()
            assert set(follower.ids()) == {THEATERS}
            read = await all_theaters(store)
            assert read[0] == Place(id="1000", kind="theater", lat=44.8, lon=-93.2, street="1 A, Floor 2", city="B",
                                    state="MN", zipcode="55425")  # fmt: skip
            assert [place.id for place in read] == ["1000", "1001", "1004"]
            assert await store.load_theaters([read[0], read[2]]) == Stored(inserted=0, updated=0, unchanged=2)
            own = Place(id="csv:7", kind="theater", name="Ours", lat=1.0, lon=2.0)
            moved = Place(id="1000", kind="theater", name="Rex", lat=45.0, lon=-93.0)
            assert await store.load_theaters([moved, own]) == Stored(inserted=1, updated=1, unchanged=0)
            document = theirs.find_one({"theaterId": 1000})
            assert document is not None
            assert (document["_id"], document["seats"]) == (known["_id"], 400)
            assert document["location"]["geo"] == {"type": "Point", "coordinates": [-93.0, 45.0]}
            follower.changes.clear()
            theirs.drop()
            await store.settle()
            assert THEATERS in follower.ids()
        theirs.insert_one(known)
        await store.load_theaters([own])
        await store.clear()
        assert [place.id for place in await all_theaters(store)] == ["1000"], "what others brought is theirs"
        await store.load_theaters([own])
        await store.disown()
        assert [document["theaterId"] for document in theirs.find()] == [1000]
