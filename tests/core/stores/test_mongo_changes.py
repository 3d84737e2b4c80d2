"""The changes that MongoDB's store hands out: edits made by hand, leaders that die, history that is lost."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from core.errors import EditConflict, ForeignCollection, MovieExists, MovieNotFound, StoreUnavailable
from core.model import Movie, replace
from core.query import Query
from core.stores import mongo_journal, mongo_lease
from core.stores.base import Changed, Standing
from core.stores.mongo import MongoStore
from core.stores.mongo_connection import RELAY, TOMBSTONES
from core.stores.mongo_queries import WORDS
from tests.core.stores.change_log_compliance import Follower
from tests.core.stores.change_log_compliance import following as followed
from tests.core.stores.corpus import FULL
from tests.core.stores.mongod import Mongod
from tests.core.stores.sample_mflix import DOCUMENTS, NAMEABLE, TIDY
from tests.core.waiting import until
from tests.processes import hold

Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
async def raw(mongo_url: str) -> AsyncIterator[Database]:
    """The database as others see it."""
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        yield client.get_default_database()


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(mongo_url: str, store: MongoStore) -> AsyncIterator[MongoStore]:
    """Another process's, as it were."""
    other = MongoStore(mongo_url, timeout=20.0)
    await other.open()
    yield other
    await other.close()


@asynccontextmanager
async def following(store: MongoStore) -> AsyncIterator[Follower]:
    """A follower while the body runs, which must not take for ever."""
    async with asyncio.timeout(60), followed(store) as follower:
        yield follower


def of(follower: Follower, id: str) -> list[Changed]:
    """The changes of one movie."""
    return [change for change in follower.changes if change.id == id]


async def present(store: MongoStore, id: str) -> Movie:
    movie = await store.get(id)
    assert movie is not None
    return movie


async def found(store: MongoStore, text: str) -> tuple[str, ...]:
    return (await store.window(Query(text=text), 0, 50)).ids


async def keep_place(store: MongoStore) -> None:
    """Have the place kept once, so that what follows is history."""
    async with following(store):
        await store.settle()


async def test_our_own_writes_are_versioned_and_a_removal_is_forced(store: MongoStore) -> None:
    await keep_place(store)
    small = await store.insert(Movie(id="Q1", title="A"))
    # So much of it changes that the server logs the whole document.
    rewritten = await store.update(replace(small, title="Something else altogether", year=1999, plot="Long ago."))
    full = await store.insert(FULL)
    edited = await store.update(replace(full, runtime=7))
    removal = await store.delete(FULL.id, edited.version)
    async with following(store) as follower:
        await store.settle()
    assert [(change.version, change.forced) for change in of(follower, "Q1")] == [
        (small.version, False),
        (rewritten.version, False),
    ]
    assert [(change.version, change.forced) for change in of(follower, FULL.id)] == [
        (full.version, False),
        (edited.version, False),
        (removal, True),
    ]
    assert all(abs(change.at - time.time()) < 60 for change in follower.changes)
    assert await store.get("Q1") == rewritten


async def test_what_others_put_in_the_place_of_a_bulk_loads_movie_is_healed(store: MongoStore, raw: Database) -> None:
    await keep_place(store)
    async with store.bulk(2):
        await store.load([Movie(id="Q1", title="One"), Movie(id="Q2", title="Two")])
    document = await raw.movies.find_one_and_delete({"_id": "Q1"})
    await raw.movies.insert_one({**(document or {}), "title": "Another"})
    async with following(store) as follower:
        await store.settle()
    loaded = (await present(store, "Q2")).version
    assert [(change.version, change.forced) for change in of(follower, "Q2")] == [(loaded, False)]
    assert [change.forced for change in of(follower, "Q1")][:3] == [False, True, True]
    assert await found(store, "another") == ("Q1",)
    assert (await present(store, "Q1")).version > max(change.version for change in of(follower, "Q1")[:1])
    indexed = await raw.movies.index_information()
    assert {"reelcache_year", WORDS, "reelcache_genres_key"} <= set(indexed)


