"""The app over the real catalogue on real servers: what a person does ends up in the stores and in the cache."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

import data
from core import Catalogue, MovieNotFound, Settings, open_catalogue, replace
from tests.tui.stage import PATIENCE, save_through_review, screen_text, until
from tui.app import ReelcacheApp
from tui.screens.browse import BrowseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.conflict import ConflictScreen
from tui.screens.edit import EditScreen
from tui.widgets.movie_table import MovieTable

SAMPLE = Path(data.__file__).parent / "movies-sample.csv"
ALIEN = "Q103569"


@pytest.fixture
def settings(redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path) -> Settings:
    """Empty databases on real servers."""
    return Settings(redis_url=redis_url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=tmp_path)


class Seat:
    """A person's place in front of the app."""

    def __init__(self, app: ReelcacheApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def catalogue(self) -> Catalogue:
        assert self.app.catalogue is not None
        return self.app.catalogue

    @property
    def screen(self) -> BrowseScreen:
        screen = self.app.screen_stack[1]
        assert isinstance(screen, BrowseScreen)
        return screen

    @property
    def table(self) -> MovieTable:
        return self.screen.query_one(MovieTable)

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def until_text(self, *parts: str) -> None:
        await until(self.pilot, lambda: all(part in self.text for part in parts))

    def shows_runtime(self, runtime: int) -> bool:
        """Whether the first row has it."""
        row = self.table.window.row(0)
        return row is not None and row.movie.runtime == runtime

    async def go_to(self, id: str) -> None:
        await self.pilot.press("colon", *id, "enter")
        await until(self.pilot, lambda: self.table.current is not None and self.table.current.id == id)

    async def until_believed(self) -> None:
        """On a busy machine Redis is in doubt for a moment: what is read then is the store's, and fills nothing."""
        await until(self.pilot, lambda: self.catalogue.stats().doubt is None is self.catalogue.stats().cache_problem)

    @property
    def disturbances(self) -> int:
        """Reads that a strategy with a cache took from the store alone, and connections to Redis: with one that is lost
        go the fills that were on their way."""
        stats = self.catalogue.stats().strategies
        bypasses = sum(each.bypasses for name, each in stats.items() if name != "no-cache")
        return bypasses + self.catalogue._cache.greetings

    async def reload(self) -> str:
        """Ask again for the rows in view, while Redis is believed; returns the marks of where they came from."""
        before = -1
        while before != self.disturbances:
            await self.until_believed()
            before = self.disturbances
            await self.pilot.press("r")
            await until(self.pilot, lambda: not self.table.window.outdated and not self.table.window.waiting)
        rows = [self.table.window.row(number) for number in range(10)]
        return "".join({"redis": "h", "store": "m", "near": "n", None: "?"}[row.tier] for row in rows if row)

    async def reload_until(self, marks: str) -> None:
        """Ask again until the rows come from there. Each time that Redis keeps it waiting, the near tier begins anew,
        and a row may be left out of Redis."""
        async with asyncio.timeout(PATIENCE):
            while await self.reload() != marks:
                pass


@asynccontextmanager
async def seat(settings: Settings, *, stores: tuple[str, ...] = ("postgresql",)) -> AsyncIterator[Seat]:
    """The running app, the thousand sample movies in these stores."""
    for store in stores:
        async with open_catalogue(replace_store(settings, store)) as loading:
            await loading.load(data.read(SAMPLE))
    app = ReelcacheApp(settings)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and app.screen.query(MovieTable))
        at = Seat(app, pilot)
        await until(pilot, lambda: at.table.window.total == 1_000)
        await at.reload()  # the first rows may have been read before the cache was believed
        yield at


def replace_store(settings: Settings, store: str) -> Settings:
    """The same servers with another store in force."""
    return dataclasses.replace(settings, store=store)


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_browsing_to_the_last_row_and_back_reads_what_was_read_from_redis(settings: Settings, store: str) -> None:
    async with seat(replace_store(settings, store), stores=(store,)) as at:
        await at.pilot.press("end")
        await until(at.pilot, lambda: at.table.current is not None and at.table.cursor == 999)
        await at.until_text("1,000  ")
        await at.pilot.press("home")
        assert await at.reload() == "h" * 10


async def test_each_strategy_in_turn_shows_what_it_is_worth(settings: Settings) -> None:
    async with seat(settings) as at:
        assert await at.reload() == "h" * 10
        await at.pilot.press("c", "3")
        await until(at.pilot, lambda: at.catalogue.strategy == "no-cache" and at.app.screen is at.screen)
        assert await at.reload() == "m" * 10
        await at.until_text("no-cache · PostgreSQL", "▸ no-cache")
        await at.pilot.press("c", "2")
        await until(at.pilot, lambda: at.catalogue.strategy == "write-through" and at.app.screen is at.screen)
        assert await at.reload() == "h" * 10
        used = {name for name, stats in at.catalogue.stats().strategies.items() if stats.hits or stats.bypasses}
        assert used == {"cache-aside", "no-cache", "write-through"}


