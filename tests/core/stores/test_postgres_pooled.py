"""PostgreSQL by TLS and a password behind PgBouncer, which gives each transaction another session: the same suites; and
what is wrong with certificates, passwords and poolers is told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from core.errors import StoreUnavailable
from core.open import open_catalogue
from core.settings import Settings
from core.stores.base import Store
from core.stores.postgres import POOLED, PostgresStore
from tests.certificates import Authority
from tests.core.complaints import assert_told, complaints
from tests.core.movies import movie, movies
from tests.core.stores.change_log_compliance import Away, ChangeLogCompliance
from tests.core.stores.compliance import StoreCompliance
from tests.core.stores.open_stores import NewStore, OpenStores
from tests.core.stores.pooler import PASSWORD, Pooler
from tests.core.stores.psql import spare_database, unreachable_database
from tests.processes import running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of this module."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def pooler(postgres_database: str, authority: Authority) -> Iterator[Pooler]:
    """The pooler of this module, which lets nobody in without TLS and password."""
    pooler = Pooler(postgres_database, certificate=authority.signed("server"))
    with running(pooler):
        yield pooler


@pytest.fixture
def url(pooler: Pooler, postgres_database: str, authority: Authority) -> str:
    """An empty database behind it."""
    with psycopg.connect(postgres_database, autocommit=True) as psql:
        psql.execute("set client_min_messages = warning")
        psql.execute("drop schema if exists reelcache cascade")
    return pooler.url(f"?sslmode=verify-full&sslrootcert={authority.authority}")


class TestPooled(OpenStores):
    """What the way to the server can matter to; the answers to questions are the same on each."""

    test_an_update_changes_nothing_before_it_may = StoreCompliance.test_an_update_changes_nothing_before_it_may
    test_one_winner_among_edits_of_one_base = StoreCompliance.test_one_winner_among_edits_of_one_base
    test_one_winner_among_inserts_of_one_id = StoreCompliance.test_one_winner_among_inserts_of_one_id
    test_versions_never_twice = StoreCompliance.test_no_version_is_given_twice_whatever_the_order_of_writers
    test_an_acknowledged_write_is_seen_by_everyone = StoreCompliance.test_an_acknowledged_write_is_seen_by_everyone
    test_an_order_is_the_whole_answer_with_its_keys = StoreCompliance.test_an_order_is_the_whole_answer_with_its_keys
    test_answers_follow_writes = StoreCompliance.test_answers_follow_writes
    test_load_tells_what_became_of_each_movie = StoreCompliance.test_load_tells_what_became_of_each_movie
    test_loads_at_once_lose_nothing = StoreCompliance.test_loads_at_once_lose_nothing
    test_a_load_that_is_cancelled = StoreCompliance.test_a_load_that_is_cancelled_is_whole_or_absent
    test_a_bulk_load_can_be_looked_at = StoreCompliance.test_a_bulk_load_can_be_looked_at_all_the_while
    test_two_may_open_an_empty_database_at_once = StoreCompliance.test_two_may_open_an_empty_database_at_once
    test_what_changed_since_a_place_is_told = StoreCompliance.test_what_changed_since_a_place_is_told
    test_every_acknowledged_write_is_told = StoreCompliance.test_every_acknowledged_write_is_told
    test_reads_cancelled_in_flight_break_nothing = StoreCompliance.test_reads_cancelled_in_flight_break_nothing
    test_many_readers_at_once = StoreCompliance.test_many_readers_at_once

    @pytest.fixture
    def new_store(self, url: str) -> NewStore:
        return lambda: PostgresStore(url)


class TestPooledChanges(ChangeLogCompliance):
    @pytest.fixture
    def new_store(self, url: str, request: pytest.FixtureRequest) -> NewStore:
        # A pooler lets who comes while its server is away wait: that is given up soon. Nothing else is about time.
        return lambda: PostgresStore(url, timeout=2.0 if "away" in request.fixturenames else 20.0)

    @pytest.fixture
    def elsewhere(self, postgres_database: str) -> Iterator[Store]:
        with spare_database(postgres_database) as url:
            yield PostgresStore(url)

    @pytest.fixture
    def away(self, postgres_database: str, url: str) -> Away:
        @asynccontextmanager
        async def away() -> AsyncIterator[None]:
            with unreachable_database(postgres_database):
                yield
            # The pooler says of each newcomer that there is no server until it has tried again.
            async with asyncio.timeout(60):
                while not await lets_in(url):
                    await asyncio.sleep(0.01)

        return away


async def lets_in(url: str) -> bool:
    """Whether a client is served. The pooler alone lets it in, and has no need of a server before it is asked."""
    try:
        async with await psycopg.AsyncConnection.connect(url) as client:
            await client.execute("select")
            return True
    except psycopg.OperationalError:
        return False


async def test_nothing_of_ours_is_left_in_a_session_and_the_limits_are_told(url: str, postgres_database: str) -> None:
    """Who gets the session after us finds it as the server's own configuration has it, and no lock is kept in it."""
    store = PostgresStore(url)
    await store.open()
    async with store.bulk(100):
        await store.load(movies(100))
    for _ in range(8):  # a statement is prepared when it comes for the fifth time
        await store.get_many(["Q1"])
    assert (await store.identity()).limits == POOLED
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as client:
        found = await client.execute(
            "select current_setting('statement_timeout'), current_setting('synchronous_commit'),"
            " (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels())"
        )
        assert await found.fetchone() == ("0", "on", 0, 0)
    with psycopg.connect(postgres_database) as psql:
        held = psql.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone()
    assert held == (0,)
    await store.close()
    direct = PostgresStore(postgres_database)
    await direct.open()
    assert (await direct.identity()).limits == ()
    await direct.close()