async def test_beside_a_bulk_load_all_movies_may_have_changed_and_what_others_write_is_healed(
    store: MongoStore, raw: Database, mongo_url: str
) -> None:
    await keep_place(store)
    async with following(store) as follower:
        async with store.bulk(1_000):
            await store.load([Movie(id="Q1", title="One"), Movie(id="Q2", title="Two")])
            await until(lambda: "" in follower.ids())
            told = len(follower.changes)
            place = (await raw[RELAY].find_one({"_id": "lease"}) or {})["place"]
            await store.load([Movie(id="Q3", title="Three"), Movie(id="Q4", title="Four")])
            await store.settle()
            assert set(follower.ids()[told:]) == {""}
            document = await raw.movies.find_one_and_delete({"_id": "Q3"})
            await raw.movies.insert_one({**(document or {}), "title": "Another"})
            await raw.movies.update_one({"_id": "Q4"}, {"$set": {"title": "Edited"}})
            await store.settle()
            assert [change.forced for change in of(follower, "Q3")][:1] == [True]
            assert await found(store, "another") == ("Q3",)
            assert await found(store, "edited") == ("Q4",)
            # Whoever led after this process's death would see all that was not looked at.
            assert (await raw[RELAY].find_one({"_id": "lease"}) or {})["place"] == place
        await until(lambda: follower.ids()[-1] == "")
        saved = await store.insert(Movie(id="Q5", title="Five"))
        await store.settle()
        assert [change.version for change in of(follower, "Q5")] == [saved.version]
    assert (await raw[RELAY].find_one({"_id": "lease"}) or {})["place"] != place


async def test_the_log_begins_after_what_was_there(store: MongoStore, raw: Database, mongo_url: str) -> None:
    await store.insert(FULL)
    await raw[RELAY].delete_many({})
    await raw.movies.delete_one({"_id": FULL.id})
    again = MongoStore(mongo_url, timeout=20.0)
    await again.open()
    async with following(again) as follower:
        saved = await again.insert(Movie(id="Q1", title="A"))
        await again.settle()
        assert [(change.id, change.version) for change in follower.changes] == [("Q1", saved.version)]
    await again.close()


async def test_an_edit_by_hand_is_healed_before_it_is_handed_out(store: MongoStore, raw: Database) -> None:
    before = await store.insert(FULL)
    async with following(store) as follower:
        await store.settle()
        await raw.movies.update_one({"_id": FULL.id}, {"$set": {"title": "By hand"}})
        await store.settle()
        after = await present(store, FULL.id)
        [forced] = [change for change in of(follower, FULL.id) if change.forced]
        assert forced.version == after.version > before.version
        assert after.title == "By hand"
        assert await found(store, "hand") == (FULL.id,)
        assert await found(store, "alien") == ()
        with pytest.raises(EditConflict):
            await store.update(replace(before, runtime=1))
        await store.settle()
        assert await present(store, FULL.id) == after


