"""The main screens as plain text at three sizes: what changes on them shows in a diff of the files in `snapshots/`.

`REELCACHE_RENEW_SNAPSHOTS=1 ./run.sh test tests/tui/test_snapshots.py` writes them anew; look at `git diff` then.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from core.errors import ServerFailed, StoreUnavailable
from core.model import LoadProgress, Movie, replace
from core.observe.stats import Stats
from core.settings import Settings
from tests.tui.feed import Feed
from tests.tui.memory_catalogue import MemoryCatalogue, movies, opening
from tests.tui.movies import ALIEN
from tests.tui.stage import Shelf, Stage, screen_text, until
from tui.app import ReelcacheApp
from tui.messages import StatsSampled
from tui.screens.browse import BrowseScreen
from tui.screens.conflict import ConflictScreen
from tui.screens.edit import EditScreen
from tui.screens.review import ReviewScreen
from tui.screens.start import StartScreen
from tui.widgets.detail import DetailPanel, ReadingText
from tui.widgets.movie_table import MovieTable

FOLDER: Final = Path(__file__).parent / "snapshots"
RENEW: Final = "REELCACHE_RENEW_SNAPSHOTS"
SIZES: Final = ((80, 24), (120, 40), (200, 60))


def same_as_before(app: App[Any], name: str, size: tuple[int, int]) -> None:
    """Compare the screen with its file; fails where it differs or there is none."""
    file = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    shown = "\n".join(line.rstrip() for line in screen_text(app).splitlines()) + "\n"
    if os.environ.get(RENEW):
        file.write_text(shown, encoding="utf-8")
    assert file.exists(), f"there is no {file.name} yet: set {RENEW}=1 to write it"
    assert shown == file.read_text(encoding="utf-8"), f"{file.name} differs: if that is meant, set {RENEW}=1"


@pytest.fixture(autouse=True)
def same_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log's times are those of one time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class RecordedCatalogue(MemoryCatalogue):
    """Movies, and counters recorded beforehand instead of what is read now."""

    def __init__(self, count: int = 1_000) -> None:
        super().__init__([ALIEN, *movies(count)] if count else [])
        self._strategy_name = "write-through"
        feed = Feed()
        self.recorded = [self._second(feed, number) for number in range(60)]
        self._shown = self.recorded[0]

    @staticmethod
    def _second(feed: Feed, number: int) -> Stats:
        feed.strategy = "cache-aside" if number < 30 else "write-through"
        feed.reads(hits=5 + number % 7, misses=12 - number // 5)
        return feed.sample(1.0)

    def stats(self) -> Stats:
        return self._shown

    def tell(self, screen: BrowseScreen) -> None:
        """Let a minute pass."""
        self._shown = self.recorded[-1]
        for stats in self.recorded:
            screen.show_stats(StatsSampled(stats))

    def lose_redis(self) -> None:
        """From the next sample on."""
        self._shown = msgspec.structs.replace(
            self._shown, at=self._shown.at + 0.5, cache_problem="Redis does not answer", breaker="open", redis=None
        )


@asynccontextmanager
async def browsing(tmp_path: Path, catalogue: RecordedCatalogue) -> AsyncIterator[Pilot[int]]:
    """The app with everything read and shown that there is to read and show."""
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(catalogue))
    async with app.run_test(size=SIZES[0]) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and app.screen.query(MovieTable))
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        await until(pilot, lambda: screen.query_one(MovieTable).window.total is not None)
        catalogue.tell(screen)
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the screen has stayed the same for a third of a second, in which every timer of the screen has run.

    It is counted in looks: between two of them the program had its turn, however busy the machine is."""
    seen, same = "", 0
    while same < 16:
        await pilot.pause(0.02)
        now = screen_text(pilot.app)
        seen, same = now, same + 1 if now == seen else 0


@asynccontextmanager
async def staged(screen: Screen[Any], size: tuple[int, int]) -> AsyncIterator[Pilot[None]]:
    """One screen alone."""
    async with Stage(screen).run_test(size=size) as pilot:
        await until(pilot, lambda: pilot.app.screen is screen)
        yield pilot


def detail_is_due(app: App[Any]) -> bool:
    """Whether there is room for the movie under the cursor, and it is not there yet."""
    return any(
        panel.region and screen.query_one(MovieTable).current and panel.query_one(ReadingText).reading is None
        for screen in app.screen_stack
        for panel in screen.query(DetailPanel)
    )


