"""What a person is told when MongoDB is away, refuses or is not fit; and that the store recovers by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote

import pytest
from pymongo.errors import BulkWriteError, ConfigurationError, OperationFailure

from core.errors import OutcomeUnknown, StoreUnavailable
from core.model import Movie, replace
from core.query import Query
from core.stores.mongo import MongoStore
from core.stores.mongo_errors import too_old, unavailable
from tests.core.stores.corpus import FULL
from tests.core.stores.mongod import Client, Mongod

SECRET = "pa/ss:w@rd"


async def refusal(store: MongoStore) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as failure:
        await store.open()
    assert failure.value.server == "MongoDB"
    assert failure.value.remedy
    for secret in (SECRET, quote(SECRET, safe=""), "w@rd"):
        assert secret not in f"{failure.value} {failure.value!r} {failure.value.__cause__!r}"
    return failure.value


async def test_a_server_without_a_replica_set_is_refused() -> None:
    async with Mongod(replica_set=False) as server:
        assert "--replSet" in (await refusal(MongoStore(server.url()))).remedy
        async with Client(server.url()) as client:
            assert "movies" not in await client.list_database_names()


async def test_an_unknown_option_is_refused_in_words(recwarn: pytest.WarningsRecorder) -> None:
    told = await refusal(MongoStore("mongodb://u:p@127.0.0.1:1/x?no_such_option=1"))
    assert "cannot be used" in told.reason
    assert "options" in told.remedy
    assert not recwarn.list, "a warning would be written across the screen"


async def test_logins() -> None:
    async with Mongod(password=SECRET) as server:
        store = MongoStore(server.url(user="root", password=SECRET))
        await store.open()
        assert "***" in (await store.identity()).address
        assert SECRET not in (await store.identity()).address
        async with Client(server.url(user="root", password=SECRET)) as client:
            for name, role in (("reader", "read"), ("stranger", "readWrite")):
                database = "movies" if role == "read" else "elsewhere"
                await client.admin.command("createUser", name, pwd=SECRET, roles=[{"role": role, "db": database}])
        wrong = await refusal(MongoStore(server.url(user="root", password=SECRET + "x")))
        assert wrong.reason == "user name or password refused"
        assert "wants a user and a password" in (await refusal(MongoStore(server.url()))).reason
        assert "may not" in (await refusal(MongoStore(server.url(user="stranger", password=SECRET)))).reason
        assert "readWrite" in (await refusal(MongoStore(server.url(user="reader", password=SECRET)))).remedy
        await store.close()


async def test_a_server_that_hangs_or_dies_and_comes_back() -> None:
    async with Mongod() as server:
        store = MongoStore(server.url(), timeout=2.0)
        await store.open()
        saved = await store.insert(FULL)

        server.pause()
        await fails_soon(store.get("Q1"), store.insert(Movie(id="Q2", title="2")))
        server.resume()
        await server.writable()
        assert await store.get(FULL.id) == saved

        # The read that an update begins with is answered, and the server hangs before the write.
        await server.hang_at("findAndModify")
        unknown = (store.update(saved), store.insert(Movie(id="Q3", title="3")))
        for outcome in await asyncio.gather(*unknown, return_exceptions=True):
            assert isinstance(outcome, OutcomeUnknown)
        # The look at the clock and the tombstones comes before anything is written.
        await server.hang_at("aggregate")
        with pytest.raises(StoreUnavailable) as undone:
            await store.insert(Movie(id="Q4", title="4"))
        assert not isinstance(undone.value, OutcomeUnknown)
        # What takes longer to be counted than a call may is counted all the same, as long as somebody waits for it.
        assert (await store.window(Query(text="a"), 0, 0)).total == 1
        leaving = asyncio.create_task(store.window(Query(text="a"), 0, 0))
        while not await server.under_way("aggregate"):
            await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        await server.hang_at()
        assert await store.get("Q4") is None
        saved = await present(store)

        await server.stop()
        await fails_soon(store.window(Query(), 0, 5), store.update(saved), store.load([saved]), store.adopt())
        await server.start()
        await server.writable()
        assert await store.get(FULL.id) == saved
        assert (await store.update(replace(saved, runtime=7))).version > saved.version
        await store.close()


async def present(store: MongoStore) -> Movie:
    movie = await store.get(FULL.id)
    assert movie is not None
    return movie


async def fails_soon(*calls: Coroutine[Any, Any, object]) -> None:
    began = time.monotonic()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - began < 20
    for outcome in outcomes:
        assert isinstance(outcome, StoreUnavailable)
        assert outcome.reason
        assert outcome.remedy


async def test_nothing_stays_behind(mongo_url: str) -> None:
    before = asyncio.all_tasks()
    store = MongoStore(mongo_url)
    await store.open()
    await store.insert(FULL)
    await store.close()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mongodb://localhost:1/movies", "refuses the connection at mongodb://localhost:1/movies"),
        ("mongodb://no-such-host.invalid/movies", "host not found: mongodb://no-such-host.invalid/movies"),
        (f"mongodb://user:{SECRET}@localhost:1/m", "the address mongodb://user:***@localhost:1/m cannot be used"),
        ("mongodb://localhost:99999999/", "the address mongodb://localhost:99999999/ cannot be used"),
        ("mongodb://", "the address mongodb:// cannot be used"),
        ("mongodb://%2Fno%2Fsuch.sock/movies", "no socket at mongodb://%2Fno%2Fsuch.sock/movies"),
    ],
)  # fmt: skip
async def test_addresses_that_lead_nowhere(url: str, reason: str) -> None:
    assert (await refusal(MongoStore(url, timeout=2.0))).reason == reason


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (OperationFailure("no space", 14031), "the server's disk is full"),
        (OperationFailure("Document failed validation", 121), "the collection's own validation rule"),
        (BulkWriteError({"writeErrors": [{"code": 11000}]}), "a unique index"),
        (BulkWriteError({"writeErrors": [{"code": 388}]}), "the server's cache is too small"),
        (
            BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64, "errmsg": "not replicated"}]}),
            "not replicated",
        ),
        (BulkWriteError({"writeErrors": [], "writeConcernErrors": []}), "batch"),
        (OperationFailure("not primary", 10107), "has no primary"),
        (ConfigurationError("Server at h:1 reports wire version 8, but this version"), "too old"),
        (OperationFailure("something\nelse, full error: {...}", 1), "something"),
    ],
)
def test_what_a_server_here_cannot_be_made_to_say(problem: Exception, reason: str) -> None:
    told = unavailable(problem, "mongodb://h:1/")
    assert reason in told.reason
    assert "else" not in told.reason
    assert told.remedy


async def test_a_movie_refused_for_an_uncommon_reason_is_not_explained_by_its_own_text(mongo_url: str) -> None:
    """The server quotes the movie in its refusal, where a plot may have any of the words that we look for."""
    store = MongoStore(mongo_url)
    await store.open()
    async with Client(mongo_url) as client:
        await client.get_default_database().movies.create_index([("plot", "2dsphere")])
    refused = replace(FULL, plot="No such file: a birth certificate, unreachable.")
    for outcome in await asyncio.gather(store.load([refused]), store.insert(refused), return_exceptions=True):
        assert isinstance(outcome, StoreUnavailable)
        assert "Can't extract geo keys" in outcome.reason
    assert await store.get(FULL.id) is None
    await store.close()


def test_a_server_that_is_too_old() -> None:
    assert "6.0" in too_old("4.4.29").remedy
