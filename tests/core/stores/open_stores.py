"""The stores that a compliance suite works on, opened and closed around each of its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import HealthCheck, settings

from core.stores.base import Store
from tests.core.stores.corpus import corpus

NewStore = Callable[[], Store]
MOVIES = corpus()
asked_of_one_store = settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # each store's class runs the inherited test, on purpose
    ],
)


class OpenStores:
    """Fixtures over an empty database of the test's own. A store's own test class gives those that raise
    NotImplementedError here."""

    @pytest.fixture
    def new_store(self) -> NewStore:
        """Makes one more store, not yet opened, on the database of this test: another process, so to speak."""
        raise NotImplementedError

    @pytest.fixture
    def unreachable(self) -> Store:
        """A store with a timeout of 1 s, at an address where nobody listens, whose URL holds the password `s3cret`."""
        raise NotImplementedError

    @pytest.fixture
    def depth_of_near(self) -> str:
        """Where the store has the number of rows up to which a window is walked to otherwise than deeper ones."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, new_store: NewStore) -> AsyncIterator[Store]:
        """An open store without movies."""
        store = new_store()
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def other(self, new_store: NewStore, store: Store) -> AsyncIterator[Store]:
        """A second open store on the same database."""
        other = new_store()
        await other.open()
        yield other
        await other.close()

    @pytest.fixture
    async def filled(self, store: Store) -> Store:
        """An open store with the corpus in it."""
        await store.load(MOVIES)
        return store
