"""The change log of PostgreSQL: edits by hand, transactions that overtake others, servers and followers that die."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.resources import files

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from core.errors import StoreUnavailable
from core.model import replace
from core.query import Query
from core.stores import postgres_changes, postgres_connections, postgres_journal
from core.stores.base import Changed
from core.stores.postgres import PostgresStore
from core.stores.postgres_schema import _migrations
from tests.core.stores.change_log_compliance import Follower, following, within
from tests.core.stores.corpus import BARE, FULL, corpus
from tests.core.stores.psql import kill_the_others, other_database, the_others_stopped, until


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store without movies."""
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def psql(postgres_url: str, store: PostgresStore) -> Iterator[psycopg.Connection]:
    """A person at another terminal, on the same database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


async def logged(store: PostgresStore) -> list[tuple[str, int, bool]]:
    """What is in the log, handed out and gone: ids, versions, and whether they prove nothing."""
    async with following(store) as follower:
        await within(store.settle())
    return [(change.id, change.version, change.forced) for change in follower.changes]


# ------------------------------------------------------------------------------------------------------ edits by hand


async def test_edits_by_hand_are_logged(store: PostgresStore, psql: psycopg.Connection) -> None:
    psql.execute("insert into reelcache.movies (id, title) values ('a', 'A'), ('b', 'B')")
    added: dict[str, int] = dict(psql.execute("select id, version from reelcache.movies").fetchall())
    assert sorted(await logged(store)) == [("a", added["a"], False), ("b", added["b"], False)]

    psql.execute("update reelcache.movies set runtime = 9, version = 1 where id = 'a'")
    (edited,) = psql.execute("select version from reelcache.movies where id = 'a'").fetchone() or (0,)
    assert added["a"] < edited
    assert await logged(store) == [("a", edited, False)]

    psql.execute("delete from reelcache.movies where id = 'a'")
    (removed,) = psql.execute("select version from reelcache.removals where id = 'a'").fetchone() or (0,)
    assert await logged(store) == [("a", removed, True)]

    psql.execute(
        "insert into reelcache.movies (id, title) values ('b', 'C') on conflict (id) do update set title = 'C'"
    )
    (upserted,) = psql.execute("select version from reelcache.movies where id = 'b'").fetchone() or (0,)
    assert await logged(store) == [("b", upserted, False)]

    with psql.cursor() as cursor, cursor.copy("copy reelcache.movies (id, title) from stdin") as copy:
        copy.write_row(("c", "Copied"))
    (copied,) = psql.execute("select version from reelcache.movies where id = 'c'").fetchone() or (0,)
    assert await logged(store) == [("c", copied, False)]

    psql.execute("truncate reelcache.movies")
    (everything,) = await logged(store)
    assert everything[0] == ""
    assert everything[2]


async def test_what_is_rolled_back_by_hand_or_refused_leaves_no_row(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    base = await store.insert(FULL)
    assert await logged(store) == [(FULL.id, base.version, False)]
    with psql.transaction(force_rollback=True):
        psql.execute("update reelcache.movies set runtime = 1")
    with psql.transaction(force_rollback=True):
        psql.execute("truncate reelcache.movies")
    with pytest.raises(psycopg.errors.CheckViolation):
        psql.execute("update reelcache.movies set id = 'other'")
    assert await logged(store) == []


async def test_a_replicated_change_is_logged_though_its_version_proves_nothing(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    """A subscription applies changes with most triggers off."""
    base = await store.insert(FULL)
    await logged(store)
    psql.execute("set session_replication_role = replica")
    psql.execute("update reelcache.movies set runtime = 1")
    assert await logged(store) == [(FULL.id, base.version, True)]
    psql.execute("update reelcache.movies set id = 'other'")
    assert await logged(store) == [(FULL.id, base.version + 1, True), ("other", base.version, True)]
    psql.execute("delete from reelcache.movies")
    assert await logged(store) == [("other", base.version + 1, True)]
    psql.execute("truncate reelcache.movies")
    assert [id for id, _, _ in await logged(store)] == [""]


async def test_who_may_edit_movies_needs_no_right_to_the_log(store: PostgresStore, psql: psycopg.Connection) -> None:
    base = await store.insert(FULL)
    await logged(store)
    role = sql.Identifier(f"editor_{os.getpid()}")
    psql.execute(sql.SQL("create role {}").format(role))
    try:
        psql.execute(sql.SQL("grant usage on schema reelcache to {}").format(role))
        psql.execute(sql.SQL("grant select, update on reelcache.movies to {}").format(role))
        psql.execute(sql.SQL("set role {}").format(role))
        psql.execute("update reelcache.movies set runtime = 1")
        psql.execute("reset role")
        ((id, version, forced),) = await logged(store)
        assert (id, forced) == (FULL.id, False)
        assert version > base.version
    finally:
        psql.execute("reset role")
        psql.execute(sql.SQL("drop owned by {}").format(role))
        psql.execute(sql.SQL("drop role {}").format(role))


async def test_a_load_logs_one_change_and_none_when_nothing_changed(store: PostgresStore) -> None:
    await store.load(corpus())
    assert [(id, forced) for id, _, forced in await logged(store)] == [("", True)]
    await store.load(corpus())
    assert await logged(store) == []
    base = await store.insert(replace(BARE, id="after-a-load"))
    assert await logged(store) == [("after-a-load", base.version, False)]


async def test_a_big_edit_by_hand_goes_out_in_batches(store: PostgresStore, psql: psycopg.Connection) -> None:
    sizes: list[int] = []
    seen: set[str] = set()

    async def apply(batch: Sequence[Changed]) -> None:
        sizes.append(len(batch))
        seen.update(change.id for change in batch)

    psql.execute("insert into reelcache.movies (id, title) select n::text, 't' from generate_series(1, 2500) as n")
    assert (await store.standing()).pending == 2500
    task = asyncio.create_task(store.follow(apply))
    await within(store.settle())
    task.cancel()
    await asyncio.wait([task])
    assert seen == {str(n) for n in range(1, 2501)}
    assert sizes == [1000, 1000, 500]


# ------------------------------------------------------------------------------------------------ order and wake-ups


async def test_a_row_with_a_lower_number_that_is_committed_later_is_not_lost(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    async with following(store) as follower:
        with psql.transaction():
            psql.execute("insert into reelcache.movies (id, title) values ('slow', 'S')")
            (slow,) = psql.execute("select seq from reelcache.outbox where id = 'slow'").fetchone() or (0,)
            fast = await store.insert(BARE)
            await follower.until((BARE.id, fast.version))
            await within(store.settle())
            assert follower.ids() == [BARE.id]
        (version,) = psql.execute("select version from reelcache.movies where id = 'slow'").fetchone() or (0,)
        await follower.until(("slow", version))
        await within(store.settle())
        assert slow == 1
        assert follower.ids() == [BARE.id, "slow"]


async def test_a_notification_wakes_the_follower(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_changes, "_LOOK_AGAIN", 3600.0)
    async with following(store) as follower:
        movie = await store.insert(BARE)
        for runtime in range(1, 30):
            await follower.until((BARE.id, movie.version))
            movie = await store.update(replace(movie, runtime=runtime))


async def test_nothing_depends_on_notifications(store: PostgresStore, psql: psycopg.Connection) -> None:
    """The row is there, and nobody was told: as after another follower gave its batch back."""
    async with following(store) as follower:
        first = await store.insert(BARE)
        await follower.until((BARE.id, first.version))
        psql.execute("insert into reelcache.outbox (id, version) values ('untold', 5)")
        await follower.until(("untold", 5))


# ------------------------------------------------------------------------------------------- what dies on the way


_HANGING_FOLLOWER = """
import asyncio, sys
from core.stores.postgres import PostgresStore
from core.stores.postgres_schema import _migrations

