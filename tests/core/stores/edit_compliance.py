"""What every database must hold to when one movie is written: versions, conflicts, and who hears of it."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.errors import EditConflict, MovieExists, MovieNotFound, StoreUnavailable
from core.model import Movie, replace
from core.stores.base import Store
from tests.core.stores.corpus import BARE, FULL
from tests.core.stores.open_stores import MOVIES, OpenStores


class EditCompliance(OpenStores):
    """Inserts, updates and removals, by one store or by several at once."""

    async def test_insert_refuses_an_id_that_is_there(self, store: Store) -> None:
        first = await store.insert(FULL)
        with pytest.raises(MovieExists) as refusal:
            await store.insert(replace(BARE, id=FULL.id))
        assert refusal.value.id == FULL.id
        assert await store.get(FULL.id) == first

    async def test_an_update_changes_nothing_before_it_may(self, store: Store) -> None:
        stored = await store.insert(FULL)
        changed = replace(stored, runtime=7)

        async def refused() -> None:
            assert await store.get(FULL.id) == stored
            raise StoreUnavailable("elsewhere", "it may not")

        async def allowed() -> None:
            assert await store.get(FULL.id) == stored

        with pytest.raises(StoreUnavailable, match="it may not"):
            await store.update(changed, refused())
        assert await store.get(FULL.id) == stored
        updated = await store.update(changed, allowed())
        assert await store.get(FULL.id) == updated
        assert updated.runtime == 7

    async def test_update_needs_the_version_it_began_from(self, store: Store) -> None:
        base = await store.insert(FULL)
        theirs = await store.update(replace(base, runtime=118))
        with pytest.raises(EditConflict) as conflict:
            await store.update(replace(base, runtime=119))
        assert conflict.value.current == theirs
        assert conflict.value.base == base.version
        assert await store.get(FULL.id) == theirs

    async def test_update_of_a_movie_that_is_gone(self, store: Store) -> None:
        base = await store.insert(FULL)
        await store.delete(base.id, base.version)
        with pytest.raises(MovieNotFound) as missing:
            await store.update(replace(base, runtime=118))
        assert missing.value.id == base.id
        with pytest.raises(MovieNotFound):
            await store.update(replace(base, id="no such id \x00"))
        with pytest.raises(MovieNotFound):
            await store.delete("no such id \x00", base.version)
        assert await store.get(base.id) is None

    async def test_delete(self, filled: Store) -> None:
        base = await filled.get(FULL.id)
        assert base is not None
        removal = await filled.delete(base.id, base.version)
        assert removal > base.version
        assert await filled.get(base.id) is None
        assert await filled.count() == len(MOVIES) - 1
        with pytest.raises(MovieNotFound):
            await filled.delete(base.id, base.version)

    async def test_delete_needs_the_version_it_began_from(self, store: Store) -> None:
        base = await store.insert(FULL)
        theirs = await store.update(replace(base, runtime=118))
        with pytest.raises(EditConflict) as conflict:
            await store.delete(base.id, base.version)
        assert conflict.value.current == theirs
        assert await store.get(base.id) == theirs

    async def test_versions_are_the_clock_in_microseconds(self, store: Store) -> None:
        stored = await store.insert(replace(BARE, version=7))
        assert abs(stored.version / 1e6 - time.time()) < 60

    async def test_versions_only_grow(self, store: Store) -> None:
        seen = []
        for _ in range(5):
            movie = await store.insert(BARE)
            seen.append(movie.version)
            for runtime in range(1, 4):
                movie = await store.update(replace(movie, runtime=runtime))
                seen.append(movie.version)
            await store.load([replace(BARE, runtime=99)])
            loaded = await store.get(BARE.id)
            assert loaded is not None
            seen.append(loaded.version)
            seen.append(await store.delete(BARE.id, loaded.version))
        assert seen == sorted(set(seen))

    async def test_one_winner_among_edits_of_one_base(self, store: Store, other: Store) -> None:
        base = await store.insert(BARE)
        losers: list[EditConflict] = []

        async def edit(number: int) -> Movie | None:
            try:
                return await (store, other)[number % 2].update(replace(base, runtime=number + 1))
            except EditConflict as conflict:
                losers.append(conflict)
                return None

        outcomes = await asyncio.gather(*(edit(number) for number in range(24)))
        winners = [movie for movie in outcomes if movie is not None]
        assert len(winners) == 1
        assert all(loser.base == base.version and loser.current == winners[0] for loser in losers)
        assert await store.get(BARE.id) == winners[0]

    async def test_one_winner_among_inserts_of_one_id(self, store: Store, other: Store) -> None:
        async def add(number: int) -> Movie | None:
            try:
                return await (store, other)[number % 2].insert(replace(BARE, runtime=number + 1))
            except MovieExists:
                return None

        outcomes = await asyncio.gather(*(add(number) for number in range(24)))
        winners = [movie for movie in outcomes if movie is not None]
        assert len(winners) == 1
        assert await store.get(BARE.id) == winners[0]

    async def test_no_version_is_given_twice_whatever_the_order_of_writers(self, store: Store, other: Store) -> None:
        """Many tasks insert, edit and delete one id: each acknowledged version is above those acknowledged before."""
        versions: list[int] = []

        async def write(number: int) -> None:
            through = (store, other)[number % 2]
            for turn in range(12):
                floor = max(versions, default=0)
                try:
                    current = await through.get(BARE.id)
                    if current is None:
                        given = (await through.insert(BARE)).version
                    elif (number + turn) % 2:
                        given = await through.delete(BARE.id, current.version)
                    else:
                        given = (await through.update(replace(current, runtime=number * 100 + turn + 1))).version
                except (MovieExists, MovieNotFound, EditConflict):
                    continue
                assert given > floor
                versions.append(given)

        await asyncio.gather(*(write(number) for number in range(15)))
        assert len(versions) >= 10, "of fifteen who all read the same state one wins: hardly more than one a turn"
        assert len(set(versions)) == len(versions)

    async def test_an_acknowledged_write_is_seen_by_everyone(self, store: Store, other: Store) -> None:
        movie = await store.insert(BARE)
        for runtime in range(1, 20):
            movie = await store.update(replace(movie, runtime=runtime))
            assert await other.get(BARE.id) == movie

    async def test_what_changed_since_a_place_is_told(self, filled: Store, other: Store) -> None:
        async def since(place: bytes | None) -> set[str] | None:
            ids = (await filled.changed_since(place)).ids
            return None if ids is None else set(ids)

        assert await since(None) is None
        beginning = (await filled.changed_since(None)).place
        assert await since(beginning) == set()
        edited, gone, *_ = MOVIES
        present = await other.get_many([edited.id, gone.id])
        await other.update(replace(present[edited.id], runtime=7))
        between = await filled.changed_since(beginning)
        assert between.ids == (edited.id,)
        await filled.delete(gone.id, present[gone.id].version)
        await other.insert(replace(BARE, id="new"))
        assert await since(between.place) == {gone.id, "new"}
        assert await since(beginning) == {edited.id, gone.id, "new"}
        assert await since((await filled.changed_since(between.place)).place) == set()
        await other.clear()
        assert await since(beginning) is None

    async def test_every_acknowledged_write_is_told(self, filled: Store, other: Store) -> None:
        place, acknowledged, told = (await filled.changed_since(None)).place, list[str](), set[str]()

        async def write(first: int) -> None:
            for number in range(first, first + 15):
                acknowledged.append((await other.insert(replace(BARE, id=f"w{number}"))).id)

        writing, turn = asyncio.gather(*(write(100 * number) for number in range(6))), 0
        while not writing.done():
            turn += 1
            asked = tuple(acknowledged)
            asking = asyncio.create_task(filled.changed_since(place))
            if turn % 3 == 0:
                for _ in range(turn % 16):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
                continue
            since = await asking
            told.update(since.ids or ())
            assert told.issuperset(asked)
            place = since.place
        told.update((await filled.changed_since(place)).ids or ())
        assert len(told) == len(await writing) * 15