async def test_every_kind_of_edit_by_hand(store: MongoStore, raw: Database) -> None:
    kept = await store.load([Movie(id=f"Q{number}", title=f"Number {number}") for number in range(6)])
    assert kept.inserted == 6
    before = await store.get_many([f"Q{number}" for number in range(6)])
    async with following(store) as follower:
        await store.settle()
        follower.changes.clear()
        # With our sub-document as it was read, the way object mappers save.
        document = await raw.movies.find_one({"_id": "Q0"})
        assert document is not None
        await raw.movies.replace_one({"_id": "Q0"}, {**document, "plot": "Replaced."})
        await raw.movies.replace_one({"_id": "Q1"}, {"title": "Without"})
        await raw.movies.insert_one({"_id": "new", "title": "Inserted"})
        await raw.movies.insert_one({**document, "_id": "copy", "title": "Copied"})
        await raw.movies.delete_one({"_id": "Q2"})
        await raw.movies.update_many({"_id": {"$in": ["Q3", "Q4"]}}, {"$set": {"year": 1901}})
        await raw.movies.update_one({"_id": "Q5"}, {"$unset": {"reelcache": ""}})
        await raw.movies.insert_one({"_id": 17, "title": "No id of ours can name it"})
        await store.settle()
        await store.settle()
    assert {change.id for change in follower.changes} == {"Q0", "Q1", "Q2", "Q3", "Q4", "Q5", "new", "copy"}
    for id in ("Q0", "Q1", "Q3", "Q4", "Q5", "new", "copy"):
        after = await present(store, id)
        assert after.version > (before[id].version if id in before else 0)
        assert next(change.version for change in of(follower, id) if change.forced) == after.version
    assert any(change.forced for change in of(follower, "Q2"))
    assert (await present(store, "Q0")).plot == "Replaced."
    assert await found(store, "without") == ("Q1",)
    assert await found(store, "inserted") == ("new",)
    assert await found(store, "copied") == ("copy",)
    assert (await store.window(Query(year_from=1901, year_to=1901), 0, 9)).total == 2
    assert await store.count() == 7
    untouched = await raw.movies.find_one({"_id": 17})
    assert untouched == {"_id": 17, "title": "No id of ours can name it"}


async def test_an_edit_of_what_is_not_ours_leaves_the_version(store: MongoStore, raw: Database) -> None:
    before = await store.insert(FULL)
    async with following(store) as follower:
        await raw.movies.update_one({"_id": FULL.id}, {"$set": {"plot_embedding": [1, 2]}})
        await store.settle()
        assert await store.get(FULL.id) == before
        assert all(change.version in (0, before.version) for change in follower.changes)


async def test_a_heal_exceeds_the_last_removal(store: MongoStore, raw: Database) -> None:
    ahead = 4 * 10**15
    await store.insert(Movie(id="Q1", title="A"))
    await raw.movies.update_one({"_id": "Q1"}, {"$set": {"reelcache.version": ahead}})
    removal = await store.delete("Q1", ahead)
    await raw.movies.insert_one({"_id": "Q1", "title": "By hand"})
    async with following(store):
        await store.settle()
        assert (await present(store, "Q1")).version > removal > ahead


async def test_a_removal_that_was_given_up_raises_no_floor(store: MongoStore, raw: Database) -> None:
    """Its tombstone stays behind, above the movie that lives on: with it for a floor nobody could fill that movie."""
    await keep_place(store)
    await store.delete("Q1", (await store.insert(Movie(id="Q1", title="A"))).version)
    living = await store.insert(Movie(id="Q1", title="B"))
    await raw[TOMBSTONES].update_one({"_id": "Q1"}, {"$set": {"version": living.version + 1}})
    async with following(store) as follower:
        await store.settle()
    assert {change.version for change in of(follower, "Q1") if change.forced} == {living.version}


async def test_what_a_rule_of_the_collection_refuses_stays_as_it_is(store: MongoStore, raw: Database) -> None:
    await store.insert(Movie(id="Q1", title="A"))
    await keep_place(store)
    await raw.command("collMod", "movies", validator={"title": {"$ne": "B"}})
    await raw.movies.update_one({"_id": "Q1"}, {"$set": {"title": "B"}}, bypass_document_validation=True)
    await raw.movies.insert_one({"_id": "Q2", "title": "C"})
    async with following(store) as follower:
        await store.settle()
        assert any(change.forced for change in of(follower, "Q1"))
        assert await found(store, "c") == ("Q2",)
        assert await found(store, "b") == ()


async def test_the_collection_is_dropped_or_replaced(store: MongoStore, raw: Database) -> None:
    await store.insert(FULL)
    async with following(store) as follower:
        await store.settle()
        follower.changes.clear()
        await raw.movies.drop()
        await raw.movies.insert_one({"_id": "Q1", "title": "After the drop"})
        await store.settle()
        assert "" in [change.id for change in follower.changes]
        assert await found(store, "drop") == ("Q1",)
        assert WORDS in await raw.movies.index_information()

        follower.changes.clear()
        await raw.elsewhere.insert_one({"_id": "Q2", "title": "From elsewhere"})
        await raw.elsewhere.aggregate([{"$out": "movies"}])
        await store.settle()
        assert "" in [change.id for change in follower.changes]
        assert await found(store, "elsewhere") == ("Q2",)

        await store.clear()
        await store.insert(FULL)
        await store.settle()
        assert await found(store, "alien") == (FULL.id,)


