"""What only PostgreSQL can do to us: edits by hand, migrations at once, killed and paused connections, odd servers."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.errors import OutcomeUnknown, StoreUnavailable
from core.model import replace
from core.query import Query, movie_words, words_of
from core.stores import postgres_changes
from core.stores.base import Stored
from core.stores.postgres import PostgresStore
from core.stores.postgres_faults import refusal
from core.stores.postgres_loading import LIMIT
from core.stores.postgres_records import searched
from core.stores.postgres_schema import _migrations
from tests.core.stores.corpus import BARE, FULL, corpus
from tests.core.stores.psql import (
    kill_the_others,
    other_database,
    the_others_stopped,
    unreachable_database,
    until,
    until_someone_waits,
)
from tests.faults.proxy import Proxy


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store without movies. It outwaits a machine that stands still while somebody holds a lock."""
    store = PostgresStore(postgres_url, timeout=20.0)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def psql(postgres_url: str, store: PostgresStore) -> Iterator[psycopg.Connection]:
    """A person at another terminal, on the same database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


# ------------------------------------------------------------------------------------------------------ edits by hand


async def test_an_edit_by_hand_gets_a_version_and_is_found(store: PostgresStore, psql: psycopg.Connection) -> None:
    stored = await store.insert(FULL)
    psql.execute("update reelcache.movies set title = 'Ärger im Spider-Haus', version = 7 where id = %s", (FULL.id,))
    found = await store.get(FULL.id)
    assert found is not None
    assert found.version > stored.version
    assert (await store.window(Query(text="arger spiderhaus sigourney"), 0, 9)).ids == (FULL.id,)
    assert (await store.window(Query(text="alien"), 0, 9)).ids == ()


async def test_lists_edited_by_hand_are_searched_and_sorted_by_themselves(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    await store.load([FULL, replace(BARE, directors=("Zed",))])
    psql.execute(
        "update reelcache.movies set directors = '{Ágnes Varda}', countries = '{France}', genres = '{}' where id = %s",
        (FULL.id,),
    )
    assert (await store.window(Query(within=(("directors", "agnes var"), ("countries", "fr"))), 0, 9)).ids == (FULL.id,)
    assert (await store.window(Query(text="agnes"), 0, 9)).ids == (FULL.id,)
    assert (await store.window(Query(sort="directors"), 0, 9)).ids == (FULL.id, BARE.id)
    psql.execute("update reelcache.movies set directors = '{}'")
    assert (await store.window(Query(within=(("directors", "varda"),)), 0, 9)).ids == ()


async def test_an_edit_by_hand_of_nothing_searched_keeps_the_keys(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    await store.insert(FULL)
    keys = "select title_key, words::text from reelcache.movies"
    before = psql.execute(keys).fetchone()
    psql.execute("update reelcache.movies set plot = 'shorter'")
    assert psql.execute(keys).fetchone() == before


async def test_a_row_added_by_hand_is_a_movie(store: PostgresStore, psql: psycopg.Connection) -> None:
    psql.execute("insert into reelcache.movies (id, title, directors) values ('x1', 'Amélie $', array['Jean-Pierre'])")
    found = await store.get("x1")
    assert found is not None
    assert found.version > 1_000_000_000_000_000
    for text in ("amelie", "$", "jeanpierre", "pierre"):
        assert (await store.window(Query(text=text), 0, 9)).ids == ("x1",)


async def test_rows_added_by_hand_get_the_keys_that_the_program_would_give(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    """As nearly as SQL can: every title of the corpus but those of scripts that only Python folds."""
    for movie in corpus():
        texts = [movie.title, *movie.directors, *movie.cast]
        (words,) = psql.execute("select reelcache.words_of(%s)", (texts,)).fetchone() or ((),)
        if all(ord(character) < 0x250 for text in texts for character in text):
            assert sorted(words) == sorted(searched(word) for word in movie_words(movie) if word[0] != " ")
    assert psql.execute("select reelcache.words_of(%s)", (["Spider-Man’s 8½"],)).fetchone() == (
        list(words_of("Spider-Man’s 8½")),
    )


async def test_the_id_of_a_movie_cannot_be_changed_by_hand(store: PostgresStore, psql: psycopg.Connection) -> None:
    await store.insert(FULL)
    with pytest.raises(psycopg.errors.CheckViolation, match="never changes"):
        psql.execute("update reelcache.movies set id = 'other'")


async def test_versions_go_on_above_a_removal_even_if_the_clock_was_set_back(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    future = 4_000_000_000_000_000
    await store.insert(BARE)
    psql.execute("set session_replication_role = replica")
    psql.execute("update reelcache.movies set version = %s", (future,))
    removal = await store.delete(BARE.id, future)
    again = await store.insert(BARE)
    edited = await store.update(replace(again, runtime=1))
    assert future < removal < again.version < edited.version
    await store.clear()
    assert (await store.insert(BARE)).version > edited.version


async def test_a_reinsert_behind_a_delete_gets_the_higher_version(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    """The insert waits for a delete that is not committed yet; its version must be younger than that wait."""
    base = await store.insert(BARE)
    with psql.transaction():
        (removal,) = psql.execute("select reelcache.remove_movie(%s, %s)", (BARE.id, base.version)).fetchone() or (0,)
        insert = asyncio.create_task(store.insert(BARE))
        await until_someone_waits(psql)
        (later,) = psql.execute("select reelcache.microseconds()").fetchone() or (0,)
    assert removal < later < (await insert).version


async def test_an_insert_behind_an_insert_that_comes_to_nothing_gets_the_higher_version(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    with psql.transaction():
        psql.execute("insert into reelcache.movies (id, title) values (%s, 'mine')", (BARE.id,))
        insert = asyncio.create_task(store.insert(BARE))
        await until_someone_waits(psql)
        psql.execute("delete from reelcache.movies where id = %s", (BARE.id,))
        (removal,) = psql.execute("select version from reelcache.removals").fetchone() or (0,)
    assert 0 < removal < (await insert).version


async def test_a_load_and_a_delete_by_hand_in_each_others_way(store: PostgresStore, psql: psycopg.Connection) -> None:
    movies = corpus()
    await store.load(movies)
    with psql.transaction():
        psql.execute("delete from reelcache.movies where id = %s", (FULL.id,))
        load = asyncio.create_task(store.load([replace(movie, runtime=7) for movie in movies]))
        await until_someone_waits(psql)
    assert await load == Stored(inserted=1, updated=len(movies) - 1, unchanged=0)
    loaded = await store.get(FULL.id)
    assert loaded is not None
    assert loaded.runtime == 7
    assert await store.count() == len(movies)


# ---------------------------------------------------------------------------------------------------------- migration


async def test_the_schema_stands_apart_from_tables_of_the_same_name(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create table movies (theirs integer)")
        connection.execute("create table notes (theirs integer)")
        store = PostgresStore(postgres_url)
        await store.open()
        await store.insert(FULL)
        await store.clear()
        await store.close()
        assert connection.execute("select count(*) from movies").fetchone() == (0,)


async def test_a_migration_runs_once(store: PostgresStore, psql: psycopg.Connection, postgres_url: str) -> None:
    await store.insert(FULL)
    again = PostgresStore(postgres_url)
    await again.open()
    assert await again.count() == 1
    await again.close()
    run = [(version,) for version in sorted(_migrations())]
    assert psql.execute("select version from reelcache.migration").fetchall() == run


async def test_a_schema_of_a_newer_program_is_left_alone(
    store: PostgresStore, psql: psycopg.Connection, postgres_url: str
) -> None:
    psql.execute("insert into reelcache.migration (version) values (99)")
    with pytest.raises(StoreUnavailable, match=r"version 99.*newer Reelcache"):
        await PostgresStore(postgres_url).open()


# -------------------------------------------------------------------------------------------------- faults of a server


async def test_a_read_survives_the_loss_of_every_connection(store: PostgresStore, psql: psycopg.Connection) -> None:
    await store.insert(FULL)
    await asyncio.gather(*(store.count() for _ in range(8)))
    assert kill_the_others(psql) > 1
    assert await store.count() == 1
    assert (await store.window(Query(), 0, 5)).ids == (FULL.id,)


async def test_a_write_on_a_connection_that_died_idle_goes_through(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    base = await store.insert(FULL)
    assert kill_the_others(psql) > 0
    saved = await store.update(replace(base, runtime=1))
    assert await store.get(FULL.id) == saved


async def test_a_write_whose_connection_dies_under_it_is_of_unknown_outcome(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    base = await store.insert(FULL)
    with psql.transaction():
        psql.execute("select from reelcache.movies for update")
        update = asyncio.create_task(store.update(replace(base, runtime=1)))
        await until_someone_waits(psql)
        kill_the_others(psql)
        with pytest.raises(OutcomeUnknown, match="may have been stored"):
            await update
    assert await store.get(FULL.id) == base


async def test_a_load_whose_connection_dies_under_it_leaves_nothing(
    store: PostgresStore, psql: psycopg.Connection
) -> None:
    before = await store.insert(FULL)
    with psql.transaction():
        psql.execute("select from reelcache.movies for update")
        load = asyncio.create_task(store.load([replace(movie, runtime=7) for movie in corpus()]))
        await until_someone_waits(psql)
        kill_the_others(psql)
        with pytest.raises(OutcomeUnknown):
            await load
    assert await store.count() == 1
    assert await store.get(FULL.id) == before


async def test_a_load_that_the_server_refuses_leaves_nothing(store: PostgresStore) -> None:
    before = await store.insert(FULL)
    with pytest.raises(StoreUnavailable, match="refused a value") as failure:
        await store.load([replace(FULL, runtime=1), BARE, replace(BARE, id="Q2", plot="\x00")])
    assert not isinstance(failure.value, OutcomeUnknown)
    assert await store.count() == 1
    assert await store.get(FULL.id) == before


async def test_a_write_that_waits_too_long_for_a_lock_is_known_not_to_have_happened(
    store: PostgresStore, psql: psycopg.Connection, postgres_url: str
) -> None:
    base = await store.insert(FULL)
    hurried = PostgresStore(postgres_url, timeout=2.0)
    await hurried.open()
    with psql.transaction():
        psql.execute("select from reelcache.movies for update")
        with pytest.raises(StoreUnavailable, match="too long") as failure:
            await hurried.update(replace(base, runtime=1))
    await hurried.close()
    assert not isinstance(failure.value, OutcomeUnknown)
    assert await store.get(FULL.id) == base


async def test_a_paused_server_costs_a_read_its_timeout_and_no_more(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, timeout=2.0)
    await store.open()
    with psycopg.connect(postgres_url, autocommit=True) as psql, the_others_stopped(psql):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="did not answer within"):
            await store.count()
        # The driver would wait for five seconds more until a cancellation is answered.
        assert time.monotonic() - began < 7
        assert await store.count() == 0
    await store.close()


async def test_what_the_cache_waits_for_is_given_up_sooner_than_what_a_person_asked(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_changes, "_RESERVED_LIMIT", 1.0)
    store = PostgresStore(postgres_url, timeout=30.0)
    await store.open()
    await store.standing()
    with psycopg.connect(postgres_url, autocommit=True) as psql, the_others_stopped(psql):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="did not answer within"):
            await store.standing()
        assert time.monotonic() - began < 20
    await store.close()


async def test_who_counts_has_longer_as_long_as_the_server_lets_others_connect(
    postgres_url: str, psql: psycopg.Connection
) -> None:
    limit = 2.0
    store = PostgresStore(postgres_url, timeout=limit)
    await store.open()
    await store.load(corpus())
    genres = await store.counts(Query(), "genres")
    with psql.transaction():
        psql.execute("lock table reelcache.movies in access exclusive mode")
        began = time.monotonic()
        counting = (
            asyncio.create_task(store.window(Query(text="a"), 0, 5)),
            asyncio.create_task(store.counts(Query(), "genres")),
        )
        with pytest.raises(StoreUnavailable, match="too long"):
            await store.get_many([FULL.id])
        await asyncio.wait(counting, timeout=max(0.0, began + 2 * limit - time.monotonic()))
        assert not any(task.done() for task in counting)
    window, again = await asyncio.gather(*counting)
    assert window == await store.window(Query(text="a"), 0, 5)
    assert again == genres
    await store.close()


async def test_who_counts_is_told_soon_of_a_network_that_swallows_everything(postgres_url: str) -> None:
    given = conninfo_to_dict(postgres_url)
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        proxy = Proxy(Path(folder, ".s.PGSQL.5432"), Path(str(given["host"]), f".s.PGSQL.{given['port']}"))
        await proxy.open()
        store = PostgresStore(make_conninfo(postgres_url, host=folder, port=5432), timeout=2.0)
        await store.open()
        assert (await store.window(Query(), 0, 5)).total == 0
        proxy.be("swallow")
        with pytest.raises(StoreUnavailable, match=r"did not answer within 2 s"):
            async with asyncio.timeout(LIMIT / 2):
                await store.window(Query(), 0, 5)
        proxy.be("pass")
        assert (await store.window(Query(), 0, 5)).total == 0
        await store.close()
        await proxy.close()


async def test_a_cancelled_write_leaves_its_connection_usable(store: PostgresStore, psql: psycopg.Connection) -> None:
    base = await store.insert(FULL)
    with psql.transaction():
        psql.execute("select from reelcache.movies for update")
        updates = [asyncio.create_task(store.update(replace(base, runtime=n + 1))) for n in range(4)]
        await until_someone_waits(psql)
        for update in updates:
            update.cancel()
        await asyncio.wait(updates)
    assert await store.get(FULL.id) == base
    assert (await store.update(replace(base, runtime=5))).runtime == 5


async def test_an_unknown_database_is_named(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    missing = PostgresStore(other_database(postgres_url, "no_such_database"))
    with caplog.at_level(logging.WARNING), pytest.raises(StoreUnavailable) as failure:
        await missing.open()
    assert "no_such_database" in failure.value.reason
    assert "Create the database" in failure.value.remedy
    assert not caplog.records


async def test_an_unknown_user_is_named(postgres_url: str) -> None:
    stranger = PostgresStore(postgres_url.replace("postgres@", "nobody_here:s3cret@"))
    with pytest.raises(StoreUnavailable, match="nobody_here") as failure:
        await stranger.open()
    assert "s3cret" not in f"{failure.value} {stranger!r}"
    assert failure.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:s3cret@no-such-host.invalid/movies",
        "postgresql://reader:s3cret@127.0.0.1:1/movies?sslmode=require",
        "postgresql://reader:s3cret@127.0.0.1:port/movies",
        "postgresql://reader:s3c@s3cret@127.0.0.1:1/movies",
        "postgresql://reader@127.0.0.1:1/movies?password=s3cret",
        "postgresql://reader:s3cret@127.0.0.1:1/movies?no_such_option=1",
        "postgresql:///movies?host=/no/such/folder&password=s3cret",
        "postgresql://reader:x@y/s3cret%zz@127.0.0.1:1/movies",
        "postgresql://reader:s3cret/x@127.0.0.1:1/movies",
        "nonsense",
    ],
)
async def test_a_url_that_leads_nowhere(url: str) -> None:
    store = PostgresStore(url, timeout=2.0)
    with pytest.raises(StoreUnavailable) as failure:
        await store.open()
    assert "s3cret" not in f"{failure.value} {failure.value!r} {store!r}"
    assert failure.value.remedy
    await store.close()


async def test_a_server_that_reads_only(postgres_url: str) -> None:
    store = PostgresStore(postgres_url + "&options=-c%20default_transaction_read_only%3Don")
    with pytest.raises(StoreUnavailable, match="accepts no writes"):
        await store.open()


async def test_the_same_store_works_again_when_the_server_is_back(postgres_url: str) -> None:
    """The server is away for this database: it refuses connections to it."""
    store = PostgresStore(postgres_url)
    await store.open()
    await store.insert(FULL)
    with unreachable_database(postgres_url):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.count()
        with pytest.raises(StoreUnavailable) as failure:
            await store.insert(BARE)
        assert not isinstance(failure.value, OutcomeUnknown)
    assert await store.count() == 1
    await store.insert(BARE)
    await store.close()


@pytest.mark.parametrize(("version", "shown"), [(130_014, "13.14"), (90_624, "9"), (0, "0")])
def test_an_old_server_is_refused(version: int, shown: str) -> None:
    refused = refusal(version, "UTF8", "postgresql://reader:s3cret@host/movies")
    assert refused is not None
    assert f"PostgreSQL {shown}, too old" in refused.reason
    assert "14 or newer" in refused.remedy
    assert "s3cret" not in str(refused)


def test_a_server_that_fits_is_not_refused() -> None:
    assert refusal(140_000, "UTF8", "postgresql:///") is None
    assert refusal(180_004, "UTF8", "postgresql:///") is None


async def test_a_database_of_another_encoding_is_refused(postgres_url: str) -> None:
    name = f"{conninfo_to_dict(postgres_url)['dbname']}_latin"
    create = psycopg.sql.SQL("create database {} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0")
    drop = psycopg.sql.SQL("drop database {} with (force)")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(create.format(psycopg.sql.Identifier(name)))
        try:
            with pytest.raises(StoreUnavailable, match=r"LATIN1.*encoding=UTF8"):
                await PostgresStore(other_database(postgres_url, name)).open()
        finally:
            admin.execute(drop.format(psycopg.sql.Identifier(name)))


# ------------------------------------------------------------------------------------------------------------- the rest


async def test_one_index_serves_both_directions(store: PostgresStore, psql: psycopg.Connection) -> None:
    await store.load(corpus(3000))
    psql.execute("vacuum (analyze) reelcache.movies")
    for direction in ("asc", "desc"):
        plan = psql.execute(
            psycopg.sql.SQL(
                "explain select id from reelcache.movies where year is not null"
                " order by year {0}, id {0} offset 100 limit 50"
            ).format(psycopg.sql.SQL(direction))
        ).fetchall()
        assert any("Index Only Scan" in line and "movies_year" in line for (line,) in plan)


async def test_a_load_is_followed_by_a_vacuum(store: PostgresStore, psql: psycopg.Connection) -> None:
    await store.load(corpus())
    await until(psql, "select from pg_class where oid = 'reelcache.movies'::regclass and relallvisible > 0")


async def test_identity_names_the_server(store: PostgresStore, psql: psycopg.Connection) -> None:
    identity = await store.identity()
    assert identity.product == "PostgreSQL"
    (version,) = psql.execute("show server_version").fetchone() or ("",)
    assert version.startswith(identity.version)
