"""What every database behind the contract must do as a change log, and as the place where copies suspend the cache.

A store's own test class inherits it beside `StoreCompliance`, and gives two more fixtures, `elsewhere` and `away`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from msgspec import structs

from core.errors import EditConflict, MovieExists, StoreUnavailable
from core.model import Movie, replace
from core.place import Place
from core.stores.base import THEATERS, Changed, Standing, Store
from tests.core.stores.corpus import BARE, FULL, corpus
from tests.core.stores.open_stores import NewStore, OpenStores

Away = Callable[[], AbstractAsyncContextManager[None]]
_PATIENCE = 60.0
"""Seconds after which something that must happen counts as not happening."""


class Follower:
    """Follows a store and keeps what it was handed. While `holding` is set, it does not return from applying."""

    def __init__(self) -> None:
        self.changes: list[Changed] = []
        self.holding = False
        self.following: asyncio.Task[None] | None = None
        """What hands it changes, where somebody waits for them."""
        self._released = asyncio.Event()
        self._news = asyncio.Event()

    async def apply(self, batch: Sequence[Changed]) -> None:
        self.changes.extend(batch)
        self._news.set()
        if self.holding:
            await self._released.wait()

    def release(self) -> None:
        """Let applying return, now and from now on."""
        self.holding = False
        self._released.set()

    def ids(self) -> list[str]:
        return [change.id for change in self.changes]

    async def until(self, *wanted: tuple[str, int]) -> None:
        """Until each of these ids was handed out at this version, or a change of all was."""
        async with asyncio.timeout(_PATIENCE):
            while not reach(self.changes, wanted):
                assert self.following is None or not self.following.done(), self.following
                self._news.clear()
                await self._news.wait()

    def ended(self, following: asyncio.Task[None]) -> None:
        """Nothing comes any more."""
        self._news.set()


def reach(changes: Iterable[Changed], wanted: Iterable[tuple[str, int]]) -> bool:
    """Whether each id is there, by itself at this version (or any, where forced), or as one of all."""
    seen = list(changes)
    return all(
        any(c.id == "" or (c.id == id and (c.version == version or c.forced)) for c in seen) for id, version in wanted
    )


@asynccontextmanager
async def following(store: Store, follower: Follower | None = None) -> AsyncIterator[Follower]:
    """Somebody who follows the store. That it ends by itself is an error of the test."""
    follower = follower or Follower()
    task = follower.following = asyncio.create_task(store.follow(follower.apply))
    task.add_done_callback(follower.ended)
    try:
        yield follower
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


class ChangeLogCompliance(OpenStores):
    """The tests."""

    @pytest.fixture
    def elsewhere(self) -> Store:
        """A store, not yet opened, on another database of the same server."""
        raise NotImplementedError

    @pytest.fixture
    def away(self) -> Away:
        """A context in which no store reaches the database of this test: connections are cut, new ones fail."""
        raise NotImplementedError

    # -------------------------------------------------------------------------------------------------- following

    async def test_every_kind_of_write_is_followed(self, store: Store, other: Store) -> None:
        async with following(store) as follower:
            inserted = await other.insert(BARE)
            await follower.until((BARE.id, inserted.version))
            updated = await store.update(replace(inserted, runtime=7))
            await follower.until((BARE.id, updated.version))
            removal = await other.delete(BARE.id, updated.version)
            await follower.until((BARE.id, inserted.version), (BARE.id, updated.version), (BARE.id, removal))
            await store.settle()
            *edits, last = follower.changes
            assert {(change.id, change.version, change.forced) for change in edits} == {
                (BARE.id, inserted.version, False),
                (BARE.id, updated.version, False),
            }
            assert (last.id, last.forced) == (BARE.id, True)
            assert all(abs(change.at - inserted.version / 1e6) < 60 for change in follower.changes)

    async def test_what_was_not_committed_is_not_followed(self, store: Store) -> None:
        base = await store.insert(FULL)
        broken = replace(BARE, id="Q2", plot="NUL \x00 and a lone surrogate \ud800, which no door lets in")
        async with following(store) as follower:
            await follower.until((FULL.id, base.version))
            await store.settle()
            follower.changes.clear()
            with pytest.raises(MovieExists):
                await store.insert(FULL)
            with pytest.raises(EditConflict):
                await store.update(replace(base, version=base.version - 1))
            with pytest.raises(EditConflict):
                await store.delete(base.id, base.version - 1)
            with pytest.raises(Exception, match=r".+"):
                await store.load([replace(FULL, runtime=1), broken])
            after = await store.insert(BARE)
            await follower.until((BARE.id, after.version))
            await store.settle()
            assert set(follower.ids()) == {BARE.id}

    async def test_a_load_is_followed(self, store: Store, other: Store) -> None:
        async with following(store) as follower:
            await other.load(corpus())
            await other.settle()
            loaded = await store.get_many([movie.id for movie in corpus()])
            assert reach(follower.changes, [(movie.id, movie.version) for movie in loaded.values()])

    async def test_theaters_are_followed_as_one(self, store: Store, other: Store) -> None:
        async with following(store) as follower:
            await store.settle()
            follower.changes.clear()
            theater = Place(id="7", kind="theater", name="Rex", lat=1.0, lon=2.0)
            await other.load_theaters([theater, structs.replace(theater, id="8")])
            await other.settle()
            assert set(follower.ids()) == {THEATERS}
            assert all(change.forced for change in follower.changes)

    async def test_a_clearing_is_followed(self, store: Store) -> None:
        await store.load(corpus())
        async with following(store) as follower:
            await store.settle()
            follower.changes.clear()
            await store.clear()
            await store.settle()
            assert reach(follower.changes, [(movie.id, 0) for movie in corpus()])

    async def test_what_changed_while_nobody_followed_goes_out_later(self, store: Store, new_store: NewStore) -> None:
        inserted = await store.insert(BARE)
        removal = await store.delete(BARE.id, inserted.version)
        again = await store.insert(FULL)
        await store.close()
        later = new_store()
        await later.open()
        try:
            async with following(later) as follower:
                await follower.until((BARE.id, removal), (FULL.id, again.version))
        finally:
            await later.close()

    async def test_where_applying_raises_the_batch_goes_out_again(self, store: Store, other: Store) -> None:
        inserted = await store.insert(BARE)
        refused: list[Changed] = []

        async def refuse(batch: Sequence[Changed]) -> None:
            refused.extend(batch)
            raise LookupError("no cache")

        for follows in (store, store, other):
            refused.clear()
            with pytest.raises(LookupError, match="no cache"):
                await within(follows.follow(refuse))
            assert reach(refused, [(BARE.id, inserted.version)])
        async with following(other) as follower:
            await follower.until((BARE.id, inserted.version))

    async def test_what_was_applied_does_not_go_out_again(self, store: Store, other: Store) -> None:
        inserted = await store.insert(BARE)
        async with following(store) as follower:
            await follower.until((BARE.id, inserted.version))
            await store.settle()
        async with following(other) as late:
            marker = await store.insert(FULL)
            await late.until((FULL.id, marker.version))
            assert set(late.ids()) == {FULL.id}

    async def test_two_followers_lose_nothing(self, store: Store, other: Store) -> None:
        written: list[tuple[str, int]] = []

        async def write(number: int) -> None:
            through = (store, other)[number % 2]
            movie = await through.insert(replace(BARE, id=f"Q{number}"))
            written.append((movie.id, movie.version))
            for runtime in (1, 2):
                movie = await through.update(replace(movie, runtime=runtime))
                written.append((movie.id, movie.version))

        async with following(store) as one, following(other) as two:
            await asyncio.gather(*(write(number) for number in range(40)))
            await within(store.settle())
            assert len(written) == 120
            assert reach([*one.changes, *two.changes], written)

    async def test_a_follower_cancelled_while_it_applies_loses_nothing(self, store: Store, other: Store) -> None:
        inserted = await store.insert(BARE)
        first = Follower()
        first.holding = True
        async with following(store, first):
            await first.until((BARE.id, inserted.version))
            later = await other.insert(FULL)
        async with following(other) as second:
            await second.until((BARE.id, inserted.version), (FULL.id, later.version))

    async def test_a_follower_cancelled_at_any_point_loses_nothing(self, store: Store, other: Store) -> None:
        reached: list[Changed] = []
        written: list[tuple[str, int]] = []
        for ticks in range(0, 80, 4):
            movie = await other.insert(replace(BARE, id=f"Q{ticks}"))
            written.append((movie.id, movie.version))
            follower = Follower()
            async with following(store, follower):
                for _ in range(ticks):
                    await asyncio.sleep(0)
            reached.extend(follower.changes)
        async with following(store) as last:
            await within(other.settle())
            assert reach([*reached, *last.changes], written)

    async def test_a_store_that_is_closed_has_no_follower(self, store: Store) -> None:
        follower = Follower()
        task = asyncio.create_task(store.follow(follower.apply))
        inserted = await store.insert(BARE)
        await follower.until((BARE.id, inserted.version))
        await store.close()
        with pytest.raises(StoreUnavailable):
            await within(task)
        with pytest.raises(StoreUnavailable):
            await within(store.follow(follower.apply))
        with pytest.raises(StoreUnavailable):
            await store.standing()

    async def test_a_follower_that_loses_the_store_says_so_and_can_go_on(self, store: Store, away: Away) -> None:
        follower = Follower()
        before = await store.insert(BARE)
        task = asyncio.create_task(store.follow(follower.apply))
        await follower.until((BARE.id, before.version))
        async with away():
            with pytest.raises(StoreUnavailable):
                await within(task)
            calls: list[Awaitable[None] | Awaitable[Standing]] = [
                store.follow(follower.apply), store.settle(), store.standing(), store.suspend("me", 60)
            ]  # fmt: skip
            for outcome in await asyncio.gather(*(within(call) for call in calls), return_exceptions=True):
                assert isinstance(outcome, StoreUnavailable)
        async with following(store) as again:
            after = await store.insert(FULL)
            await again.until((FULL.id, after.version))
            await within(store.settle())
            assert (await store.standing()).suspended == 0

    # --------------------------------------------------------------------------------------------------- settling

    async def test_to_settle_is_to_wait_for_the_follower(self, store: Store, other: Store) -> None:
        inserted = await store.insert(BARE)
        follower = Follower()
        follower.holding = True
        async with following(store, follower):
            await follower.until((BARE.id, inserted.version))
            settled = asyncio.create_task(other.settle())
            for _ in range(20):
                await other.standing()
            assert not settled.done()
            follower.release()
            await within(settled)

    async def test_nothing_pending_is_settled(self, store: Store) -> None:
        async with following(store):
            await within(store.settle())

    async def test_to_settle_is_not_to_wait_for_what_comes_later(self, store: Store, other: Store) -> None:
        async def go_on(movie: Movie) -> None:
            while True:
                movie = await other.update(replace(movie, runtime=(movie.runtime or 0) % 100 + 1))

        writer = asyncio.create_task(go_on(await store.insert(BARE)))
        async with following(store):
            await within(store.settle())
            assert not writer.done()
            writer.cancel()
            await asyncio.wait([writer])

    # --------------------------------------------------------------------------------------------------- standing

    async def test_a_suspension_is_seen_by_everyone_until_it_is_taken_back(self, store: Store, other: Store) -> None:
        assert (await other.standing()).suspended == 0
        await store.suspend("one", 60)
        await store.suspend("one", 60)
        assert (await other.standing()).suspended == 1
        await other.suspend("two", 60)
        assert [(await s.standing()).suspended for s in (store, other)] == [2, 2]
        await other.resume("two")
        await other.resume("never suspended")
        assert (await store.standing()).suspended == 1
        await store.resume("one")
        assert [(await s.standing()).suspended for s in (store, other)] == [0, 0]

    async def test_a_suspension_outlives_who_made_it(self, store: Store, new_store: NewStore) -> None:
        await store.suspend("one", 60)
        await store.close()
        later = new_store()
        await later.open()
        try:
            assert (await later.standing()).suspended == 1
        finally:
            await later.close()

    async def test_a_suspension_ends_by_itself(self, store: Store, other: Store) -> None:
        await store.suspend("long", 60)
        await store.suspend("short", 0.2)
        async with asyncio.timeout(_PATIENCE):
            while (await other.standing()).suspended > 1:  # its end is the passing of time: there is nothing to await
                await asyncio.sleep(0.01)
        assert (await other.standing()).suspended == 1
        await store.suspend("short", 60)
        assert (await other.standing()).suspended == 2
        await store.suspend("short", 0)
        assert (await other.standing()).suspended == 1

    async def test_the_cache_is_named_by_one_at_a_time(self, store: Store, other: Store) -> None:
        assert (await store.standing()).cache is None
        assert not await store.name_cache("never said", "one")
        first = await asyncio.gather(*(each.name_cache(None, says) for each, says in _saying(store, other)))
        assert sorted(first) == [False] * 5 + [True]
        named = (await other.standing()).cache
        assert named is not None
        again = await asyncio.gather(*(each.name_cache(named, f"{says} again") for each, says in _saying(store, other)))
        assert sorted(again) == [False] * 5 + [True]
        assert await other.name_cache((await store.standing()).cache, "last, with 'quotes' and $ä")
        assert (await store.standing()).cache == "last, with 'quotes' and $ä"
        assert not await store.name_cache(None, "too late")

    async def test_pending_changes_are_counted_where_they_are_counted_at_all(self, store: Store) -> None:
        assert (await store.standing()).pending in (0, None)
        await store.insert(BARE)
        await store.insert(FULL)
        assert (await store.standing()).pending in (2, None)
        async with following(store):
            await within(store.settle())
        assert (await store.standing()).pending in (0, None)

    async def test_looks_at_the_standing_cancelled_in_flight_break_nothing(self, store: Store) -> None:
        await store.suspend("one", 60)
        for ticks in range(30):
            look = asyncio.create_task(store.standing())
            for _ in range(ticks):
                await asyncio.sleep(0)
            look.cancel()
            await asyncio.wait([look])
            assert isinstance(await store.standing(), Standing)
        await store.resume("one")
        assert (await store.standing()).suspended == 0

    # -------------------------------------------------------------------------------------------------------- name

    async def test_a_collection_has_a_name_of_its_own(self, store: Store, other: Store, elsewhere: Store) -> None:
        uid = await store.uid()
        assert len(uid) == 16
        assert set(uid) <= set("0123456789abcdef")
        assert await other.uid() == uid
        await elsewhere.open()
        try:
            assert await elsewhere.uid() != uid
        finally:
            await elsewhere.close()

    async def test_the_name_stays(self, store: Store, new_store: NewStore) -> None:
        uid = await store.uid()
        await store.load(corpus())
        await store.set_note("shipped", "yes")
        await store.clear()
        assert await store.uid() == uid
        await store.close()
        later = new_store()
        await later.open()
        try:
            assert await later.uid() == uid
        finally:
            await later.close()

    async def test_two_who_open_an_empty_database_at_once_agree_on_its_name(self, new_store: NewStore) -> None:
        stores = [new_store() for _ in range(4)]
        try:
            await asyncio.gather(*(store.open() for store in stores))
            assert len({await store.uid() for store in stores}) == 1
        finally:
            await asyncio.gather(*(store.close() for store in stores))


async def within(happens: Awaitable[None] | Awaitable[Standing]) -> None:
    """Await what must happen."""
    async with asyncio.timeout(_PATIENCE):
        await happens


def _saying(*stores: Store) -> list[tuple[Store, str]]:
    """Each store three times, each with something else to say."""
    return [(store, f"{who}.{number}") for who, store in enumerate(stores) for number in range(3)]
