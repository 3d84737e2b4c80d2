"""The store compliance suite: what every database behind the contract of `core.stores.base` must do.

A store's own test module inherits `StoreCompliance` and gives the fixtures that raise NotImplementedError in
`open_stores`.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec import structs

from core.errors import StoreUnavailable
from core.model import replace
from core.place import Place
from core.query import Query
from core.stores.base import Store, Stored
from tests.core.stores.corpus import BARE, FULL
from tests.core.stores.edit_compliance import EditCompliance
from tests.core.stores.load_compliance import LoadCompliance
from tests.core.stores.open_stores import MOVIES, NewStore
from tests.core.stores.query_compliance import QueryCompliance
from tests.core.stores.record_compliance import RecordCompliance


class StoreCompliance(RecordCompliance, EditCompliance, QueryCompliance, LoadCompliance):
    """All of them, and what is kept beside the movies, opening, closing, and being asked by many."""

    async def test_notes(self, store: Store, other: Store) -> None:
        assert await store.note("shipped") is None
        await store.set_note("shipped", "sha256 '$\\ 😀")
        await store.set_note("$other.name", "x")
        assert await other.note("shipped") == "sha256 '$\\ 😀"
        await store.set_note("shipped", "")
        assert await other.note("shipped") == ""
        assert await other.note("$other.name") == "x"

    async def test_clear(self, filled: Store) -> None:
        await filled.set_note("shipped", "yes")
        before = await filled.get(FULL.id)
        assert before is not None
        await filled.clear()
        assert await filled.count() == 0
        assert await filled.note("shipped") is None
        assert await filled.get(FULL.id) is None
        assert await filled.counts(Query(), "genres") == ()
        again = await filled.insert(FULL)
        assert again.version > before.version

    async def test_theaters_are_kept_beside_the_movies(self, store: Store, other: Store) -> None:
        theaters = [
            Place(id="1000", kind="theater", lat=44.85466, lon=-93.24565, street="340 W Market", city="Bloomington",
                  state="MN", zipcode="55425"),
            Place(id="csv:é'\"\\ $x", kind="theater", name="Le Grand Rex {$gt: 1}", lat=48.87, lon=2.347, country="FR"),
            Place(id="0042", kind="theater", name="42", lat=-85.05112878, lon=-180.0),
            Place(id="42", kind="theater", name="千と千尋 \u200d", lat=0.1 + 0.2, lon=180.0),
        ]  # fmt: skip
        assert await all_theaters(store) == []
        # Two who bring the same at once bring it once.
        loads = await asyncio.gather(*(each.load_theaters(theaters) for each in (store, other)))
        assert sum(load.inserted + load.updated + load.unchanged for load in loads) == 8
        assert await all_theaters(other) == sorted(theaters, key=lambda place: place.id)
        assert await store.load_theaters(theaters) == Stored(inserted=0, updated=0, unchanged=4)
        moved = structs.replace(theaters[0], lat=45.0, street=None, name="Moved")
        assert await other.load_theaters([moved, theaters[1]]) == Stored(inserted=0, updated=1, unchanged=1)
        assert await all_theaters(store, 44.9, 60) == [moved, theaters[1]]
        assert await store.count() == 0
        await store.clear()
        assert await all_theaters(other) == []

    async def test_identity(self, store: Store) -> None:
        identity = await store.identity()
        assert identity.product.lower() == store.name
        assert identity.version[0].isdigit()
        assert identity.address

    async def test_what_was_stored_outlives_the_store_object(self, new_store: NewStore, filled: Store) -> None:
        await filled.close()
        again = new_store()
        await again.open()
        try:
            assert await again.count() == len(MOVIES)
            assert await again.load(MOVIES) == Stored(inserted=0, updated=0, unchanged=len(MOVIES))
        finally:
            await again.close()

    async def test_two_may_open_an_empty_database_at_once(self, new_store: NewStore) -> None:
        stores = [new_store() for _ in range(4)]
        try:
            await asyncio.gather(*(store.open() for store in stores))
            for number, store in enumerate(stores):
                await store.insert(replace(BARE, id=f"Q{number}"))
            assert [await store.count() for store in stores] == [len(stores)] * len(stores)
        finally:
            await asyncio.gather(*(store.close() for store in stores))

    async def test_closing_twice_is_fine_and_using_it_after_is_not(self, new_store: NewStore) -> None:
        store = new_store()
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.get(FULL.id)
        with pytest.raises(StoreUnavailable):
            await store.insert(FULL)

    async def test_closing_what_was_never_open_is_fine(self, new_store: NewStore) -> None:
        await new_store().close()

    async def test_nobody_at_the_address(self, unreachable: Store, capfd: pytest.CaptureFixture[str]) -> None:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as failure:
            await unreachable.open()
        assert time.monotonic() - began < 5
        assert "s3cret" not in f"{failure.value} {failure.value!r} {failure.value.__cause__!r} {unreachable!r}"
        assert failure.value.reason
        assert failure.value.remedy
        await unreachable.close()
        assert capfd.readouterr() == ("", "")

    async def test_reads_cancelled_in_flight_break_nothing(self, filled: Store) -> None:
        for ticks in range(40):
            read = asyncio.create_task(filled.window(Query(text="a", sort="year"), 0, 50))
            for _ in range(ticks % 20):
                await asyncio.sleep(0)
            read.cancel()
            await asyncio.wait([read])
            assert await filled.count() == len(MOVIES)

    async def test_many_readers_at_once(self, filled: Store) -> None:
        found = await asyncio.gather(*(filled.get(MOVIES[n % len(MOVIES)].id) for n in range(300)))
        assert all(movie is not None for movie in found)


async def all_theaters(store: Store, *between: float) -> list[Place]:
    """What the store has, as it comes."""
    return [theater async for part in store.theaters(*between) for theater in part]
