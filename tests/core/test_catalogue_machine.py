"""Any sequence of reads, writes, switches, evictions and clock jumps equals a plain dictionary for each store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from core import (
    Catalogue,
    EditConflict,
    Movie,
    MovieExists,
    MovieNotFound,
    Query,
    Settings,
    open_catalogue,
    replace,
)
from tests.core.stores import reference

T = TypeVar("T")
TITLES = st.sampled_from(["Alien", "alien", "[REC]", "300", "Amélie", "8½", "$", "東京物語"])
YEARS = st.sampled_from([None, 1979, 1986, 2001])
NUMBERS = st.integers(0, 5)


class Machine(RuleBasedStateMachine):
    """Every example has a genre of its own, by which it sees its own movies alone."""

    catalogue: Catalogue
    runner: asyncio.Runner
    redis: Redis
    examples = count()

    @initialize()
    def begin(self) -> None:
        # What is possible depends on the store in force: an example must not inherit it from the one before.
        self.run(self.catalogue.use_store(Catalogue.stores[0]))
        self.run(self.catalogue.use_strategy(Catalogue.strategies[0]))
        self.genre = f"Genre {next(self.examples)}"
        self.shelves: dict[str, dict[str, Movie]] = {store: {} for store in Catalogue.stores}

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    @property
    def shelf(self) -> dict[str, Movie]:
        """What the store in force should hold."""
        return self.shelves[self.catalogue.store]

    def id(self, number: int) -> str:
        return f"{self.genre.replace(' ', '-')}-{number}"

    @rule(number=NUMBERS, title=TITLES, year=YEARS, more=st.booleans())
    def add(self, number: int, title: str, year: int | None, more: bool) -> None:
        genres = (self.genre, "Horror") if more else (self.genre,)
        movie = Movie(id=self.id(number), title=title, year=year, genres=genres)
        if movie.id in self.shelf:
            with pytest.raises(MovieExists):
                self.run(self.catalogue.add(movie))
        else:
            self.shelf[movie.id] = self.run(self.catalogue.add(movie))

    @rule(number=NUMBERS, title=TITLES, runtime=st.integers(1, 300))
    def save(self, number: int, title: str, runtime: int) -> None:
        known = self.shelf.get(self.id(number))
        if known is None:
            with pytest.raises(MovieNotFound):
                self.run(self.catalogue.save(Movie(id=self.id(number), title=title, version=1)))
        else:
            saved = self.run(self.catalogue.save(replace(known, title=title, runtime=runtime)))
            assert saved.version > known.version
            self.shelf[saved.id] = saved

    @precondition(lambda self: self.shelf)
    @rule(data=st.data())
    def save_from_an_old_base(self, data: st.DataObject) -> None:
        known = self.shelf[data.draw(st.sampled_from(sorted(self.shelf)))]
        with pytest.raises(EditConflict) as conflict:
            self.run(self.catalogue.save(replace(known, title="Never", version=known.version - 1)))
        assert conflict.value.current == known

    @precondition(lambda self: self.shelf)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        known = self.shelf.pop(data.draw(st.sampled_from(sorted(self.shelf))))
        self.run(self.catalogue.remove(known.id, version=known.version))

    @rule(number=NUMBERS)
    def get(self, number: int) -> None:
        known = self.shelf.get(self.id(number))
        if known is None:
            with pytest.raises(MovieNotFound):
                self.run(self.catalogue.get(self.id(number)))
        else:
            assert self.run(self.catalogue.get(known.id)) == known

    @rule(
        sort=st.sampled_from(["title", "year", "runtime"]),
        descending=st.booleans(),
        text=st.sampled_from(["", "ali", "rec"]),
        offset=st.integers(0, 3),
        limit=st.integers(1, 4),
    )
    def browse(self, sort: str, descending: bool, text: str, offset: int, limit: int) -> None:
        query = Query(text=text, genres=(self.genre,), sort=sort, descending=descending)
        page = self.run(self.catalogue.browse(query, offset, limit))
        window = reference.window(self.shelf.values(), query, offset, limit)
        assert page.total == window.total
        assert page.movies == tuple(self.shelf[id] for id in window.ids)

    @rule()
    def count_genres(self) -> None:
        query = Query(genres=(self.genre,))
        counts = self.run(self.catalogue.genres(query))
        assert counts == reference.counts(self.shelf.values(), query, "genres")

    @rule(name=st.sampled_from(Catalogue.strategies))
    def switch_strategy(self, name: str) -> None:
        self.run(self.catalogue.use_strategy(name))

    @rule(name=st.sampled_from(Catalogue.stores))
    def switch_store(self, name: str) -> None:
        self.run(self.catalogue.use_store(name))

    @rule(seconds=st.sampled_from([-50, 59, 61, 700]))
    def jump_in_time(self, seconds: int) -> None:
        """Entries turn stale, or fresh again, all at once."""
        link = self.catalogue._cache._link
        assert link._clock_offset is not None
        link._clock_offset += seconds

    @rule(everything=st.booleans())
    def evict(self, everything: bool) -> None:
        if everything:
            self.run(self.redis.flushdb())
        elif (key := self.run(self.redis.randomkey())) is not None:
            self.run(self.redis.delete(key))


def test_any_sequence_equals_a_dictionary(redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path) -> None:
    chosen = Settings(redis_url=redis_url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=tmp_path)
    with asyncio.Runner() as runner:
        context = open_catalogue(chosen)
        Machine.runner, Machine.redis = runner, Redis.from_url(redis_url, socket_timeout=None)
        Machine.catalogue = runner.run(context.__aenter__())
        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=40,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))
            runner.run(Machine.redis.aclose())
