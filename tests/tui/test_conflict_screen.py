"""The conflict view, driven by keys and mouse."""

from __future__ import annotations

import pytest

from core.model import Movie, replace
from tests.tui.movies import ALIEN, TITLES
from tests.tui.stage import UNSET, Stage, screen_text, until
from tui.editing import EDITABLE
from tui.screens.conflict import ConflictScreen
from tui.widgets.choice_row import ChoiceRow, excerpt, parting

MINE = replace(ALIEN, title="[REC] Alien", runtime=118, year=1980)
THEIRS = replace(ALIEN, version=9, runtime=116, tomatometer=98, year=1981)


def chosen(app: Stage) -> dict[str, str | None]:
    return {row.part.field.name: row.choice for row in app.screen.query(ChoiceRow)}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_only_what_differs_is_shown_and_one_sided_changes_are_chosen(size: tuple[int, int]) -> None:
    app = Stage(ConflictScreen(ALIEN, MINE, THEIRS))
    async with app.run_test(size=size):
        assert chosen(app) == {"title": "mine", "year": None, "runtime": None, "tomatometer": "theirs"}
        text = screen_text(app)
        for shown in (
            "Somebody else saved first. Mine replaces",
            "[REC] Alien",
            "118",
            "116",
            "98",
            "2 fields left to choose",
        ):
            assert shown in text
        assert "Ridley" not in text
        assert ("Before both" in text) == (size[0] == 160)
        assert isinstance(app.focused, ChoiceRow)
        assert app.focused.part.field.name == "year"


async def test_each_field_takes_its_side() -> None:
    app = Stage(ConflictScreen(ALIEN, MINE, THEIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert "Choose a side here first" in screen_text(app)
        assert app.result is UNSET
        await pilot.press("left", "down", "right", "enter")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(THEIRS, title="[REC] Alien", year=1980)


@pytest.mark.parametrize(("key", "side"), [("M", MINE), ("T", THEIRS)])
async def test_one_key_takes_one_side_whole(key: str, side: Movie) -> None:
    app = Stage(ConflictScreen(ALIEN, MINE, THEIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key, "enter")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(side, version=9)


async def test_a_click_chooses() -> None:
    app = Stage(ConflictScreen(ALIEN, MINE, THEIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#choice-year .-theirs-side")
        await pilot.click("#choice-runtime .-mine-side")
        assert chosen(app) == {"title": "mine", "year": "theirs", "runtime": "mine", "tomatometer": "theirs"}


async def test_escape_chooses_nothing() -> None:
    app = Stage(ConflictScreen(ALIEN, MINE, THEIRS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("M", "escape")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result is None


async def test_odd_titles_show() -> None:
    fields = [field.name for field in EDITABLE if field.kind == "text"]
    titles = dict(zip(fields, TITLES, strict=False))
    lists = {"cast": TITLES[len(titles) :]}
    mine = replace(ALIEN, **titles, **lists)
    app = Stage(ConflictScreen(ALIEN, mine, replace(ALIEN, version=9)))
    async with app.run_test(size=(80, 60)):
        for title in (*titles.values(), lists["cast"][0]):
            assert title[:5] in screen_text(app)


def test_an_excerpt_shows_where_long_texts_part() -> None:
    one, other = "a" * 5_000 + "ONE" + "b" * 5_000, "a" * 5_000 + "TWO" + "b" * 5_000
    assert parting(one, other) == 5_000
    assert "ONE" in excerpt(one, 5_000)
    assert "TWO" in excerpt(other, 5_000)
    assert excerpt("short", 2) == "short"
    assert parting("ab", "abc") == 2
