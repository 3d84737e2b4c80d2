"""The edit form, driven by keys at the sizes of real terminals."""

from __future__ import annotations

import time

import pytest
from textual.events import Key

from core.errors import MovieExists
from core.model import Movie, replace, tidy
from tests.tui.movies import ALIEN, TITLES
from tests.tui.stage import UNSET, Shelf, Stage, box, fill, save_through_review, screen_text, type_text, until
from tui.editing import EDITABLE
from tui.screens.confirm import ConfirmScreen
from tui.screens.edit import EditScreen
from tui.screens.review import ReviewScreen
from tui.widgets.field_input import FieldInput
from tui.widgets.field_row import FieldRow

SIZES = [(80, 24), (160, 48)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_change_is_marked_counted_and_saved(size: tuple[int, int]) -> None:
    shelf = Shelf()
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=size) as pilot:
        assert "Nothing changed yet" in screen_text(app)
        await fill(pilot, "runtime", "118")
        text = screen_text(app)
        assert "* Runtime" in text
        assert "was 117" in text
        assert "1 change" in text
        assert "ctrl+s saves 1 change" in text
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(ALIEN, runtime=118, version=8)


@pytest.mark.parametrize("size", SIZES)
async def test_every_field_can_be_reached_and_seen(size: tuple[int, int]) -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=size) as pilot:
        seen = []
        for _ in EDITABLE:
            focused = app.focused
            assert isinstance(focused, FieldInput)
            seen.append(focused.field.name)
            assert focused.region.height == 1
            notice = app.screen.query_one(".dialog--notice")
            assert 0 < focused.region.y < notice.region.y
            assert app.screen.region.contains_region(focused.region)
            await pilot.press("down")
        assert sorted(seen) == sorted(field.name for field in EDITABLE)
        await pilot.press("up")
        assert isinstance(app.focused, FieldInput)
        assert app.focused.field.name == seen[-1]


BAD = [
    ("title", "", "is required"),
    ("runtime", "-5", "must lie between 1 and 60 000"),
    ("year", "20244", "must lie between 1870 and 2100"),
    ("genres", "Horror, Drama, horror", "names 'horror' twice"),
    ("released", "soon", "must be a date, such as 1979-05-25"),
]


@pytest.mark.parametrize("size", SIZES)
async def test_bad_input_is_named_beside_its_field_and_never_saved(size: tuple[int, int]) -> None:
    shelf = Shelf()
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=size) as pilot:
        for name, typed, problem in BAD:
            await fill(pilot, name, typed)
            row = pilot.app.screen.query_one(f"#row-{name}")
            assert row.has_class("-wrong")
            assert screen_text(app).count(problem) == 2  # beside the field, and as the reason why nothing is saved
            box(pilot, "title" if name != "title" else "plot").focus()
            await save_through_review(pilot)
            assert app.focused is box(pilot, name)
            assert "Cannot be saved" in screen_text(app)
            await pilot.press("ctrl+r")
            assert "Nothing changed yet" in screen_text(app)
    assert shelf.asked == []


PASTES = ["a\x00b", "\x1b[2J\x1b]0;x\x07", "\x9b31m", "\u202eabc", "\ud800"]


async def test_a_pasted_control_character_is_shown_named_and_not_obeyed() -> None:
    shelf = Shelf()
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        for name, pasted in [
            *((name, PASTES[1]) for name in ("plot", "cast", "rated")),
            *(("title", p) for p in PASTES),
        ]:
            await fill(pilot, name, pasted)
            assert box(pilot, name).value == pasted
            text = screen_text(app)
            assert "forbidden character (U+" in text
            assert not any(c < " " or "\x7f" <= c <= "\x9f" for c in text.replace("\n", ""))
            text.encode()
            await pilot.press("ctrl+r")
        await fill(pilot, "title", PASTES[0])
        await save_through_review(pilot)
    assert shelf.asked == []


async def test_quotes_dollars_and_brackets_are_saved_as_typed() -> None:
    typed = """'"; drop table movies; -- {"$where": "1"} [bold] [/x] \\["""
    shelf = Shelf()
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "plot", typed)
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result.plot == typed


