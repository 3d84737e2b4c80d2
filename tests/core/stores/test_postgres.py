"""PostgreSQL: the compliance suites, and what they need to know of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import product

import psycopg
import pytest
from psycopg import sql

from core.errors import StoreUnavailable
from core.model import replace
from core.query import SORTS, Query
from core.stores import postgres_queries
from core.stores.base import Store, Stored
from core.stores.postgres import PostgresStore
from tests.core.stores.change_log_compliance import Away, ChangeLogCompliance
from tests.core.stores.compliance import StoreCompliance
from tests.core.stores.corpus import BARE, FULL
from tests.core.stores.open_stores import MOVIES, NewStore
from tests.core.stores.psql import kill_the_others, spare_database, unreachable_database, until


class TestPostgres(StoreCompliance, ChangeLogCompliance):
    @pytest.fixture
    def new_store(self, postgres_url: str) -> NewStore:
        return lambda: PostgresStore(postgres_url)

    @pytest.fixture
    def unreachable(self) -> Store:
        return PostgresStore("postgresql://reader:s3cret@127.0.0.1:1/movies", timeout=1.0)

    @pytest.fixture
    def depth_of_near(self) -> str:
        return "core.stores.postgres_queries.NEAR"

    @pytest.fixture
    def elsewhere(self, postgres_url: str) -> Iterator[Store]:
        with spare_database(postgres_url) as url:
            yield PostgresStore(url)

    @pytest.fixture
    def away(self, postgres_url: str) -> Away:
        @asynccontextmanager
        async def away() -> AsyncIterator[None]:
            with unreachable_database(postgres_url):
                yield

        return away


async def test_a_load_into_nothing_makes_the_indexes_at_its_end(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        before = indexes_of(psql)
        async with store.bulk(len(MOVIES)):
            assert len(indexes_of(psql)) == 1
            await store.load(MOVIES)
        assert indexes_of(psql) == before
        async with store.bulk(len(MOVIES)):
            assert indexes_of(psql) == before, "too much is there to do without them"
        with pytest.raises(ValueError, match="broken off"):
            await broken_off(store)
        assert indexes_of(psql) == before
    await store.close()


async def test_indexes_that_a_load_did_not_come_to_make_are_made_behind_the_next_start(postgres_url: str) -> None:
    store, next_one = PostgresStore(postgres_url), PostgresStore(postgres_url)
    await store.open()
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        before = indexes_of(psql)
        bulk = store.bulk(len(MOVIES))
        await bulk.__aenter__()
        await store.load(MOVIES)
        await next_one.open()
        await until(psql, "select from pg_stat_activity where query like 'select pg_try_advisory%' and state = 'idle'")
        assert len(indexes_of(psql)) == 1, "as long as the load lives, it is its affair"
        await next_one.close()
        kill_the_others(psql)
        with pytest.raises(StoreUnavailable):
            await bulk.__aexit__(None, None, None)
        assert len(indexes_of(psql)) == 1
        await next_one.open()
        while indexes_of(psql) != before:
            await asyncio.sleep(0.005)
        await next_one.close()
    await store.close()


async def test_who_writes_while_a_load_makes_its_indexes_does_not_wait_for_them(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        before = indexes_of(psql)
        bulk = store.bulk(len(MOVIES))
        await bulk.__aenter__()
        await store.load(MOVIES)
        with psycopg.connect(postgres_url) as writer:
            writer.execute("update reelcache.movies set year = 1999 where id = %s", (MOVIES[0].id,))
            ending = asyncio.create_task(bulk.__aexit__(None, None, None))
            # It waits for the writer, as any other way would, but nobody waits for it any more.
            await until(psql, "select from pg_stat_activity where query like 'create index concurrently%'")
            assert (await store.insert(replace(BARE, id="Q-meanwhile"))).version > 0
            assert not ending.done()
            writer.commit()
        await ending
        assert indexes_of(psql) == before
    await store.close()


async def test_whoever_leaves_a_load_that_makes_its_indexes_leaves_nothing_at_work_in_the_server(
    postgres_url: str,
) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    at_work = "from pg_stat_activity where query like 'create index%' and state = 'active'"
    with psycopg.connect(postgres_url, autocommit=True) as psql, psycopg.connect(postgres_url) as writer:
        bulk = store.bulk(len(MOVIES))
        await bulk.__aenter__()
        await store.load(MOVIES)
        writer.execute("update reelcache.movies set year = 1999 where id = %s", (MOVIES[0].id,))
        ending = asyncio.create_task(bulk.__aexit__(None, None, None))
        await until(psql, f"select {at_work}")
        ending.cancel()
        await asyncio.wait([ending])
        assert ending.cancelled()
        await until(psql, f"select where not exists (select {at_work})")
    await store.close()


async def test_a_load_never_brings_back_a_removed_movie_with_a_version_from_before(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    await store.insert(BARE)
    far = 1 << 60
    with psycopg.connect(postgres_url) as psql:
        psql.execute("delete from reelcache.movies where id = %s", (BARE.id,))
        psql.execute("update reelcache.removals set version = %s where id = %s", (far, BARE.id))
        load = asyncio.create_task(store.load([FULL, BARE]))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            await until_someone_waits_for_anyone(other)
        psql.commit()
    assert await load == Stored(inserted=2, updated=0, unchanged=0)
    found = await store.get(BARE.id)
    assert found is not None
    assert found.version > far
    await store.close()


async def test_every_order_is_read_from_an_index_alone(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    await store.load(MOVIES)
    with psycopg.connect(postgres_url, autocommit=True) as psql:
        psql.execute("vacuum analyze reelcache.movies")
        psql.execute("set enable_seqscan = off")
        psql.execute("set enable_sort = off")
        for sort, known in product(SORTS, (True, False)):
            if (sort, known) == ("title", False):
                continue
            statement, parameters = postgres_queries.order(Query(sort=sort), known=known)
            plan = "\n".join(row[0] for row in psql.execute(sql.SQL("explain ") + statement, parameters))
            assert "Index Only Scan" in plan, plan
            assert "Sort" not in plan, plan
    await store.close()


async def broken_off(store: PostgresStore) -> None:
    async with store.bulk(10 * len(MOVIES)):
        raise ValueError("broken off")


def indexes_of(psql: psycopg.Connection) -> set[str]:
    """Those that are finished."""
    rows = psql.execute(
        "select relname from pg_index join pg_class on pg_class.oid = indexrelid"
        " where indrelid = 'reelcache.movies'::regclass and indisvalid"
    )
    return {name for (name,) in rows}


async def until_someone_waits_for_anyone(psql: psycopg.Connection) -> None:
    await until(psql, "select from pg_locks where not granted")
