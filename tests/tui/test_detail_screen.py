"""The detail view, the side panel, and the question."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from core.errors import MovieNotFound, StoreUnavailable
from core.model import Movie, replace
from core.query import Freshness, Tier
from core.reading import Reading
from tests.tui.movies import ALIEN, TITLES
from tests.tui.stage import UNSET, Stage, screen_text, until
from tui.screens.confirm import ConfirmScreen
from tui.screens.detail import DetailScreen
from tui.widgets.detail import DetailPanel


def reading(movie: Movie = ALIEN, tier: Tier = "store", seconds: float = 0.0093) -> Reading:
    fresh: Freshness = "uncached" if tier == "store" else "fresh"
    return Reading(movie, movie.version, tier, fresh, "absent" if tier == "store" else "within its time", seconds)


class Reader:
    """Answers from a list; an exception in it is raised."""

    def __init__(self, *answers: Reading | Exception) -> None:
        self.answers = list(answers)

    async def read(self) -> Reading:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_a_miss_becomes_a_hit_before_ones_eyes(size: tuple[int, int]) -> None:
    app = Stage(DetailScreen(Reader(reading(), reading(tier="redis", seconds=0.000412)).read))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "the store · 9.3 ms" in screen_text(app))
        assert "Alien (1979)" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: "Read 2: Redis · 412 µs, before: the store · 9.3 ms" in screen_text(app))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (MovieNotFound("Q103569"), "No movie has the id"),
        (StoreUnavailable("PostgreSQL", "no answer [/x]", remedy="Is it running?"), "no answer [/x]. Is it running?"),
        (ZeroDivisionError("x"), "something unforeseen"),
    ],
)
async def test_a_failed_read_says_why_and_keeps_what_was_read(fault: Exception, said: str) -> None:
    app = Stage(DetailScreen(Reader(fault, reading(), fault).read))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: said in screen_text(app))
        await pilot.press("e")  # nothing was read, so nothing can be edited
        await pilot.press("r")
        await until(pilot, lambda: "Read 1" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: said in screen_text(app))
        assert "Alien (1979)" in screen_text(app)
        assert app.result is UNSET


async def test_every_field_can_be_scrolled_to() -> None:
    app = Stage(DetailScreen(Reader(reading()).read))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Alien (1979)" in screen_text(app))
        assert "example.org" not in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "example.org" in screen_text(app))
        await pilot.press("home")
        await until(pilot, lambda: "deadly" in screen_text(app))


@pytest.mark.parametrize(("key", "result"), [("e", "edit"), ("escape", None), ("enter", None)])
async def test_how_it_ends(key: str, result: str | None) -> None:
    app = Stage(DetailScreen(Reader(reading()).read))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Alien (1979)" in screen_text(app))
        await pilot.press(key)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == result


class PanelStage(App[None]):
    """A side panel as wide as given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.panel = DetailPanel()
        self._width = width

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.panel.styles.width = self._width


@pytest.mark.parametrize("width", [30, 50, 160])
async def test_the_panel_shows_any_title_at_any_width(width: int) -> None:
    app = PanelStage(width)
    async with app.run_test(size=(160, 48)) as pilot:
        for title in TITLES:
            app.panel.show(reading(replace(ALIEN, title=title), tier="near", seconds=0.000008))
            await pilot.pause()
            text = screen_text(app)
            assert title[:5] in text
            assert "8 µs" in text


async def test_the_panel_is_emptied() -> None:
    app = PanelStage(50)
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.show(reading())
        await pilot.pause()
        assert "Alien" in screen_text(app)
        app.panel.show(None)
        await pilot.pause()
        assert "Alien" not in screen_text(app)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["y"], True),
        (["n"], False),
        (["escape"], False),
        (["enter"], False),
        (["right", "enter"], True),
        (["tab", "enter"], True),
    ],
)
async def test_a_question_is_answered_by_keys(keys: list[str], answer: bool) -> None:
    app = Stage(ConfirmScreen("Remove [/x] [REC]?", yes="remove [b]", no="keep", danger=True))
    async with app.run_test(size=(80, 24)) as pilot:
        for shown in ("Remove [/x] [REC]?", "remove [b]", "keep"):
            assert shown in screen_text(app)
        await pilot.press(*keys)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result is answer


@pytest.mark.parametrize("where", ["#yes", "#no"])
async def test_a_question_is_answered_by_mouse(where: str) -> None:
    app = Stage(ConfirmScreen("Remove?"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click(where)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result is (where == "#yes")