async def test_odd_titles_show_and_can_be_edited() -> None:
    app = Stage(EditScreen(replace(ALIEN, title=TITLES[0]), Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        assert f"Edit · {TITLES[0]}" in screen_text(app)
        for title in TITLES:
            await fill(pilot, "title", title)
            assert tidy(title)[-5:] in screen_text(app)
        await fill(pilot, "title", "plain")
        assert f"was {TITLES[0]}" in screen_text(app)
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result.title == "plain"


async def test_a_huge_paste_is_refused_at_once_and_loses_nothing() -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        began = time.process_time()
        for name in ("title", "plot", "cast", "runtime"):
            box(pilot, name).focus()
            await type_text(pilot, "x" * 1_000_000)
            assert "took no paste of 1,000,000 characters" in screen_text(app)
        assert time.process_time() - began < 2
        assert box(pilot, "title").value == "Alien"
        assert box(pilot, "plot").value == ALIEN.plot


async def test_a_full_box_says_so() -> None:
    app = Stage(EditScreen(replace(ALIEN, title="x" * 500), Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("y")
        assert "Title is full: at most 500 characters" in screen_text(app)


async def test_a_paste_of_many_lines_becomes_one() -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "plot", "one\r\ntwo\n\nthree\tfour\n")
        assert box(pilot, "plot").value == "one two three four"


async def test_keys_that_arrive_in_one_go_reach_their_fields_before_the_save() -> None:
    shelf = Shelf()
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("3", "down", "tab", "enter", "backspace", "8", "up", "up", "backspace", "8", "ctrl+s"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(ALIEN, title="Alien3", runtime=118, year=1978, version=8)


async def test_what_a_box_holds_counts_before_anybody_was_told() -> None:
    """On a busy machine the last letter before ctrl+s once was not saved, and before Esc not asked about."""
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen
        assert isinstance(form, EditScreen)
        box(pilot, "runtime").value = "118"
        form._leave_what_is_typed()
        await until(pilot, lambda: "Discard 1 change?" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is form)
        box(pilot, "runtime").value = "1180"
        form._save_what_is_typed()
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and "1180" in screen_text(app))


@pytest.mark.parametrize("size", SIZES)
async def test_the_field_in_focus_says_what_may_be_typed(size: tuple[int, int]) -> None:
    app = Stage(EditScreen(replace(ALIEN, released=None), Shelf().save))
    async with app.run_test(size=size) as pilot:
        box(pilot, "released").focus()
        await until(pilot, lambda: "year-month-day, such as 1979-05-25" in screen_text(app))
        await type_text(pilot, "1979-05-25")
        await until(pilot, lambda: "Friday 25 May 1979" in screen_text(app))
        await pilot.press("backspace", "backspace", "backspace")
        await until(pilot, lambda: "must be a date, such as 1979-05-25" in screen_text(app))
        box(pilot, "runtime").focus()
        await until(pilot, lambda: "1 to 60 000 minutes" in screen_text(app))
        box(pilot, "box_office").focus()
        await until(pilot, lambda: "0 to 100 000 000 000 US dollars" in screen_text(app))
        assert "1 to 60 000 minutes" not in screen_text(app)


# ----------------------------------------------------------------------------------------------------------- leaving


async def test_leaving_without_changes_asks_nothing() -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result is None


async def test_leaving_with_changes_asks_first() -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await pilot.press("escape")
        assert isinstance(app.screen, ConfirmScreen)
        assert "Discard 1 change?" in screen_text(app)
        await pilot.press("enter")  # the safe answer is the one that Enter gives
        assert isinstance(app.screen, EditScreen)
        assert box(pilot, "runtime").value == "118"
        await pilot.press("escape", "y")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result is None


# --------------------------------------------------------------------------------------------------------------- new


async def test_a_new_movie_gets_an_id_that_follows_its_title() -> None:
    shelf = Shelf()
    app = Stage(EditScreen.for_new(shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        assert not app.screen.query(".-wrong")
        await type_text(pilot, "Blade Runner 2049")
        await until(pilot, lambda: box(pilot, "id").value == "my:blade-runner-2049")
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert shelf.asked == [Movie(id="my:blade-runner-2049", title="Blade Runner 2049")]


async def test_the_id_follows_a_title_whose_letters_arrive_in_one_go() -> None:
    """It once stayed at the first letters: the next one was there before the form had taken the id of those."""
    app = Stage(EditScreen.for_new(Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        for letter in "Mine":
            app.post_message(Key(letter, letter))
        await until(pilot, lambda: box(pilot, "title").value == "Mine")
        await until(pilot, lambda: box(pilot, "id").value == "my:mine")
        await pilot.press("2")
        await until(pilot, lambda: box(pilot, "id").value == "my:mine2")


async def test_what_is_typed_in_stays_in_view_with_the_word_about_it() -> None:
    """The form of a new movie once opened scrolled past its id, and past its title with the first letter."""
    app = Stage(EditScreen.for_new(Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "  Id  " in screen_text(app) and "is required" in screen_text(app))
        await pilot.press("X")
        await until(pilot, lambda: "my:x" in screen_text(app) and "Title             X" in screen_text(app))
        box(pilot, "box_office").focus()
        await until(pilot, lambda: app.focused is box(pilot, "box_office"))
        await pilot.press("-", "1")
        await until(pilot, lambda: "Box office        -1" in screen_text(app))
        problem = app.screen.query_one("#row-box_office", FieldRow).word
        assert problem
        await until(pilot, lambda: problem in "\n".join(screen_text(app).splitlines()[:-2]))


async def test_an_id_chosen_by_hand_stays_and_a_taken_one_is_named() -> None:
    shelf = Shelf(MovieExists("my:x"))
    app = Stage(EditScreen.for_new(shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "id", "my:x")
        await fill(pilot, "title", "[REC]")
        assert box(pilot, "id").value == "my:x"
        await save_through_review(pilot)
        await until(pilot, lambda: "exists already" in screen_text(app))
        assert app.focused is box(pilot, "id")
        assert "is taken by another movie" in screen_text(app)
        await save_through_review(pilot, "2")
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result.id == "my:x2"
