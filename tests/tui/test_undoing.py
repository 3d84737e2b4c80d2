"""Undo by keyboard: an edit, an addition and a removal taken back, and never over somebody else's save."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import Movie, replace
from tests.tui.desk import Desk, desk
from tests.tui.stage import save_through_review
from tui.editing import changes_between
from tui.screens.confirm import ConfirmScreen
from tui.screens.conflict import ConflictScreen
from tui.screens.edit import EditScreen
from tui.screens.review import ReviewScreen
from tui.undoing import MOST, Saved, UndoStack


def movie(title: str, version: int = 1) -> Movie:
    return Movie(id="Q1", title=title, version=version)


def test_each_store_has_its_own_last_save() -> None:
    stack = UndoStack()
    assert stack.last("postgresql") is None
    first, second = Saved("postgresql", movie("a"), movie("b", 2)), Saved("mongodb", None, movie("c"))
    stack.push(first)
    stack.push(second)
    assert (stack.last("postgresql"), stack.last("mongodb")) == (first, second)
    stack.taken_back(second)
    assert (stack.last("postgresql"), stack.last("mongodb")) == (first, None)


def test_the_oldest_saves_are_forgotten() -> None:
    stack = UndoStack()
    saves = [Saved("postgresql", movie(str(number)), movie("x")) for number in range(2 * MOST)]
    for saved in saves:
        stack.push(saved)
    for saved in reversed(saves[MOST:]):
        assert stack.last("postgresql") is saved
        stack.taken_back(saved)
    assert stack.last("postgresql") is None


def test_what_is_restored_is_saved_over_what_was_saved() -> None:
    saved = Saved("postgresql", movie("old", 3), movie("new", 9))
    assert saved.restored == movie("old", 9)
    assert [(change.field.name, change.old, change.new) for change in changes_between(movie("a"), movie("b", 2))] == [
        ("title", "a", "b")
    ]


async def edited(at: Desk, *keys: str) -> Movie:
    """Type at the end of the title of the movie under the cursor and save; returns it as it is then."""
    assert at.table.current is not None
    id = at.table.current.id
    await at.press("e")
    await at.until(lambda: isinstance(at.app.screen, EditScreen))
    await save_through_review(at.pilot, "end", *keys)
    await at.until(lambda: at.app.screen is at.app.screen_stack[1])
    return at.catalogue.stock[id]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_an_edit_is_reviewed_saved_and_taken_back_as_a_new_version(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.go_to("Q1")
        await at.press("e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        await at.press("end", "!", "ctrl+s")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen) and "→" in at.text)
        assert "[/x] closing!" in at.text
        assert "cache-aside: app → hide the entry" in at.text
        await at.press("escape")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        assert at.catalogue.stock["Q1"].title == "[/x] closing"
        await at.press("ctrl+s")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("ctrl+s")
        await at.until(lambda: at.catalogue.stock["Q1"].title == "[/x] closing!")
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen) and "Undo" in at.text)
        await at.press("escape")
        assert at.catalogue.stock["Q1"].title == "[/x] closing!"
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("enter")
        await at.until(lambda: at.catalogue.stock["Q1"].title == "[/x] closing")
        assert at.catalogue.stock["Q1"].version == 3
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        await at.press("u")
        await at.until(lambda: "Nothing was saved in PostgreSQL in this run." in at.toasts())


async def test_saves_are_taken_back_one_after_the_other(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("Q1")
        for key in ("1", "2"):
            await edited(at, key)
        for title in ("[/x] closing1", "[/x] closing"):
            await at.press("u")
            await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
            await at.press("enter")
            await at.until(lambda title=title: at.catalogue.stock["Q1"].title == title)  # type: ignore[misc]
            await at.until(lambda: at.app.screen is at.app.screen_stack[1])


async def test_undo_meets_somebody_elses_save_field_by_field(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("Q1")
        mine = await edited(at, "!")
        at.catalogue.stock["Q1"] = replace(mine, title="Theirs", runtime=99, version=mine.version + 1)
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, ConflictScreen))
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        assert at.catalogue.stock["Q1"].title == "Theirs"
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, ConflictScreen))
        await at.press("left", "ctrl+s")
        await at.until(lambda: at.catalogue.stock["Q1"].title == "[/x] closing")
        assert at.catalogue.stock["Q1"].runtime == 99


async def added(at: Desk) -> Movie:
    """Add a movie and put the cursor on it."""
    await at.press("a")
    await at.until(lambda: isinstance(at.app.screen, EditScreen))
    await save_through_review(at.pilot, *"Mine")
    await at.until(lambda: "my:mine" in at.catalogue.stock and at.app.screen is at.app.screen_stack[1])
    await at.go_to("my:mine")
    return at.catalogue.stock["my:mine"]


async def test_an_addition_is_taken_back_by_removing_after_asking(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await added(at)
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("n")
        assert "my:mine" in at.catalogue.stock
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: "my:mine" not in at.catalogue.stock)


async def test_a_removal_is_taken_back_by_adding_it_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("Q1")
        before = at.catalogue.stock["Q1"]
        await at.press("D")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: "Q1" not in at.catalogue.stock and at.app.screen is at.app.screen_stack[1])
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: "Q1" in at.catalogue.stock)
        assert replace(at.catalogue.stock["Q1"], version=0) == replace(before, version=0)


async def test_an_edit_and_then_the_addition_before_it_are_taken_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await added(at)
        await edited(at, "!")
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("enter")
        await at.until(lambda: "Undone: “Mine”" in at.toasts() and at.app.screen is at.app.screen_stack[1])
        undone = next(line for line in at.toasts().splitlines() if line.startswith("Undone"))
        assert "u undoes it" not in undone
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: "my:mine" not in at.catalogue.stock)


async def test_an_addition_that_somebody_changed_is_asked_about_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mine = await added(at)
        at.catalogue.stock["my:mine"] = replace(mine, title="Theirs", version=mine.version + 1)
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ConfirmScreen))
        await at.press("y")
        await at.until(lambda: "Somebody else changed it since." in at.text)
        await at.press("n")
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        assert at.catalogue.stock["my:mine"].title == "Theirs"


async def test_undo_after_a_merge_leaves_what_somebody_else_saved(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("Q1")
        await at.press("e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        base = at.catalogue.stock["Q1"]
        at.catalogue.stock["Q1"] = replace(base, runtime=99, version=base.version + 1)
        await save_through_review(at.pilot, "end", "!")
        await at.until(lambda: isinstance(at.app.screen, ConflictScreen))
        await at.press("ctrl+s")
        await at.until(lambda: at.app.screen is at.app.screen_stack[1])
        assert at.catalogue.stock["Q1"].title == "[/x] closing!"
        await at.press("u")
        await at.until(lambda: isinstance(at.app.screen, ReviewScreen))
        await at.press("enter")
        await at.until(lambda: at.catalogue.stock["Q1"].title == "[/x] closing")
        assert at.catalogue.stock["Q1"].runtime == 99
