"""Saves that fail, hang or meet another edit: nothing typed is lost, nothing of others overwritten unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from core.errors import EditConflict, InvalidMovie, MovieNotFound, OutcomeUnknown, StoreUnavailable
from core.model import Movie, replace
from tests.tui.movies import ALIEN
from tests.tui.stage import UNSET, Shelf, Stage, box, fill, save_through_review, screen_text, until
from tui.screens import edit
from tui.screens.conflict import ConflictScreen
from tui.screens.edit import EditScreen


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (StoreUnavailable("PostgreSQL", "no answer within 2 s.", remedy="Is it running?"), "PostgreSQL: no answer"),
        (StoreUnavailable("MongoDB", "[/x] [bold]", remedy=""), "MongoDB: [/x] [bold]"),
        (OutcomeUnknown("PostgreSQL", "it broke"), "It is unknown whether it was saved."),
        (MovieNotFound("Q103569"), "It may have been removed"),
        (InvalidMovie({"runtime": "is odd"}), "is odd"),
        (RuntimeError("secret"), "something unforeseen went wrong (RuntimeError)"),
    ],
)
async def test_a_failed_save_says_why_and_keeps_what_was_typed(fault: Exception, said: str) -> None:
    shelf = Shelf(fault)
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: said in screen_text(app))
        assert app.result is UNSET
        assert app.focused is box(pilot, "runtime")
        assert box(pilot, "runtime").value == "118"
        await save_through_review(pilot, "backspace", "9")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result.runtime == 119


async def test_a_save_that_hangs_can_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()
    now = 100.0
    monkeypatch.setattr(edit, "monotonic", lambda: now)
    began: list[Movie] = []

    async def save(movie: Movie) -> Movie:
        began.append(movie)
        await never.wait()
        return movie

    app = Stage(EditScreen(ALIEN, save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: "Saving: on its way to the store" in screen_text(app))
        now += 2.0
        await until(pilot, lambda: "Saving for 2 s, no answer yet: it may still arrive" in screen_text(app))
        await save_through_review(pilot)  # no second save beside the first
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped waiting" in screen_text(app))
        assert box(pilot, "runtime").value == "118"
        assert len(began) == 1
        await save_through_review(pilot)
        await until(pilot, lambda: len(began) == 2)
        never.set()
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result.runtime == 118


# ---------------------------------------------------------------------------------------------------------- conflict

THEIRS = replace(ALIEN, version=9, runtime=116, tomatometer=98)


@asynccontextmanager
async def in_conflict(shelf: Shelf) -> AsyncIterator[tuple[Stage, Pilot[None]]]:
    """The form with another runtime, whose save met an edit of somebody else."""
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
        yield app, pilot


async def test_a_conflict_is_merged_and_saved_over_their_version() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7))
    async with in_conflict(shelf) as (app, pilot):
        await pilot.press("m", "enter")
        await until(pilot, lambda: app.result is not UNSET)
    assert [movie.version for movie in shelf.asked] == [7, 9]
    assert app.result == replace(THEIRS, version=10, runtime=118)


async def test_a_conflict_upon_a_conflict_is_asked_again() -> None:
    again = replace(THEIRS, version=11, title="Alien again")
    shelf = Shelf(EditConflict(THEIRS, 7), EditConflict(again, 9))
    async with in_conflict(shelf) as (app, pilot):
        first = app.screen
        await pilot.press("m", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen) and app.screen is not first)
        await pilot.press("enter")  # each field was changed by one side alone: nothing is left to choose
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(again, version=12, runtime=118)


async def test_turning_away_from_a_conflict_keeps_what_was_typed() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7))
    async with in_conflict(shelf) as (app, pilot):
        await pilot.press("escape")
        await until(pilot, lambda: "ctrl+s compares again" in screen_text(app))
        assert box(pilot, "runtime").value == "118"
    assert len(shelf.asked) == 1


async def test_a_merge_survives_a_store_that_dies_after_it() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7), StoreUnavailable("PostgreSQL", "went away."))
    async with in_conflict(shelf) as (app, pilot):
        await pilot.press("m", "enter")
        await until(pilot, lambda: "went away" in screen_text(app))
        assert box(pilot, "runtime").value == "118"
        assert box(pilot, "tomatometer").value == "98"
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(THEIRS, version=10, runtime=118)


async def test_a_conflict_over_the_same_change_is_none() -> None:
    theirs = replace(ALIEN, version=9, runtime=118)
    app = Stage(EditScreen(ALIEN, Shelf(EditConflict(theirs, 7)).save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == theirs
