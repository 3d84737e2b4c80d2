"""What an older program kept beside each document is made anew when this one opens the collection."""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.uri_parser import parse_uri

from core.query import Query
from core.stores.mongo import MongoStore
from core.stores.mongo_documents import SCHEME
from tests.core.stores.corpus import BARE, FULL


async def test_older_keys_are_made_anew_once(mongo_url: str) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    await store.load([FULL, BARE])
    await store.close()
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_url)
    async with client:
        database = client[parse_uri(mongo_url)["database"]]
        old = {"reelcache.words": ["alien"], "reelcache.seal": "of an older scheme"}
        await database.movies.update_many({}, {"$set": old, "$unset": {"reelcache.sort": ""}})
        await database.reelcache_notes.update_many({"_id": "owner"}, {"$set": {"scheme": SCHEME - 1}})
        again = MongoStore(mongo_url, timeout=20.0)
        await again.open()
        try:
            director = FULL.directors[0]
            assert (await again.window(Query(within=(("directors", director),)), 0, 9)).ids == (FULL.id,)
            for sort in ("directors", "score"):
                assert (await again.window(Query(sort=sort), 0, 9)).ids == (FULL.id, BARE.id)
            versions = {id: movie.version for id, movie in (await again.get_many((FULL.id, BARE.id))).items()}
        finally:
            await again.close()
        await again.open()
        try:
            found = await again.get_many((FULL.id, BARE.id))
            assert {id: movie.version for id, movie in found.items()} == versions
        finally:
            await again.close()
