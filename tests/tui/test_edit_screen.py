"""The edit form, driven by keys at the sizes of real terminals."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from core.errors import EditConflict, InvalidMovie, MovieExists, MovieNotFound, OutcomeUnknown, StoreUnavailable
from core.model import Movie, replace, tidy
from tests.tui.movies import ALIEN, TITLES
from tests.tui.stage import UNSET, Shelf, Stage, save_through_review, screen_text, type_text, until
from tui.editing import EDITABLE
from tui.screens.confirm import ConfirmScreen
from tui.screens.conflict import ConflictScreen
from tui.screens.edit import EditScreen
from tui.screens.review import ReviewScreen
from tui.widgets.field_input import FieldInput
from tui.widgets.field_row import FieldRow
from tui.widgets.tags import TagEditor

SIZES = [(80, 24), (160, 48)]


def box(pilot: Pilot[Any], name: str) -> FieldInput:
    return pilot.app.screen.query_one(f"#field-{name}", FieldInput)


async def fill(pilot: Pilot[Any], name: str, text: str) -> None:
    box(pilot, name).focus()
    await pilot.pause()
    await pilot.press("ctrl+u")
    await type_text(pilot, text)


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


class Values:
    """Existing values of list fields; `failing` is raised instead."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[tuple[str, str]] = []
        self.failing: Exception | None = None

    async def beginning(self, field: str, beginning: str) -> list[str]:
        self.asked.append((field, beginning))
        if self.failing:
            raise self.failing
        starts = beginning.casefold()
        return [name for name in self.names if any(word.casefold().startswith(starts) for word in name.split())]


LISTS = [field.name for field in EDITABLE if field.kind == "list"]


def entries(pilot: Pilot[None], name: str) -> tuple[str, ...]:
    return pilot.app.screen.query_one(f"#row-{name}").query_one(TagEditor).entries


async def test_every_list_is_edited_as_tags_with_completion() -> None:
    values = Values("Drama", "Horror", "Thriller")
    blank: dict[str, Any] = dict.fromkeys(LISTS, ())
    app = Stage(EditScreen(replace(ALIEN, **blank), Shelf().save, completions=values.beginning))
    async with app.run_test(size=(80, 24)) as pilot:
        for name in LISTS:
            box(pilot, name).focus()
            await pilot.press("h", "o")
            await until(pilot, lambda: "  Horror " in screen_text(app))
            await pilot.press("tab")
            assert entries(pilot, name) == ("Horror",)
            await pilot.press("h")
            await until(pilot, lambda: values.asked[-1][1] == "h")
            await pilot.press("tab")  # what is there already is not offered again, so this leaves the field
            assert app.focused is not box(pilot, name)
            assert entries(pilot, name) == ("Horror", "h")
            box(pilot, name).focus()
            await pilot.press("left", "delete", "t")
            await until(pilot, lambda: "  Thriller " in screen_text(app))
            await pilot.press("down", "enter")
            assert entries(pilot, name) == ("Horror", "Thriller")
            await pilot.press("ctrl+r")