async def test_the_whole_database_is_dropped(store: MongoStore, raw: Database) -> None:
    await store.insert(FULL)
    follower = Follower()

    async def relayed() -> None:
        """As the relay does, begin again where it ended: of a database that is still being dropped no part is made."""
        while True:
            with suppress(StoreUnavailable):
                await store.follow(follower.apply)

    task = asyncio.create_task(relayed())
    await store.settle()
    follower.changes.clear()
    await raw.client.drop_database(raw.name)
    await follower.until(("", 0))
    follower.changes.clear()
    again = await store.insert(FULL)
    # By a change of its own, or by one of all, because the place was dropped with the rest: that may also have been the
    # first, where the lease was missed before the drop was read.
    await store.settle()
    assert await store.get(FULL.id) == again
    task.cancel()
    await asyncio.wait([task])


async def test_versions_never_go_down_and_changes_go_out_in_their_order(
    store: MongoStore, other: MongoStore, raw: Database
) -> None:
    ids = ("Q1", "Q2", "Q3")
    written: dict[str, list[int]] = {id: [] for id in ids}
    removed: dict[str, list[int]] = {id: [] for id in ids}
    seen: dict[str, list[int]] = {id: [] for id in ids}
    writing = True

    async def write(through: MongoStore, seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(40):
            id = dice.choice(ids)
            movie = await through.get(id)
            try:
                if movie is None:
                    written[id].append((await through.insert(Movie(id=id, title="A"))).version)
                elif dice.random() < 0.3:
                    removed[id].append(await through.delete(id, movie.version))
                else:
                    saved = await through.update(replace(movie, runtime=dice.randrange(1, 500)))
                    written[id].append(saved.version)
            except (EditConflict, MovieExists, MovieNotFound):
                continue

    async def edit_by_hand() -> None:
        for number in range(30):
            await raw.movies.update_one({"_id": ids[number % 3]}, {"$set": {"plot": f"By hand {number}"}})

    async def read() -> None:
        while writing:
            for id, movie in (await other.get_many(ids)).items():
                seen[id].append(movie.version)

    async with following(store) as follower:
        reading = asyncio.create_task(read())
        writers = [write((store, other)[seed % 2], seed) for seed in range(8)]
        await asyncio.gather(*writers, edit_by_hand())
        writing = False
        await reading
        await store.settle()
        await store.settle()
    for id in ids:
        acknowledged = written[id] + removed[id]
        assert len(set(acknowledged)) == len(acknowledged) > 0
        assert seen[id] == sorted(seen[id])
        own = [change.version for change in of(follower, id) if not change.forced]
        assert own == sorted(own)
        assert set(written[id]) <= set(own)
        assert len(removed[id]) <= sum(change.forced for change in of(follower, id))
        movie = await store.get(id)
        assert movie is None or movie.version == max(own)


async def test_two_follow_and_one_leads(store: MongoStore, other: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_lease, "_LIFE", 3600.0)
    async with following(other) as second:
        async with following(store) as first:
            saved = await store.insert(FULL)
            await other.settle()
            leading, waiting = (first, second) if first.changes else (second, first)
            assert [change.version for change in of(leading, FULL.id)] == [saved.version]
            assert not waiting.changes
        saved = await store.update(replace(saved, runtime=3))
        # Nobody waits for the end of a lease of an hour: it was given back.
        async with asyncio.timeout(60):
            await store.settle()
        assert of(second, FULL.id)[-1].version == saved.version


async def test_a_batch_that_was_refused_comes_again(store: MongoStore, other: MongoStore) -> None:
    await keep_place(store)
    saved = await store.insert(FULL)

    async def refuse(changes: object) -> None:
        raise TimeoutError("refused")

    with pytest.raises(TimeoutError, match="refused"):
        await store.follow(refuse)
    async with following(other) as follower:
        await other.settle()
        assert [(change.id, change.version) for change in follower.changes] == [(FULL.id, saved.version)]


_DYING = """
import asyncio, sys
from core.stores.mongo import MongoStore

async def main():
    store = MongoStore(sys.argv[1])
    await store.open()
    async def apply(changes):
        print([change.id for change in changes], flush=True)
        await asyncio.Event().wait()
    await store.follow(apply)

asyncio.run(main())
"""


async def test_a_leader_is_killed_before_it_has_applied(store: MongoStore, mongo_url: str) -> None:
    await keep_place(store)
    await store.insert(FULL)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DYING, mongo_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).decode() == f"[{FULL.id!r}]\n"
        async with following(store) as follower:
            process.send_signal(signal.SIGKILL)
            await store.settle()
            assert [change.id for change in follower.changes] == [FULL.id]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_leader_that_was_paused_sets_nothing_back(
    store: MongoStore, mongo_url: str, raw: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep_place(store)
    await store.insert(FULL)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DYING, mongo_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        hold(process.pid)
        # Else the paused one may lead again by right, where this process stands still longer than that.
        monkeypatch.setattr(mongo_lease, "_LIFE", 60.0)
        async with following(store) as follower:
            await store.settle()
            holder = await raw[RELAY].find_one({"_id": "lease"}, {"holder": 1})
            process.send_signal(signal.SIGCONT)
            # Longer than it takes the other to find out.
            await asyncio.sleep(1.5)
            assert await raw[RELAY].find_one({"_id": "lease"}, {"holder": 1}) == holder
            assert of(follower, FULL.id)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize(
    "place",
    [
        {"after": {"startAfter": {"_data": "garbage"}}},
        {"after": {"startAfter": {"_data": 5}}},
        {"after": {"startAtOperationTime": Timestamp(1, 1)}, "origin": b"elsewhere"},
        {"after": {"startAfter": {"_data": "82F0000000000000012B0429296E1404"}}, "origin": b"elsewhere"},
    ],
    ids=["garbage", "of no type", "long ago elsewhere", "to come elsewhere"],
)
async def test_history_that_is_lost(store: MongoStore, raw: Database, place: dict[str, Any]) -> None:
    await keep_place(store)
    await store.insert(FULL)
    # While nobody sees it.
    await raw.movies.update_one({"_id": FULL.id}, {"$set": {"title": "By hand"}})
    fields = {f"place.{name}": value for name, value in place.items()}
    await raw[RELAY].update_one({"_id": "lease"}, {"$set": fields})
    async with following(store) as follower:
        await store.settle()
        assert follower.changes[0] == Changed("", 0, follower.changes[0].at)
        saved = await store.insert(Movie(id="Q2", title="B"))
        # Barriers that were there before pass at once; this one after the healing.
        await store.settle()
        assert of(follower, "Q2")[-1].version == saved.version
        assert await found(store, "hand") == (FULL.id,)
    async with following(store) as again:
        await store.settle()
        assert not of(again, "")


async def test_barriers_left_behind_go(store: MongoStore, raw: Database) -> None:
    await keep_place(store)
    assert await raw[RELAY].count_documents({}) == 1
    waiting = asyncio.create_task(store.settle())
    while await raw[RELAY].count_documents({}) == 1:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await raw[RELAY].count_documents({}) == 1
    assert (await raw[RELAY].index_information())["reelcache_at"]["expireAfterSeconds"] == 600
    # Even the one that a process which died left behind lets a settle wait for its own.
    await raw[RELAY].insert_one({"at": None})
    async with following(store):
        await store.settle()


async def test_a_copy_of_the_collection_has_a_name_of_its_own(store: MongoStore, raw: Database) -> None:
    name = await store.uid()
    notes = await raw.reelcache_notes.find().to_list()
    await raw.reelcache_notes.drop()
    await raw.reelcache_notes.insert_many(notes)
    assert await store.uid() != name


async def test_a_foreign_collection_is_followed_once_adopted_and_given_back_clean(
    mongo_url: str, raw: Database
) -> None:
    await raw.movies.insert_many([dict(document) for document in DOCUMENTS])
    store = MongoStore(mongo_url, timeout=20.0)
    other = MongoStore(mongo_url, timeout=20.0)
    try:
        await store.adopt()
        await other.open()
        before = await store.get_many((await store.window(Query(), 0, 50)).ids)
        follower = Follower()
        task = asyncio.create_task(other.follow(follower.apply))
        async with asyncio.timeout(60):
            await store.settle()
            assert await store.get_many(list(before)) == before
            await raw.movies.update_one({"_id": TIDY}, {"$set": {"title": "By hand"}})
            await raw.movies.insert_one({"_id": "later", "title": "Later"})
            await store.settle()
            assert await found(store, "hand") == (f"mflix:{TIDY}",)
            assert await found(store, "later") == ("later",)
            await store.suspend("one", 60)
            assert follower.changes
            assert not task.done()
            # A leader that goes on meanwhile would take it for edits and heal them.
            assert await store.disown() == NAMEABLE + 1
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError | ForeignCollection), "it may find out before it is told to go"
        assert await raw.list_collection_names() == ["movies"]
        assert await raw.movies.count_documents({"reelcache": {"$exists": True}}) == 0
        assert (await raw.movies.index_information()).keys() == {"_id_"}
    finally:
        await store.close()
        await other.close()