async def same_at_each_size(pilot: Pilot[Any], name: str, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Compare the screen at each size, the terminal being resized from one to the next."""
    for size in sizes:
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: not detail_is_due(pilot.app))
        await settled(pilot)
        same_as_before(pilot.app, name, size)


KEYS: Final[dict[str, tuple[str, ...]]] = {
    "browse": (),
    "strategies": ("c",),
    "stores": ("t",),
    "faults": ("x",),
    "visitors": ("V",),
    "columns": ("v",),
    "export": ("E",),
    "go-to": ("colon", "5", "0"),
    "filtering": ("slash", *"genre:ho"),
    "tour": ("f1",),
    "help": ("question_mark",),
    "detail": ("colon", *ALIEN.id, "enter", "enter"),
    "operation": ("4", "up", "enter"),
    "cache": ("2",),
    "genres": ("3", "down", "enter"),
    "log": ("4",),
    "consistency": ("5",),
    "filtered": ("slash", *"movie 0001", "enter"),
    "no-match": ("slash", *"nothing like this", "enter"),
    "remove": ("D",),
}
"""What is pressed to come to a screen."""
PANES: Final = ("cache", "genres", "log", "filtered", "remove")
"""Where there is room they are all to be seen with the table."""


@pytest.mark.parametrize("name", KEYS)
async def test_the_dashboard(name: str, tmp_path: Path) -> None:
    async with browsing(tmp_path, RecordedCatalogue()) as pilot:
        for key in KEYS[name]:
            await pilot.press(key)
            if key == "enter":
                await settled(pilot)
        await same_at_each_size(pilot, name, SIZES[:1] if name in PANES else SIZES)


async def test_an_empty_store(tmp_path: Path) -> None:
    async with browsing(tmp_path, RecordedCatalogue(0)) as pilot:
        await same_at_each_size(pilot, "empty")


async def test_a_first_filling(tmp_path: Path) -> None:
    catalogue = RecordedCatalogue()
    catalogue.progress = LoadProgress(5_120, 5_000, 0, 0, 2.0, 0.29)
    async with browsing(tmp_path, catalogue) as pilot:
        await same_at_each_size(pilot, "loading")


async def test_redis_away(tmp_path: Path) -> None:
    catalogue = RecordedCatalogue()
    async with browsing(tmp_path, catalogue) as pilot:
        catalogue.lose_redis()
        await until(pilot, lambda: "Redis away" in screen_text(pilot.app))
        await same_at_each_size(pilot, "redis-away")


async def test_the_store_away_before_anything_was_read(tmp_path: Path) -> None:
    catalogue = RecordedCatalogue()
    catalogue.failing = StoreUnavailable("PostgreSQL", "the connection was refused", remedy="Start it again.")
    app = ReelcacheApp(Settings(state_dir=tmp_path), opening(catalogue))
    async with app.run_test(size=SIZES[0]) as pilot:
        await until(pilot, lambda: "PostgreSQL is away" in screen_text(app) and "no traffic" in screen_text(app))
        await same_at_each_size(pilot, "store-away")


async def test_the_store_away_with_rows_on_the_screen(tmp_path: Path) -> None:
    catalogue = RecordedCatalogue()
    async with browsing(tmp_path, catalogue) as pilot:
        catalogue.last_known = True
        await pilot.press("r")
        await until(pilot, lambda: "last known state" in screen_text(pilot.app))
        await same_at_each_size(pilot, "last-known")


async def test_the_form() -> None:
    async with staged(EditScreen(ALIEN, Shelf().save), SIZES[0]) as pilot:
        await pilot.press("!", "down", *"4", "down", "down", "ctrl+u", *"-5")
        await same_at_each_size(pilot, "edit")


async def test_the_review_before_a_save() -> None:
    async with staged(EditScreen(ALIEN, Shelf().save), SIZES[0]) as pilot:
        await pilot.press("!", "down", "ctrl+u", *"1980", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await same_at_each_size(pilot, "review")


async def test_the_form_of_a_new_movie() -> None:
    async with staged(EditScreen.for_new(Shelf().save), SIZES[0]) as pilot:
        await pilot.press(*"[REC] 4")
        await settled(pilot)
        same_as_before(pilot.app, "new", SIZES[0])


async def test_a_conflict() -> None:
    mine: Movie = replace(ALIEN, title="Alien: mine", runtime=118, genres=("Horror",))
    theirs: Movie = replace(ALIEN, title="Alien: theirs", plot="Somebody hears you.", version=8)
    async with staged(ConflictScreen(ALIEN, mine, theirs), SIZES[0]) as pilot:
        await same_at_each_size(pilot, "conflict")


async def test_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.start.monotonic", lambda: 100.0)
    screen = StartScreen("mongodb")
    async with staged(screen, SIZES[0]) as pilot:
        screen.show_step(SimpleNamespace(server="redis", state="ready", detail="process 4711", seconds=0.2))
        screen.show_step(SimpleNamespace(server="mongodb", state="starting", detail="starting mongod", seconds=1.5))
        await same_at_each_size(pilot, "start")
        screen.show_step(SimpleNamespace(server="mongodb", state="failed", detail="", seconds=2.5))
        missing = ServerFailed("MongoDB", "libcurl.so.4 is missing", remedy="Install it: apt-get install libcurl4")
        screen.show_failure(missing)
        await same_at_each_size(pilot, "start-failed")