async def test_tags_are_chosen_moved_edited_and_removed_by_keys() -> None:
    shelf = Shelf()
    app = Stage(EditScreen(replace(ALIEN, genres=("Horror", "Drama", "Comedy")), shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "genres").focus()
        await pilot.press("left", "left")
        assert "▸Drama◂" in screen_text(app)
        await until(pilot, lambda: "enter edit · del remove" in screen_text(app))
        await pilot.press("ctrl+left")
        assert entries(pilot, "genres") == ("Drama", "Horror", "Comedy")
        await pilot.press("right", "delete")
        assert entries(pilot, "genres") == ("Drama", "Comedy")
        await pilot.press("home", "enter", "tab")
        assert entries(pilot, "genres") == ("Drama", "Comedy")
        box(pilot, "genres").focus()
        await pilot.press("home", "enter", "s", "enter")
        assert entries(pilot, "genres") == ("Dramas", "Comedy")
        await pilot.press(*"comedy", "enter")
        await until(pilot, lambda: "twice" in screen_text(app) or "once" in screen_text(app))
        await pilot.press("ctrl+u", *"War")  # left in the box: it counts
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(ALIEN, genres=("Dramas", "Comedy", "War"), version=8)


async def test_sixty_names_take_few_lines_and_the_chosen_one_is_always_seen() -> None:
    cast = tuple(f"Actor {number:02} 千" for number in range(60))
    app = Stage(EditScreen(replace(ALIEN, cast=cast), Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "cast").focus()
        await pilot.pause()
        assert "[Actor 59 千]" in screen_text(app)
        for _ in range(60):
            await pilot.press("left")
        assert "▸Actor 00 千◂" in screen_text(app)
        assert "↓" in screen_text(app)
        assert pilot.app.screen.query_one("#row-cast").query_one(TagEditor).size.height == 4


async def test_a_comma_parts_the_text_where_the_cursor_stands_and_not_within_quotes() -> None:
    app = Stage(EditScreen(replace(ALIEN, cast=("Sammy Davis, Jr.",)), Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "cast").focus()
        await pilot.press("left", "enter", "left", "comma", "x")
        assert box(pilot, "cast").value == '"Sammy Davis, Jr.,x"'
        await pilot.press("ctrl+u", "delete", "a", "b", "left", "comma")
        tags = app.screen.query_one("#row-cast").query_one(TagEditor)
        assert (tags.tags.entries, tags.input.value) == (("a", "b"), "")


async def test_a_tag_and_the_field_in_focus_stand_out_in_colour() -> None:
    app = Stage(EditScreen(ALIEN, Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        tags = app.screen.query_one("#row-genres").query_one(TagEditor)
        box(pilot, "genres").focus()
        await pilot.press("left")
        horror, science = tags.render_line(0).divide([8, 9, 26])[::2]
        grounds = [next(iter(part)).style.bgcolor for part in (horror, science)]  # type: ignore[union-attr]
        assert len({*grounds, tags.background_colors[1].rich_color}) == 3
        title = app.screen.query_one("#row-title")
        assert not any(segment.style and segment.style.bold for segment in title.render_line(0))


async def test_a_copied_list_becomes_tags() -> None:
    app = Stage(EditScreen(replace(ALIEN, cast=()), Shelf().save))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "cast").focus()
        await type_text(pilot, 'Ian Holm|[REC]\n"Sammy Davis, Jr."')
        assert entries(pilot, "cast") == ("Ian Holm", "[REC]", "Sammy Davis, Jr.")
        assert "[[REC]]" in screen_text(app)


async def test_nothing_is_looked_up_for_what_nobody_typed() -> None:
    """Opening the form once asked the store for the last item of every list."""
    values = Values("Ridley Scott")
    app = Stage(EditScreen(ALIEN, Shelf().save, completions=values.beginning))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "directors").focus()
        await pilot.press("t")
        await until(pilot, lambda: values.asked)
    assert values.asked == [("directors", "t")]


async def test_an_item_is_found_by_any_of_its_words_and_stays_whole_with_its_comma() -> None:
    shelf = Shelf()
    values = Values("Ridley Scott", "Sammy Davis, Jr.")
    app = Stage(EditScreen(replace(ALIEN, directors=(), cast=("Ian Holm",)), shelf.save, completions=values.beginning))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "directors").focus()
        await pilot.press(*"scott")
        await until(pilot, lambda: "  Ridley Scott " in screen_text(app))
        await pilot.press("tab")
        assert entries(pilot, "directors") == ("Ridley Scott",)
        box(pilot, "cast").focus()
        await pilot.press(*"davis")
        await until(pilot, lambda: "  Sammy Davis, Jr. " in screen_text(app))
        await pilot.press("right")
        assert entries(pilot, "cast") == ("Ian Holm", "Sammy Davis, Jr.")
        await save_through_review(pilot)
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(ALIEN, directors=("Ridley Scott",), cast=("Ian Holm", "Sammy Davis, Jr."), version=8)


@pytest.mark.parametrize("failure", [StoreUnavailable("postgresql", "it went away"), RuntimeError("unforeseen")])
async def test_values_that_cannot_be_looked_up_keep_nobody_from_typing(failure: Exception) -> None:
    values = Values("Horror")
    values.failing = failure
    app = Stage(EditScreen(replace(ALIEN, genres=()), Shelf().save, completions=values.beginning))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "genres").focus()
        await pilot.press("h", "o")
        await until(pilot, lambda: ("genres", "ho") in values.asked)
        await pilot.press("r", "right")
        assert box(pilot, "genres").value == "hor"
        values.failing = None
        await pilot.press("r")
        await until(pilot, lambda: "  Horror " in screen_text(app))


async def test_a_value_that_would_steer_the_terminal_is_not_offered() -> None:
    values = Values("Hor\x1b[2J", "Horrible")
    app = Stage(EditScreen(replace(ALIEN, genres=()), Shelf().save, completions=values.beginning))
    async with app.run_test(size=(80, 24)) as pilot:
        box(pilot, "genres").focus()
        await pilot.press("h", "o")
        await until(pilot, lambda: "  Horrible " in screen_text(app))
        assert "Hor\u241b" not in screen_text(app)
        assert "\x1b" not in screen_text(app)


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


# ------------------------------------------------------------------------------------------------------------ faults


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


async def test_a_save_that_hangs_can_be_given_up() -> None:
    never = asyncio.Event()
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
        await until(pilot, lambda: "no answer yet: it may still arrive" in screen_text(app))
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


async def test_a_conflict_is_merged_and_saved_over_their_version() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7))
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
        await pilot.press("m", "enter")
        await until(pilot, lambda: app.result is not UNSET)
    assert [movie.version for movie in shelf.asked] == [7, 9]
    assert app.result == replace(THEIRS, version=10, runtime=118)


async def test_a_conflict_upon_a_conflict_is_asked_again() -> None:
    again = replace(THEIRS, version=11, title="Alien again")
    shelf = Shelf(EditConflict(THEIRS, 7), EditConflict(again, 9))
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
        first = app.screen
        await pilot.press("m", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen) and app.screen is not first)
        await pilot.press("enter")  # each field was changed by one side alone: nothing is left to choose
        await until(pilot, lambda: app.result is not UNSET)
    assert app.result == replace(again, version=12, runtime=118)


async def test_turning_away_from_a_conflict_keeps_what_was_typed() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7))
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
        await pilot.press("escape")
        await until(pilot, lambda: "ctrl+s compares again" in screen_text(app))
        assert box(pilot, "runtime").value == "118"
    assert len(shelf.asked) == 1


async def test_a_merge_survives_a_store_that_dies_after_it() -> None:
    shelf = Shelf(EditConflict(THEIRS, 7), StoreUnavailable("PostgreSQL", "went away."))
    app = Stage(EditScreen(ALIEN, shelf.save))
    async with app.run_test(size=(80, 24)) as pilot:
        await fill(pilot, "runtime", "118")
        await save_through_review(pilot)
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
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
