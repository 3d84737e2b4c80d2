"""A collection that others made: adopted after asking, edited in place, and given back as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient

from core.errors import EditConflict, ForeignCollection, MovieNotFound
from core.model import Movie, replace, same_content
from core.query import Query
from core.stores.mongo import MongoStore
from tests.core.stores.sample_mflix import BROKEN, DOCUMENTS, EMPTY, HOSTILE, NAMEABLE, STRINGY, TIDY

Raw = dict[Any, bytes]


class Foreign:
    """The database as its owner sees it, byte for byte."""

    def __init__(self, url: str) -> None:
        self.client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, datetime_conversion="DATETIME_AUTO")
        self.database = self.client.get_default_database()
        options = CodecOptions(RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
        self.movies = self.database["movies"].with_options(codec_options=options)

    async def raw(self) -> Raw:
        """Each document's bytes."""
        return {document["_id"]: bytes(document.raw) async for document in self.movies.find()}

    async def fields(self, key: object) -> dict[str, object]:
        """The fields of one document, in order, nested ones as raw bytes."""
        document = await self.movies.find_one({"_id": key})
        assert document is not None
        return {name: value.raw if isinstance(value, RawBSONDocument) else value for name, value in document.items()}

    async def names(self) -> tuple[set[str], set[str]]:
        """The collections, and the indexes on movies."""
        collections = await self.database.list_collection_names()
        return set(collections), set(await self.database.movies.index_information())


@pytest.fixture
async def foreign(mongo_url: str) -> AsyncIterator[Foreign]:
    foreign = Foreign(mongo_url)
    await foreign.database.movies.insert_many([dict(document) for document in DOCUMENTS])
    yield foreign
    await foreign.client.close()


@pytest.fixture
async def store(mongo_url: str, foreign: Foreign) -> AsyncIterator[MongoStore]:
    """Not yet opened."""
    store = MongoStore(mongo_url, timeout=20.0)
    yield store
    await store.close()


async def present(store: MongoStore, id: object) -> Movie:
    movie = await store.get(str(id))
    assert movie is not None
    return movie


async def test_opening_asks_and_touches_nothing(store: MongoStore, foreign: Foreign) -> None:
    before = await foreign.raw()
    with pytest.raises(ForeignCollection) as question:
        await store.open()
    assert f"{foreign.database.name}.movies" in question.value.reason
    assert f"{NAMEABLE} of its {len(DOCUMENTS)} documents" in question.value.reason
    assert "reelcache adopt" in question.value.remedy
    assert await foreign.raw() == before
    assert await foreign.names() == ({"movies"}, {"_id_"})


async def test_adopting_shows_every_movie_that_an_id_can_name(store: MongoStore) -> None:
    seen: list[tuple[int, int]] = []
    assert await store.adopt(lambda done, total: seen.append((done, total))) == NAMEABLE
    assert seen[-1] == (NAMEABLE, NAMEABLE)
    window = await store.window(Query(sort="year"), 0, 50)
    assert window.total == len(window.ids) == await store.count() == NAMEABLE
    movies = await store.get_many(window.ids)
    assert movies.keys() == set(window.ids)
    assert all(movie.version > 0 for movie in movies.values())
    assert window.ids[0] == f"mflix:{TIDY}"
    assert window.ids[-1] == "types"
    assert (await store.window(Query(sort="score", descending=True), 0, 1)).ids == (f"mflix:{TIDY}",)
    found = await store.window(Query(text="zoe le", genres=("Sci-Fi",)), 0, 5)
    assert found.ids == (f"mflix:{HOSTILE}",)
    assert {genre.name: genre.count for genre in await store.counts(Query(), "genres")} == {
        "Drama": 6,
        "Sci-Fi": 1,
        "Short": 1,
        "Western": 1,
    }


async def test_an_adopted_collection_opens_without_asking(store: MongoStore, mongo_url: str) -> None:
    await store.adopt()
    assert await store.adopt() == 0
    again = MongoStore(mongo_url, timeout=20.0)
    await again.open()
    assert await again.count() == NAMEABLE
    await again.close()


async def test_disowning_leaves_everything_as_it_was(store: MongoStore, foreign: Foreign) -> None:
    before = await foreign.raw()
    await store.adopt()
    await store.set_note("shipped", "no")
    assert (await foreign.raw()).keys() == before.keys()
    assert await foreign.raw() != before
    assert await store.disown() == NAMEABLE
    assert await foreign.raw() == before
    assert await foreign.names() == ({"movies"}, {"_id_"})
    with pytest.raises(ForeignCollection):
        await store.open()


async def test_an_edit_writes_the_changed_fields_alone(store: MongoStore, foreign: Foreign) -> None:
    await store.adopt()
    for key in (f"mflix:{TIDY}", "types", f"mflix:{HOSTILE}", f"mflix:{EMPTY}"):
        id = TIDY if str(TIDY) in key else HOSTILE if str(HOSTILE) in key else EMPTY if str(EMPTY) in key else key
        before = await foreign.fields(id)
        movie = await present(store, key)
        saved = await store.update(replace(movie, runtime=118))
        assert saved.version > movie.version
        after = await foreign.fields(id)
        assert after.pop("runtime") == 118
        before.pop("runtime", None)
        assert (after.pop("reelcache"), before.pop("reelcache")) is not None
        assert after == before
        assert list(after) == list(before)
        assert await store.get(key) == saved