async def apply(batch):
    print(*(change.id for change in batch), flush=True)
    await asyncio.Event().wait()

async def main():
    store = PostgresStore(sys.argv[1])
    await store.open()
    await store.follow(apply)

asyncio.run(main())
"""


async def test_a_follower_killed_between_applying_and_committing_loses_nothing(
    store: PostgresStore, postgres_url: str
) -> None:
    first = await store.insert(BARE)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _HANGING_FOLLOWER, postgres_url, stdout=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert (await process.stdout.readline()).decode().split() == [BARE.id]
        async with following(store) as follower:
            second = await store.insert(FULL)
            await follower.until((FULL.id, second.version))
            assert follower.ids() == [FULL.id]
            process.kill()
            await follower.until((BARE.id, first.version))
            await within(store.settle())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_follower_that_is_stopped_gives_its_batch_back_in_time(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its transaction; applying it a second time is what the contract allows."""
    inserted = await store.insert(BARE)
    stuck = Follower()
    stuck.holding = True
    with monkeypatch.context() as hurried:
        hurried.setattr(postgres_changes, "_APPLY_LIMIT", "2s")
        task = asyncio.create_task(store.follow(stuck.apply))
        await stuck.until((BARE.id, inserted.version))
    # The other one has the usual time: it would be over between two statements where the machine stands still.
    async with following(store) as follower:
        await follower.until((BARE.id, inserted.version))
        await within(store.settle())
    stuck.release()
    with pytest.raises(StoreUnavailable):
        await within(task)


