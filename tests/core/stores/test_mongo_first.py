"""The first rows of a filtered answer in MongoDB: each way finds the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from core.query import SORTS, Query, Range, movie_words
from core.stores import mongo_first as ways
from core.stores import mongo_sample, mongo_titles, mongo_windows
from core.stores.mongo import MongoStore
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_queries import WORDS
from tests.core.stores import reference
from tests.core.stores.open_stores import MOVIES, asked_of_one_store

ASKED: Final = (
    {"text": "a"},
    {"text": "zo"},
    {"text": "a po"},
    {"text": "nobody"},
    {"genres": ("Drama",)},
    {"genres": ("Drama", "Action"), "text": "s"},
    {"year_from": -5, "year_to": 1980},
    {"ranges": (Range("metacritic", above=-1, most=50), Range("runtime", least=-1))},
)
FOUND_BY: Final = sorted({word for movie in MOVIES for word in movie_words(movie) if word[0] != " "})
FORCED: Final[dict[str, tuple[dict[str, float], str]]] = {
    "a glance": ({}, "_glance"),
    "few": ({"_GLANCE": 1}, "_looked_at"),
    "joined": ({"_GLANCE": 1, "_FEW": 0, "_FETCHED": 40, "_KEYS": 1_000}, "_joined"),
    "joined too far": ({"_GLANCE": 1, "_FEW": 0, "_FETCHED": 40, "_KEYS": 0}, "_looked_at"),
    "walked": ({"_GLANCE": 1, "_FEW": 0, "_MANY": 0}, "_looked_at"),
    "walked in vain": ({"_GLANCE": 1, "_FEW": 0, "_MANY": 0, "_PATIENCE": 1e-6}, "_joined"),
}


@pytest.mark.parametrize("way", FORCED)
async def test_each_way_finds_the_first_rows(mongo_url: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limits, taken = FORCED[way]
    for name, value in limits.items():
        monkeypatch.setattr(ways, name, value)
    found, answered = getattr(ways, taken), 0

    async def noted(at: MongoConnection, *given: Any, **named: Any) -> Any:
        nonlocal answered
        result = await found(at, *given, **named)
        answered += bool(result)
        return result

    monkeypatch.setattr(ways, taken, noted)
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        await store.load(MOVIES)
        for number, asked in enumerate(ASKED):
            for sort in SORTS[number % 5 :: 5]:
                for descending in (False, True):
                    query = Query(**asked, sort=sort, descending=descending)  # type: ignore[arg-type]  # names of its own
                    assert await store.first(query, 9) == tuple(reference.answer(MOVIES, query)[:9]), query
        assert answered > len(ASKED)
    finally:
        await store.close()


@pytest.fixture
async def sampled(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MongoStore]:
    """An open store with the corpus in it, all of which was drawn."""
    monkeypatch.setattr(mongo_sample, "_SMALL", 10)
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    await store.load(MOVIES)
    while not (await store._sample.drawn()).movies:
        pass
    yield store
    await store.close()


@asked_of_one_store
@given(
    text=st.lists(st.sampled_from(FOUND_BY), min_size=1, max_size=2),
    length=st.integers(1, 4),
    genres=st.sampled_from(((), (), ("Drama",))),
    descending=st.booleans(),
    limit=st.integers(1, 60),
    width=st.floats(0.001, 1.2),
    few=st.sampled_from((1, 500)),
    joined=st.sampled_from((0.0, 2.0, 1e9)),
    most=st.sampled_from((2, 15, 20_000)),
)
async def test_titles_are_told_in_bands_of_any_width(
    sampled: MongoStore,
    monkeypatch: pytest.MonkeyPatch,
    text: list[str],
    length: int,
    genres: tuple[str, ...],
    descending: bool,
    limit: int,
    width: float,
    few: int,
    joined: float,
    most: int,
) -> None:
    asked = Query(text=" ".join(word[:length] for word in text), genres=genres, descending=descending)
    monkeypatch.setattr(mongo_titles, "_told_sooner", lambda _, query, __: query.words[0])
    monkeypatch.setattr(mongo_titles, "_first_band", lambda *_: width)
    for name, value in (("_FEW", few), ("_JOINED", joined), ("_MOST_TOLD", most)):
        monkeypatch.setattr(mongo_titles, name, value)
    assert await sampled.first(asked, limit) == tuple(reference.answer(MOVIES, asked)[:limit])


async def test_first_rows_need_no_index(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        await store.load(MOVIES)
        with MongoClient[dict[str, Any]](mongo_url) as client:
            movies = client.get_default_database()["movies"]
            movies.drop_index(WORDS)
            with monkeypatch.context() as no_words:
                # Else the index of the words is not missed.
                no_words.setattr(mongo_titles, "_told_sooner", lambda *_: "a")
                no_words.setattr(mongo_windows, "_part", planned)
                typed = Query(text="a")
                assert await store.first(typed, 9) == tuple(reference.answer(MOVIES, typed)[:9])
            for name in movies.index_information():
                if name != "_id_":
                    movies.drop_index(name)
        query = Query(text="a", sort="year")
        assert await store.first(query, 9) == tuple(reference.answer(MOVIES, query)[:9])
    finally:
        await store.close()


async def planned(*_: Any) -> None:
    """In place of what is left to the server's planner."""
    pytest.fail("all movies were looked at")