async def test_a_nested_edit_leaves_its_neighbours(store: MongoStore, foreign: Foreign) -> None:
    await store.adopt()
    movie = await present(store, f"mflix:{TIDY}")
    await store.update(replace(movie, oscars_won=3, oscar_nominations=5, box_office=None, imdb_rating=None, cast=()))
    document = await foreign.database.movies.find_one({"_id": TIDY})
    assert document is not None
    original = DOCUMENTS[0]
    assert document["awards"] == {
        "wins": 3,
        "nominations": 1,
        "text": "Won 3 Oscars. Nominated for 5 Oscars. Another 1 win & 1 nomination.",
    }
    assert document["imdb"] == {"votes": 9847, "id": 439}
    assert document["tomatoes"].keys() == original["tomatoes"].keys() - {"boxOffice"}
    assert "cast" not in document


async def test_a_broken_document_is_repaired_by_editing_it(store: MongoStore) -> None:
    await store.adopt()
    for id in (f"mflix:{BROKEN}", f"mflix:{EMPTY}", f"mflix:{STRINGY}"):
        movie = await present(store, id)
        mended = replace(
            movie, title="$title", year=2024, imdb_rating=7.5, imdb_id="tt0000009", tomatometer=50, box_office=7,
            oscars_won=0, genres=("$genres",), runtime=5, plot="$$NOW",
        )  # fmt: skip
        saved = await store.update(mended)
        assert same_content(saved, mended)
        assert await store.get(id) == saved
        found = await store.window(Query(text="$title", genres=("$genres",), year_from=2024), 0, 50)
        assert id in found.ids


async def test_edits_survive_disowning(store: MongoStore) -> None:
    await store.adopt()
    edited = await store.update(replace(await present(store, f"mflix:{TIDY}"), oscars_won=7, box_office=123, year=1904))
    await store.disown()
    await store.adopt()
    again = await present(store, edited.id)
    assert same_content(again, edited)


async def test_what_others_insert_later(store: MongoStore, foreign: Foreign, mongo_url: str) -> None:
    await store.adopt()
    await foreign.database.movies.insert_many([{"_id": key, "title": "Later", "odd": {"a": 1}} for key in "xyz"])
    later = await present(store, "x")
    assert (later.title, later.version) == ("Later", 0)
    assert await store.count() == NAMEABLE
    assert (await store.window(Query(text="later"), 0, 5)).ids == ()
    with pytest.raises(EditConflict):
        await store.update(replace(later, version=3))
    saved = await store.update(replace(later, year=1999))
    assert saved.version > 0
    with pytest.raises(EditConflict):
        await store.update(replace(later, year=2000))
    assert (await store.window(Query(text="later"), 0, 5)).ids == ("x",)
    assert await store.delete("y", 0) > 0
    with pytest.raises(MovieNotFound):
        await store.delete("y", 0)
    again = MongoStore(mongo_url, timeout=20.0)
    await again.open()
    assert await again.adopt() == 1
    assert (await again.window(Query(text="later"), 0, 5)).ids == ("x", "z")
    await again.close()


async def test_a_load_meets_what_others_inserted(store: MongoStore, foreign: Foreign) -> None:
    await store.adopt()
    await foreign.database.movies.insert_one({"_id": "x", "title": "Later", "odd": 1})
    kept = await present(store, f"mflix:{TIDY}")
    stored = await store.load([Movie(id="x", title="Later"), kept, Movie(id=f"mflix:{'a' * 24}", title="New")])
    assert (stored.inserted, stored.updated, stored.unchanged) == (1, 1, 1)
    assert (await foreign.fields("x"))["odd"] == 1
    assert (await store.window(Query(text="later"), 0, 5)).ids == ("x",)


async def test_an_adoption_can_be_cancelled_and_taken_up(store: MongoStore, foreign: Foreign) -> None:
    many = [{"title": f"Many {number}", "year": 1950} for number in range(1_500)]
    await foreign.database.movies.insert_many(many)
    total = NAMEABLE + len(many)

    def stop(done: int, of: int) -> None:
        assert of == total
        adoption.cancel()

    adoption = asyncio.create_task(store.adopt(stop))
    with pytest.raises(asyncio.CancelledError):
        await adoption
    await store.close()
    with pytest.raises(ForeignCollection) as question:
        await store.open()
    assert f"{total} of" not in question.value.reason
    rest = await store.adopt()
    assert 0 < rest < total
    assert await store.count() == total
    await store.close()
    await store.open()


async def test_an_adoption_broken_off_at_its_end_does_not_pass_for_ours(store: MongoStore, foreign: Foreign) -> None:
    def stop(done: int, total: int) -> None:
        adoption.cancel()

    adoption = asyncio.create_task(store.adopt(stop))
    with pytest.raises(asyncio.CancelledError):
        await adoption
    await store.close()
    await store.open()
    assert await store.count() == NAMEABLE
    with pytest.raises(ForeignCollection):
        await store.clear()
    assert len(await foreign.raw()) == len(DOCUMENTS)


async def test_adopting_from_two_places_at_once(store: MongoStore, mongo_url: str) -> None:
    other = MongoStore(mongo_url, timeout=20.0)
    done = await asyncio.gather(store.adopt(), other.adopt())
    assert sum(done) == NAMEABLE
    assert await other.count() == NAMEABLE
    await other.close()


async def test_the_movies_of_others_are_not_cleared(store: MongoStore, foreign: Foreign) -> None:
    await store.adopt()
    with pytest.raises(ForeignCollection):
        await store.clear()
    assert len(await foreign.raw()) == len(DOCUMENTS)


async def test_an_object_id_is_deleted_and_inserted_again(store: MongoStore, foreign: Foreign) -> None:
    await store.adopt()
    movie = await present(store, f"mflix:{TIDY}")
    removal = await store.delete(movie.id, movie.version)
    back = await store.insert(movie)
    assert back.version > removal
    assert TIDY in await foreign.raw()
