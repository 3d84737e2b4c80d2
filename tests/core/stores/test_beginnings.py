"""The beginnings of words beside a title's key: no search misses a movie, and most are not looked at."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient

from core.model import Movie, replace
from core.query import ANY_BEGINNING, Query, beginning, beginnings, fold, movie_words
from core.stores import (
    mongo_first,
    mongo_queries,
    mongo_sample,
    mongo_titles,
    mongo_windows,
    postgres_first,
    postgres_queries,
)
from core.stores.base import Store
from core.stores.mongo import MongoStore
from core.stores.postgres import PostgresStore
from core.stores.postgres_first import _reckoned
from tests.core.stores import reference
from tests.core.stores.corpus import FULL, corpus

CROWDED: Final = Movie(
    id="Qcrowded", title="Zz", cast=tuple(f"{a}{b}{c}o" for a in "aeiou" for b in "bcdghz" for c in "aeiou")
)
"""More beginnings than are kept."""
RARE: Final = "zzy"
MOVIES: Final = [*corpus(), CROWDED, *(Movie(id=f"Q{n}", title=f"Number {n} {RARE}") for n in range(900, 904))]
TEXTS: Final = (
    "a",
    "z",
    "zo",
    "a po",
    "the",
    "number zzy",
    "zazo a",
    "sigourney",
    "ä $",
    "*",
    "nobody",
    "%_",
    "x y z",
    "s sig",
    "za zaz a",
    "z number",
    "bell a",
)
BESIDES: Final[tuple[dict[str, Any], ...]] = ({}, {"genres": ("Drama",)}, {}, {"year_from": 1950})
ASKED: Final = tuple(
    (Query(text=text, descending=number % 2 > 0, **BESIDES[number % 4]), 3 if number % 3 else 60)
    for number, text in enumerate((*TEXTS, *TEXTS))
)
assert len(TEXTS) % 2  # so that each is asked in both directions


def test_a_word_is_among_the_beginnings_of_each_movie_that_it_finds() -> None:
    for movie in MOVIES:
        words = movie_words(movie)
        kept = beginnings(words)
        if kept == ANY_BEGINNING:
            continue
        for word in (word for word in words if word[0] != " "):
            assert all(beginning(word[:length]) in kept for length in range(1, 7)), (movie, word)
        assert beginning("d") not in beginnings((" dzed", "alien"))
    assert beginnings(movie_words(CROWDED)) == ANY_BEGINNING


async def same_as_the_reference(store: Store) -> None:
    for query, limit in ASKED:
        assert await store.first(query, limit) == tuple(reference.answer(MOVIES, query)[:limit]), (query, limit)


async def test_postgresql_finds_the_same_however_far_it_walks(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(postgres_url, timeout=20.0)
    await store.open()
    sample = store._first_rows._sample
    try:
        await sample.draw()
        assert sample.drawn is None, "there was nothing to draw from"
        await store.load(MOVIES)
        for looked_at, soon in ((1_000, 9.0), (7, 9.0), (1_000, 0.0)):
            monkeypatch.setattr(postgres_queries, "_LOOKED_AT", looked_at)
            monkeypatch.setattr(postgres_first, "_SOON", soon)
            await same_as_the_reference(store)
        with psycopg.connect(postgres_url, autocommit=True) as psql:
            psql.execute("analyze reelcache.movies")
            await sample.draw()
            drawn = sample.drawn
            assert drawn is not None
            # All are drawn where they are so few.
            by_d = sum(any(word.startswith("d") for word in movie_words(movie)) for movie in MOVIES)
            assert (drawn.of, drawn.having(RARE, "numb"), drawn.having("d")) == (len(MOVIES), 4, by_d)
            assert drawn.having(f"{RARE}ness") == 0.5
            walk, gathering = _reckoned(drawn, Query(text=RARE), 1) or (0.0, 0.0)
            assert 0 < gathering < walk, "few have it"
            walk, gathering = _reckoned(drawn, Query(text="a"), 1) or (0.0, 0.0)
            assert 0 < walk < gathering, "the first one has it"
            assert _reckoned(drawn, Query(genres=("Drama",)), 1) is None
            for cost, soon in ((0.0, 9.0), (1e9, 9.0), (1e9, 0.0)):  # all gathered, all walked to, and by both ways
                monkeypatch.setattr(postgres_first, "_ROW", cost)
                monkeypatch.setattr(postgres_first, "_ENTRY", cost)
                monkeypatch.setattr(postgres_first, "_LIKELY_SOON", soon)
                await same_as_the_reference(store)
            computed = (
                "select count(*) from reelcache.movies where beginnings is distinct from reelcache.beginnings(words)"
            )
            assert psql.execute(computed).fetchone() == (0,), "COPY brings what SQL makes of the same words"
            # Neither all rows nor a row of the table for each of the index is looked at.
            psql.execute("vacuum analyze reelcache.movies")
            psql.execute("set enable_seqscan = off")
            statement, parameters = postgres_queries.begun(Query(text=RARE), 50)
            plan = "\n".join(
                line for (line,) in psql.execute(b"explain " + statement.as_bytes(psql), parameters).fetchall()
            )
            assert "Index Only Scan using movies_title_beginnings" in plan, plan
            assert "Sort" not in plan, plan
            # A row of an older program, and edits by hand.
            psql.execute("alter table reelcache.movies disable trigger stamp_beginnings")
            psql.execute("update reelcache.movies set beginnings = null where id in ('Q900', %s)", (FULL.id,))
            psql.execute("alter table reelcache.movies enable trigger stamp_beginnings")
            await same_as_the_reference(store)
            psql.execute("update reelcache.movies set title = 'Yonder' where id = 'Q901'")
            assert await store.first(Query(text="yonder"), 9) == ("Q901",)
        movie = await store.get("Q902")
        assert movie is not None
        await store.update(replace(movie, cast=("Xylo Phone",)))
        assert await store.first(Query(text="xylo numb"), 9) == ("Q902",)
        assert await store.first(Query(text=RARE), 9) == ("Q900", "Q902", "Q903")
    finally:
        await store.close()


async def test_mongodb_finds_the_same_by_either_way(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_sample, "_SMALL", 10)
    store = MongoStore(mongo_url, timeout=20.0)
    await store.open()
    try:
        await store.load(MOVIES)
        while not (drawn := await store._sample.drawn()).movies:
            pass
        assert drawn.of == len(drawn.movies) == len(MOVIES)
        assert list(drawn.titles) == sorted(fold(movie.title) for movie in MOVIES)
        for word in ("a", "zo", RARE):
            assert drawn.share(word) * drawn.of == pytest.approx(len(reference.answer(MOVIES, Query(text=word))))
        await same_as_the_reference(store)

        with monkeypatch.context() as only_walked:
            only_walked.setattr(mongo_titles, "_told_sooner", lambda *_: None)
            await same_as_the_reference(store)
            glance = mongo_first._glance

            async def more_than_words(at: Any, query: Query, limit: int) -> tuple[str, ...]:
                assert query.genres or query.year_from, "no other way is shorter than the rest of the walk"
                return await glance(at, query, limit)

            only_walked.setattr(mongo_titles, "_SOON", 1e-6)
            only_walked.setattr(mongo_first, "_glance", more_than_words)
            await same_as_the_reference(store)

        async def no_walk(*_: Any) -> None:
            pytest.fail("all titles were walked along")

        def longest(_: Any, query: Query, limit: int) -> str:
            return max(query.words, key=len)

        words_told: list[str] = []

        async def noted(at: Any, word: str, band: Any) -> Any:
            words_told.append(word)
            return await told(at, word, band)

        told = mongo_titles._titles
        with monkeypatch.context() as only_told:
            only_told.setattr(mongo_titles, "_told_sooner", longest)
            only_told.setattr(mongo_titles, "along_titles", no_walk)
            only_told.setattr(mongo_titles, "_titles", noted)
            await same_as_the_reference(store)
            assert len(words_told) == len(ASKED), "all titles of so few movies are told at once"
            only_told.setattr(mongo_titles, "_first_band", lambda *_: 0.02)
            only_told.setattr(mongo_titles, "_FEW", 1)
            only_told.setattr(mongo_titles, "_JOINED", 0.0)
            for onward in ((1.01, 1.2), (2.0, 3.0)):
                words_told.clear()
                only_told.setattr(mongo_titles, "_ONWARD", onward)
                await same_as_the_reference(store)
                assert len(words_told) > 3 * len(ASKED)
            assert RARE not in words_told
            only_told.setattr(mongo_titles, "_JOINED", 1e9)
            await same_as_the_reference(store)
            assert RARE in words_told, "the titles of a shorter word, too"

        async def with_some_gone(at: Any, word: str, band: Any) -> Any:
            return [title + end for title in await told(at, word, band) for end in ("", "\x00", "\x01")]

        with monkeypatch.context() as removed:
            removed.setattr(mongo_titles, "_told_sooner", longest)
            removed.setattr(mongo_titles, "_titles", with_some_gone)
            await same_as_the_reference(store)
        with monkeypatch.context() as mistaken:
            mistaken.setattr(mongo_titles, "_told_sooner", longest)
            mistaken.setattr(mongo_titles, "_MOST_TOLD", 2)
            await same_as_the_reference(store)
            mistaken.setattr(mongo_titles, "_MOST_TOLD", 9)
            mistaken.setattr(mongo_titles, "_JOINED", 1e9)
            mistaken.setattr(mongo_titles, "_FEW", 1)
            await same_as_the_reference(store)
        for share in (mongo_windows._RARE, -1):
            monkeypatch.setattr(mongo_windows, "_RARE", share)
            for text in (*TEXTS, "a z", "s si", "abao zz", "a e i"):
                query = Query(text=text, sort="year")
                assert (await store.window(query, 0, 1)).total == len(reference.answer(MOVIES, query)), text
        with MongoClient[dict[str, Any]](mongo_url) as client:
            movies = client.get_default_database()["movies"]

            def looked_at(found: Any, index: str) -> tuple[int, int]:
                explained = found.hint(index).explain()["executionStats"]
                return explained["totalDocsExamined"], explained["totalKeysExamined"]

            query = Query(text=RARE)
            documents, keys = looked_at(movies.find(mongo_queries.begun(query)), mongo_queries.sort_index("title"))
            assert (documents, keys >= len(MOVIES)) == (4 + 1, True), "those that have the word, and the crowded one"
            clause = mongo_queries.word_clause("z")
            band = {mongo_queries.TITLE: {"$gt": "number", "$lte": "number 901 zzy"}}
            within = movies.find({"$and": [clause, band]}, return_key=True).collation(mongo_queries.BINARY)
            documents, keys = looked_at(within, mongo_queries.WORDS)
            words = {word for movie in MOVIES for word in movie_words(movie) if word.startswith("z")}
            assert (documents, keys <= 2 * len(words) + 2) == (0, True), "the index leaps to the band in each word"
    finally:
        await store.close()


def test_one_way_is_taken_by_what_a_sample_says() -> None:
    movies = (*(" the zorro",) * 1, *(" the last night",) * 4, *(" the love",) * 400, *(" an hour",) * 595)
    drawn = mongo_sample.Drawn(movies, 1_000_000)
    told = {
        "z": "z",
        "zorro": "zorro",
        "xylo": "xylo",
        "last": "last",
        "the last": "last",
        "the": None,
        "hour love": None,
    }
    for text, word in told.items():
        assert mongo_titles._told_sooner(drawn, Query(text=text), 50) == word, text
    # The same share of few is met soon, and of a small collection there is no sample.
    assert mongo_titles._told_sooner(mongo_sample.Drawn(movies, 1_000_000), Query(text="last"), 1) is None
    assert mongo_titles._told_sooner(mongo_sample.Drawn(), Query(text="zorro"), 50) is None


def test_a_band_is_as_wide_as_the_rows_need() -> None:
    movies = (*(" zorro",) * 10, *(" the zoo",) * 20, *(" the",) * 970)
    titles = tuple(f"{number:03}" for number in range(1_000))
    drawn = mongo_sample.Drawn(movies, 1_000_000, titles)
    once, thrice, beside = (
        mongo_titles._first_band(drawn, query, "zoo", limit)
        for query, limit in (
            (Query(text="zoo"), 1_000),
            (Query(text="zoo"), 3_000),
            (Query(text="zoo", genres=("Drama",)), 1_000),
        )
    )
    assert once == pytest.approx(2 * 1_000 / 20_000)
    assert thrice == pytest.approx(3 * once)
    assert beside > once
    assert drawn.title_behind(once) == "100"
    assert drawn.title_behind(once, descending=True) == "899"
    assert drawn.title_behind(1.0) is drawn.title_behind(7.5) is mongo_sample.Drawn().title_behind(0.1) is None
    # What is told in no time is told at once.
    assert mongo_titles._first_band(drawn, Query(text="zorro"), "zorro", 1) == pytest.approx(mongo_titles._FEW / 10_000)
    assert mongo_titles._first_band(mongo_sample.Drawn(), Query(text="zorro"), "zorro", 1) == 1.0


async def test_mongodb_keeps_no_index_of_an_older_program(mongo_url: str) -> None:
    with MongoClient[dict[str, Any]](mongo_url) as client:
        movies = client.get_default_database()["movies"]
        movies.create_index([("reelcache.title_key", 1), ("reelcache.id", 1)], name="reelcache_title")
        movies.create_index("year", name="somebody_elses")
        store = MongoStore(mongo_url, timeout=20.0)
        await store.open()
        await store.close()
        names = set(movies.index_information())
        assert "reelcache_title" not in names
        assert {"somebody_elses", mongo_queries.sort_index("title")} <= names