async def test_a_catalogue_says_so_at_the_start_and_still_hears_of_others(
    url: str, postgres_database: str, redis_url: str
) -> None:
    async with open_catalogue(Settings(redis_url=redis_url, postgres_url=url)) as catalogue:
        assert catalogue.limits == POOLED
        assert {*POOLED} <= {line.verdict for line in catalogue.stats().trace}
        added = await catalogue.add(movie(1))
        assert await catalogue.get(added.id) == added
        with psycopg.connect(postgres_database, autocommit=True) as psql:
            psql.execute("update reelcache.movies set year = 1999")
        async with asyncio.timeout(60):
            while (await catalogue.get(added.id)).year != 1999:
                await asyncio.sleep(0.02)


async def test_what_is_wrong_is_told_apart(
    postgres_database: str, pooler: Pooler, authority: Authority, tmp_path: Path
) -> None:
    ca = f"?sslmode=verify-full&sslrootcert={authority.authority}"
    stranger = Authority(tmp_path, "stranger").authority
    async with (
        Pooler(postgres_database, certificate=authority.signed("past", days=0)) as past,
        Pooler(postgres_database, certificate=authority.signed("other", "elsewhere")) as other,
        Pooler(postgres_database, mode="statement") as plain,
    ):
        for url, *words in (
            (past.url(ca), "its certificate has expired", "Renew it on the server"),
            (other.url(ca), "its certificate is for another name", "Name the host in"),
            (
                pooler.url(f"?sslmode=verify-full&sslrootcert={stranger}"),
                "its certificate was signed by nobody that is known here",
                "sslrootcert=/path/ca.pem",
            ),
            (pooler.url("?sslmode=verify-full&sslrootcert=/none.pem"), "no file of certificate authorities is there"),
            (pooler.url("?sslmode=disable"), "wants an encrypted connection", "sslmode=verify-full"),
            (plain.url(ca), "it does not encrypt its connections", "sslmode"),
            (pooler.url(ca, password="wr0ng-one"), "the user or the password", "Correct"),
            (pooler.url(ca, user="nobody-known"), "the user or the password", "Correct"),
        ):
            assert_told(await complaints("postgresql", url, tmp_path, (PASSWORD, "wr0ng")), words)
        store = PostgresStore(plain.url())
        with pytest.raises(StoreUnavailable, match=r"hands its connections on after each statement.*pool_mode = tran"):
            await store.open()
        await store.close()
        # Less is demanded, and less is had.
        for url in (other.url(ca.replace("verify-full", "verify-ca")), past.url("?sslmode=require")):
            async with await psycopg.AsyncConnection.connect(url):
                pass
