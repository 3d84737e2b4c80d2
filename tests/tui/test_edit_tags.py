"""The edit form's lists: tags with completion, driven by keys."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from core.errors import StoreUnavailable
from core.model import replace
from tests.tui.movies import ALIEN
from tests.tui.stage import UNSET, Shelf, Stage, box, save_through_review, screen_text, type_text, until
from tui.editing import EDITABLE
from tui.screens.edit import EditScreen
from tui.widgets.tags import TagEditor


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
