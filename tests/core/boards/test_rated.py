"""Boards of the best rated movies: the store's own ranking after every write, whoever made it, whatever Redis does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from redis.asyncio import Redis

from core import Catalogue, InvalidQuery, Query, Settings, open_catalogue, replace
from core.boards import rated
from core.boards.board import Board
from core.cache import boards
from core.errors import EditConflict, MovieExists, MovieNotFound
from core.model import Movie, Value
from core.score import points_of
from tests.core.cache.servers import OwnRedis
from tests.core.movies import GENRES, movie
from tests.core.sources import ListSource
from tests.core.strategies.test_tallies import behind_its_back

COUNT = 200
ASKED = (None, *GENRES)


def rated_movie(number: int, **fields: object) -> Movie:
    choose = Random(number)
    ratings: dict[str, object] = {
        "critic_rating": choose.choice((None, 3.3, 6.66, 7, 8.1, 9.9)),
        "critic_reviews": choose.choice((None, 0, 7, 30, 150)),
    }
    return movie(number, **(ratings | fields))


@pytest.fixture(params=["postgresql", "mongodb"])
async def copies(
    request: pytest.FixtureRequest, own_redis: OwnRedis, postgres_url: str, mongo_url: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Catalogue, Catalogue]]:  # fmt: skip
    """Two copies of the program on one store and one Redis, whose boards keep few movies and so are often cut."""
    monkeypatch.setattr(boards, "KEPT", 30)
    monkeypatch.setattr(rated, "KEPT", 30)
    monkeypatch.setattr(rated, "REST", 0.0)
    settings = Settings(
        store=request.param, redis_url=own_redis.url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=tmp_path
    )
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_catalogue(settings))
        second = await stack.enter_async_context(open_catalogue(settings))
        await first.load(ListSource([rated_movie(number) for number in range(COUNT)]))
        yield first, second


@pytest.fixture
async def own_redis() -> AsyncIterator[OwnRedis]:
    async with OwnRedis() as server:
        yield server


async def test_boards_are_the_stores_own_ranking_whatever_happens(
    copies: tuple[Catalogue, Catalogue], own_redis: OwnRedis, postgres_url: str, mongo_url: str
) -> None:
    reader, writer = copies
    choose = Random(5)
    first = await right(reader, None)
    assert (first.source, "being made" in first.why) == ("store", True)
    await made(reader)

    # An edit by either copy moves a film at once; so often that boards run short, and are made anew.
    sources = []
    for turn in range(50):
        await change(choose.choice(copies), choose)
        if turn % 3:  # else several changes are carried in at once
            sources.append((await right(choose.choice(copies), choose.choice(ASKED))).source)
    assert sources.count("redis") > len(sources) / 2
    best = (await reader.top("Drama", 1)).rows[0].movie
    await made(reader)
    await writer.save(replace(best, genres=("Western",), critic_rating=10, critic_reviews=1000))
    board = await right(reader, None, limit=3)
    assert (board.source, board.rows[0].movie.id) == ("redis", best.id)
    assert best.id not in [row.movie.id for row in (await right(reader, "Drama")).rows]
    western = await right(reader, "Western")
    assert ("rare genre" in western.why, len(western.rows)) == (True, 1)

    # What is done behind the program's back comes by the relay.
    await behind_its_back(reader.store, postgres_url, mongo_url)
    await reader._binding.store.settle()
    await right(reader, None)

    # Redis is killed while both edit and ask.
    async def edits(catalogue: Catalogue, seed: int) -> None:
        for _ in range(15):
            await change(catalogue, Random(seed := seed + 1))
            await catalogue.top(choose.choice(ASKED), 6)

    editing = [asyncio.create_task(edits(copy, 1000 * n)) for n, copy in enumerate(copies, 1)]
    await asyncio.wait(editing, timeout=0.05)
    await own_redis.stop()
    await asyncio.gather(*editing)
    for genre in ASKED:
        assert (await right(reader, genre)).source == "store"
    await change(writer, choose)
    await own_redis.start()
    await asyncio.gather(*(edits(copy, 5000 * n) for n, copy in enumerate(copies, 1)))
    for genre in ASKED:
        assert (await made(reader, genre)).rows == (await made(writer, genre)).rows

    # A load flushes; a board that Redis evicted is not taken for an empty one.
    await writer.load(ListSource([rated_movie(COUNT + n, critic_rating=9.9, critic_reviews=n) for n in range(520)]))
    await right(reader, None)
    await made(reader)
    async with Redis.from_url(own_redis.url) as redis:
        names = [name async for name in redis.scan_iter("rc:g:*:board:Drama")]
        assert await redis.delete(*names) == 1
    assert (await right(reader, "Drama")).source == "store"
    await made(reader, "Drama")

    alike = [rated_movie(COUNT + n, critic_rating=10, critic_reviews=900, genres=("Alike",)) for n in range(60)]
    await writer.load(ListSource(alike))
    await made(reader, "Drama")
    assert "same rank" in (await right(reader, None)).why

    await reader.use_strategy("no-cache")
    assert "asks the store" in (await right(reader, None)).why


async def test_a_user_who_may_not_keep_boards_is_told_what_to_allow(
    own_redis: OwnRedis, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(redis_url=own_redis.url, postgres_url=postgres_url, state_dir=tmp_path)
    async with Redis.from_url(own_redis.url) as admin, open_catalogue(settings) as catalogue:
        await catalogue.load(ListSource([rated_movie(number) for number in range(50)]))
        await admin.execute_command("ACL SETUSER default -zadd -hincrby -zincrby")  # type: ignore[no-untyped-call]
        await right(catalogue, None)
        while "ZADD" not in (await right(catalogue, None)).why.upper():
            await asyncio.sleep(0.01)
        board = await right(catalogue, None)
        assert board.source == "store"
        assert re.search(r"ACL SETUSER default (~rc:\* )?\+zadd$", board.why)
        catalogue.viewed("Q1")
        await catalogue.watch()
        shared = catalogue.stats().shared
        assert (shared.copies, "ACL SETUSER default" in str(shared.problem)) == (0, True)
        assert (catalogue.stats().breaker, catalogue.stats().doubt) == ("closed", None)
        assert re.search(r"ACL SETUSER default (~rc:\* )?\+z\w+$", (await catalogue.trending("hour")).why)


async def test_what_no_board_can_be(redis_url: str, postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path)
    async with open_catalogue(settings) as catalogue:
        for genre, limit in ((None, 0), (None, 201), ("\x00", 5)):
            with pytest.raises(InvalidQuery):
                await catalogue.top(genre, limit)
            with pytest.raises(InvalidQuery):
                await catalogue.trending("day", limit, genre=genre)
        with pytest.raises(InvalidQuery, match="no span"):
            await catalogue.trending("year")  # type: ignore[arg-type]
        assert (await catalogue.top()).rows == (await catalogue.trending("hour")).rows == ()


async def made(catalogue: Catalogue, genre: str | None = None) -> Board:
    """Ask until Redis has the board."""
    while (board := await right(catalogue, genre)).source != "redis":
        await asyncio.sleep(0.01)
    return board


async def right(catalogue: Catalogue, genre: str | None, limit: int = 10) -> Board:
    """Compare a board with the store's own ranking, and each row with its movie."""
    board = await catalogue.top(genre, limit)
    query = Query() if genre is None else Query(genres=(genre,))
    expected = await catalogue._binding.store.ranked(query, limit)
    assert [(row.movie.id, row.value, row.reviews) for row in board.rows] == [
        (row.id, row.score, row.reviews) for row in expected
    ], (genre, board.source)
    assert [points_of(row.movie) for row in board.rows] == [row.points for row in expected]
    assert board.why if board.source == "store" else not board.why
    return board


async def change(catalogue: Catalogue, choose: Random) -> None:
    """Add, remove or edit a movie, as long as nobody else is at it."""
    id = f"Q{choose.randrange(COUNT)}"
    ratings: dict[str, Value] = {
        "critic_rating": choose.choice((None, 2, 5.55, 9.1, choose.uniform(0, 10))),
        "critic_reviews": choose.choice((None, 1, 99, choose.randrange(500))),
        "genres": tuple(choose.sample(GENRES, choose.randrange(3))),
    }
    field = choose.choice(list(ratings))
    with suppress(EditConflict, MovieExists, MovieNotFound):
        found = await catalogue._binding.store.get(id)
        if found is None:
            await catalogue.add(rated_movie(int(id[1:])))
        elif choose.random() < 0.2:
            await catalogue.remove(id, version=found.version)
        else:
            await catalogue.save(replace(found, **{field: ratings[field]}))