async def test_following_a_server_that_hangs_and_goes_on() -> None:
    async with Mongod() as server:
        store = MongoStore(server.url(), timeout=2.0)
        await store.open()
        async with following(store):
            await store.settle()
        follower = Follower()
        task = asyncio.create_task(store.follow(follower.apply))
        saved = await store.insert(FULL)
        await follower.until((FULL.id, saved.version))
        server.pause()
        with pytest.raises(StoreUnavailable):
            await store.standing()
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(60):
                await task
        server.resume()
        await server.writable()
        saved = await store.update(replace(saved, runtime=9))
        async with following(store) as again:
            await store.settle()
            assert of(again, FULL.id)[-1].version == saved.version
        await store.close()


async def test_no_more_calls_at_a_time_than_there_are_connections() -> None:
    async with Mongod() as server:
        store = MongoStore(server.url(), timeout=2.0)
        await store.open()
        # The first connections are made one after the other.
        await asyncio.gather(*(store.count() for _ in range(40)))
        await server.hang_at("aggregate")
        calls = [asyncio.create_task(store.count()) for _ in range(40)]
        # The standing does not wait in the same queue.
        assert await store.standing() == Standing(suspended=0)
        assert not any(call.done() for call in calls)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, StoreUnavailable)]
        assert len(reasons) == 40
        assert sum("became free" in reason for reason in reasons) >= 40 - 2 * 16
        await server.hang_at()
        assert await asyncio.gather(*(store.count() for _ in range(40))) == [0] * 40
        await store.close()


async def test_the_journal_goes_on_when_its_stream_is_gone(
    store: MongoStore, raw: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = await store.insert(Movie(id="Q1", title="A"))
    place = (await store.changed_since(None)).place
    await raw.command({"killCursors": "movies", "cursors": [store._journal._cursor]})
    await raw["movies"].update_one({"_id": "Q1"}, {"$set": {"runtime": 7}})
    since = await store.changed_since(place)
    assert since.ids == ("Q1",)
    monkeypatch.setattr(mongo_journal, "_MOST", 3)
    for number in range(2):
        await store.insert(replace(movie, id=f"Q2{number}"))
    assert (await store.changed_since(since.place)).ids == ("Q20", "Q21")
    place = (await store.changed_since(place)).place
    for number in range(3):
        await store.insert(replace(movie, id=f"Q3{number}"))
    lost = await store.changed_since(place)
    assert lost.ids is None
    await store.insert(replace(movie, id="Q40"))
    assert (await store.changed_since(lost.place)).ids == ("Q40",)