async def test_a_slow_application_is_not_cut_short_by_the_limits_of_statements(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, timeout=2.0)
    await store.open()
    inserted = await store.insert(BARE)

    async def apply(batch: Sequence[Changed]) -> None:
        # What is tested is that time passes: more than a statement has, and its silence beyond that.
        await asyncio.sleep(3.5)

    task = asyncio.create_task(store.follow(apply))
    await within(store.settle())
    assert not task.done()
    assert inserted.version
    task.cancel()
    await asyncio.wait([task])
    await store.close()


async def test_the_loss_of_every_connection_costs_the_standing_nothing(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    await store.suspend("one", 60)
    kill_the_others(psql)
    assert (await store.standing()).suspended == 1
    kill_the_others(psql)
    await store.suspend("two", 60)
    kill_the_others(psql)
    await store.resume("one")
    assert (await store.standing()).suspended == 1


async def test_a_follower_whose_connection_is_cut_while_it_applies_raises_and_loses_nothing(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    inserted = await store.insert(BARE)
    follower = Follower()
    follower.holding = True
    task = asyncio.create_task(store.follow(follower.apply))
    await follower.until((BARE.id, inserted.version))
    kill_the_others(psql)
    follower.release()
    with pytest.raises(StoreUnavailable):
        await within(task)
    assert [id for id, _, _ in await logged(store)] == [BARE.id]


async def test_a_stopped_server_ends_following_and_the_look_at_the_standing(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, timeout=2.0)
    await store.open()
    follower = Follower()
    task = asyncio.create_task(store.follow(follower.apply))
    inserted = await store.insert(BARE)
    await follower.until((BARE.id, inserted.version))
    with psycopg.connect(postgres_url, autocommit=True) as psql, the_others_stopped(psql):
        with pytest.raises(StoreUnavailable, match="did not answer within"):
            await within(store.standing())
        with pytest.raises(StoreUnavailable, match="did not answer within"):
            await within(task)
        assert (await store.standing()).suspended == 0
    await store.close()


async def test_a_stopped_server_holds_up_no_cancellation(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_changes, "_LOOK_AGAIN", 0.01)
    # Else it counts as silence when the machine stands still for a second between two looks.
    monkeypatch.setattr(postgres_connections, "_GRACE", 15.0)
    store = PostgresStore(postgres_url, timeout=30.0)
    await store.open()
    follower = Follower()
    follow = asyncio.create_task(store.follow(follower.apply))
    inserted = await store.insert(BARE)
    await follower.until((BARE.id, inserted.version))
    with psycopg.connect(postgres_url, autocommit=True) as psql, the_others_stopped(psql):
        look = asyncio.create_task(store.standing())
        await asyncio.sleep(0.2)  # both have asked by now, and only the stopped server could tell
        began = time.monotonic()
        for task in (follow, look):
            assert not task.done()
            task.cancel()
        await asyncio.wait([follow, look])
        assert time.monotonic() - began < 4
        assert (await store.standing()).suspended == 0
    async with following(store) as again:
        later = await store.insert(FULL)
        await again.until((FULL.id, later.version))
    await store.close()


async def test_saturation_delays_neither_standing_nor_suspension_nor_following(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    base = await store.insert(BARE)
    with psql.transaction():
        psql.execute("select from reelcache.movies for update")
        updates = [asyncio.create_task(store.update(replace(base, runtime=n + 1))) for n in range(20)]
        await until(psql, "select from pg_locks where not granted having count(*) >= 8")
        await store.suspend("one", 60)
        assert await store.standing() == await store.standing()
        assert (await store.standing()).suspended == 1
        async with following(store) as follower:
            await follower.until((BARE.id, base.version))
            await within(store.settle())
        await store.resume("one")
        assert not any(update.done() for update in updates)
    await asyncio.wait(updates)
    assert sum(update.exception() is None for update in updates) == 1


async def test_old_suspensions_are_swept_out(store: PostgresStore, psql: psycopg.Connection) -> None:
    psql.execute("insert into reelcache.suspensions values ('died', clock_timestamp() - interval '2 hours')")
    await store.suspend("one", 60)
    await store.resume("two")
    assert psql.execute("select holder from reelcache.suspensions").fetchall() == [("one",)]


# --------------------------------------------------------------------------------------------- migration, and the name


async def test_a_database_of_version_1_is_migrated(postgres_url: str) -> None:
    first, _, _ = (files("core.stores") / "postgres.sql").read_text("utf-8").partition("-- migration 2")
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        psql.execute("create schema reelcache")
        psql.execute("create table reelcache.migration (version integer not null, since timestamptz default now())")
        psql.execute(first.encode())
        psql.execute("insert into reelcache.migration (version) values (1)")
        psql.execute("insert into reelcache.movies (id, title) values ('old', 'Old')")
        stores = [PostgresStore(postgres_url) for _ in range(3)]
        await asyncio.gather(*(store.open() for store in stores))
        try:
            run = [(version,) for version in sorted(_migrations())]
            assert psql.execute("select version from reelcache.migration").fetchall() == run
            old = await stores[0].get("old")
            assert old is not None
            edited = await stores[0].update(replace(old, runtime=1))
            assert await logged(stores[1]) == [("old", edited.version, False)]
            assert len({await store.uid() for store in stores}) == 1
        finally:
            await asyncio.gather(*(store.close() for store in stores))


async def test_rows_of_version_2_get_the_keys_of_version_3_and_keep_their_versions(postgres_url: str) -> None:
    before, _, _ = (files("core.stores") / "postgres.sql").read_text("utf-8").partition("-- migration 3")
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        psql.execute("create schema reelcache")
        psql.execute("create table reelcache.migration (version integer not null, since timestamptz default now())")
        psql.execute(before.encode())
        psql.execute("insert into reelcache.migration (version) values (2)")
        psql.execute(
            "insert into reelcache.movies (id, title, directors, countries, critic_rating, critic_reviews) values"
            " ('a', 'Old', array['Ridley Scott'], array['Ireland'], 9, 10),"
            " ('b', 'Older', array['Ágnes Varda'], array['France'], 8.9, 100)"
        )
        versions: dict[str, int] = dict(psql.execute("select id, version from reelcache.movies").fetchall())
        psql.execute("delete from reelcache.outbox")
        store = PostgresStore(postgres_url)
        await store.open()
        try:
            assert (await store.window(Query(within=(("directors", "sco"),)), 0, 9)).ids == ("a",)
            assert (await store.window(Query(within=(("cast", "sco"),)), 0, 9)).ids == ()
            assert (await store.window(Query(sort="directors"), 0, 9)).ids == ("b", "a")
            assert (await store.window(Query(sort="countries"), 0, 9)).ids == ("b", "a")
            assert (await store.window(Query(sort="score"), 0, 9)).ids == ("a", "b")
            assert {id: movie.version for id, movie in (await store.get_many(("a", "b"))).items()} == versions
            assert await logged(store) == []
        finally:
            await store.close()


async def test_a_copy_of_the_database_is_another_collection(postgres_url: str) -> None:
    """Its movies may go other ways from there, so nothing cached of the one counts for the other."""
    store = PostgresStore(postgres_url)
    await store.open()
    uid = await store.uid()
    await store.close()
    original = sql.Identifier(str(conninfo_to_dict(postgres_url)["dbname"]))
    copy = sql.Identifier(f"copy_{os.getpid()}")
    with psycopg.connect(other_database(postgres_url, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template {}").format(copy, original))
        try:
            copied = PostgresStore(other_database(postgres_url, f"copy_{os.getpid()}"))
            await copied.open()
            assert await copied.uid() != uid
            await copied.close()
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(copy))


# -------------------------------------------------------------------------------------------------------- the journal


async def test_the_journal_tells_of_what_was_under_way_and_of_what_was_done_by_hand(
    store: PostgresStore, psql: psycopg.Connection, postgres_url: str
) -> None:
    movies = [await store.insert(replace(BARE, id=f"Q{number}")) for number in range(4)]
    with psycopg.connect(postgres_url) as slow:
        slow.execute("update reelcache.movies set runtime = 1 where id = 'Q0'")
        place = (await store.changed_since(None)).place
        await store.update(replace(movies[1], runtime=2))
        with psql.transaction(force_rollback=True):
            psql.execute("update reelcache.movies set runtime = 3 where id = 'Q2'")
        later = await store.changed_since(place)
        assert later.ids == ("Q1",)
        slow.commit()
    assert (await store.changed_since(later.place)).ids == ("Q0",)
    psql.execute("set session_replication_role = replica")
    psql.execute("update reelcache.movies set id = 'Q9' where id = 'Q3'")
    assert sorted((await store.changed_since(later.place)).ids or ()) == ["Q0", "Q3", "Q9"]


async def test_what_was_cut_off_the_journal_cannot_be_told(
    store: PostgresStore, psql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_journal, "_KEPT", 3)
    beginning = (await store.changed_since(None)).place
    movies = [await store.insert(replace(BARE, id=f"Q{number}")) for number in range(9)]
    place = (await store.changed_since(beginning)).place
    await store.update(replace(movies[0], runtime=1))
    async with following(store):  # who cuts it off, first of all
        await until(psql, "select from reelcache.journal having count(*) < 9")
    assert (await store.changed_since(beginning)).ids is None
    assert (await store.changed_since(place)).ids == ("Q0",)
    # Numbers of transactions that are still to come are from another server's dump.
    psql.execute("insert into reelcache.journal values ('999999999999', 'other'), ('999999999999', null)")
    assert (await store.changed_since(place)).ids == ("Q0",)
    monkeypatch.setattr(postgres_journal, "_MOST", 2)
    psql.execute("update reelcache.movies set runtime = 5")
    assert (await store.changed_since(place)).ids is None