async def test_the_other_store_has_its_own_movies_and_the_cursor_stays(settings: Settings) -> None:
    async with seat(settings, stores=("postgresql", "mongodb")) as at:
        await at.go_to(ALIEN)
        row = at.table.cursor
        await at.pilot.press("t", "2")
        await until(at.pilot, lambda: at.catalogue.store == "mongodb" and not at.table.window.outdated)
        assert at.table.current is not None
        assert (at.table.cursor, at.table.current.id) == (row, ALIEN)
        await at.pilot.press("e")
        await until(at.pilot, lambda: isinstance(at.app.screen, EditScreen))
        await save_through_review(at.pilot, "!")
        await at.until_text("“Alien!” is saved in MongoDB.")
        await at.pilot.press("t", "1")
        await until(at.pilot, lambda: at.catalogue.store == "postgresql" and not at.table.window.outdated)
        assert (await at.catalogue.get(ALIEN)).title == "Alien"
        await until(at.pilot, lambda: at.table.current is not None and at.table.current.title == "Alien")


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_an_edit_against_another_copys_edit_is_merged_by_choice(settings: Settings, store: str) -> None:
    settings = replace_store(settings, store)
    async with seat(settings, stores=(store,)) as at, open_catalogue(settings) as another_copy:
        await at.go_to(ALIEN)
        await at.pilot.press("e")
        await until(at.pilot, lambda: isinstance(at.app.screen, EditScreen))
        theirs = await another_copy.get(ALIEN)
        await another_copy.save(replace(theirs, title="Alien: theirs", runtime=118))
        await save_through_review(at.pilot, "!")
        await until(at.pilot, lambda: isinstance(at.app.screen, ConflictScreen))
        await at.until_text("Alien!", "Alien: theirs", "1 field left to choose")
        await at.pilot.press("m", "enter")
        await at.until_text("“Alien!” is saved in")
        for catalogue in (at.catalogue, another_copy):
            merged = await catalogue.get(ALIEN)
            assert (merged.title, merged.runtime) == ("Alien!", 118)
        await until(at.pilot, lambda: at.table.current is not None and at.table.current.title == "Alien!")


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_a_movie_added_is_in_the_store_and_removed_is_out_of_it(settings: Settings, store: str) -> None:
    async with seat(replace_store(settings, store), stores=(store,)) as at:
        await at.pilot.press("a")
        await until(at.pilot, lambda: isinstance(at.app.screen, EditScreen))
        await save_through_review(at.pilot, *"[REC] mine")
        await at.until_text("“[REC] mine” is saved in")
        assert (await at.catalogue.get("my:rec-mine")).title == "[REC] mine"
        await until(at.pilot, lambda: at.table.window.total == 1_001)
        await until(at.pilot, lambda: at.table.current is not None and at.table.current.id == "my:rec-mine")
        await at.pilot.press("D")
        await until(at.pilot, lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.pilot.press("y")
        await at.until_text("“[REC] mine” is no longer in")
        await until(at.pilot, lambda: at.table.window.total == 1_000)
        with pytest.raises(MovieNotFound):
            await at.catalogue.get("my:rec-mine")


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_another_copys_edit_shows_by_itself_and_stands_out(settings: Settings, store: str) -> None:
    chosen = replace_store(settings, store)
    async with seat(chosen, stores=(store,)) as at, open_catalogue(chosen) as other:
        movie = at.table.current
        assert movie is not None
        await until(at.pilot, lambda: at.screen._generation is not None)
        saved = await other.save(replace(movie, runtime=321))
        await until(at.pilot, lambda: at.table.current is not None and at.table.current.version == saved.version)
        await at.until_text("*")


@pytest.mark.parametrize("store", Catalogue.stores)
async def test_a_list_completes_from_what_the_store_has(settings: Settings, store: str) -> None:
    async with seat(replace_store(settings, store), stores=(store,)) as at:
        await at.go_to(ALIEN)
        await at.pilot.press("e")
        await until(at.pilot, lambda: isinstance(at.app.screen, EditScreen))
        at.app.screen.query_one("#field-directors").focus()
        await at.pilot.pause()
        await at.pilot.press("ctrl+u", "ctrl+u", *"james cam")
        await at.until_text("James Cameron")
        await save_through_review(at.pilot, "right")
        await at.until_text("“Alien” is saved")
        assert (await at.catalogue.get(ALIEN)).directors == ("James Cameron",)


async def test_the_near_tier_is_turned_on_and_off_with_the_difference_in_every_panel(settings: Settings) -> None:
    async with seat(settings) as at, open_catalogue(settings) as another_copy:
        assert await at.reload() == "h" * 10
        await at.pilot.press("N")
        await at.until_text("▸near tier", "near on")
        at.app.clear_notifications()  # what says so lies over the log
        await at.reload_until("n" * 10)  # from Redis once more, and kept on the way
        await at.until_text("  near  ", "near hit", "100 of 100 hit, 100 near")
        first = at.table.window.row(0)
        assert first is not None
        runtime = 0
        while not at.catalogue.stats().near.invalidated:  # at once, unless just then nothing was kept any more
            await at.reload_until("n" * 10)
            runtime += 1
            await another_copy.save(replace(await another_copy.get(first.movie.id), runtime=runtime))
            await until(at.pilot, partial(at.shows_runtime, runtime))
        await at.pilot.press("N")
        await until(at.pilot, lambda: not at.catalogue.stats().near.on)
        await at.reload_until("h" * 10)
        assert not at.catalogue.stats().near.entries
