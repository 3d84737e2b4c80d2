"""The tour: it points at panels, notices what was done, and never stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from tests.tui.desk import Desk, desk, shown
from tests.tui.stage import save_through_review
from tui.remembered import Memory
from tui.screens.edit import EditScreen
from tui.tour import STEPS, Scene, Tour
from tui.widgets.tour_box import TourBox

START = Scene(cursor=0, hits=0, filtered="", strategy="cache-aside", last_save=None, broken=False)
SIZES = [(60, 16), (80, 24), (120, 40), (200, 60)]


def box(at: Desk) -> str:
    """The tour's box as it stands on the terminal."""
    region = at.screen.query_one(TourBox).region
    return "\n".join(at.text.splitlines()[region.y : region.bottom])


@pytest.mark.parametrize(
    ("number", "scenes"),
    [
        (0, [{"cursor": 30}, {"cursor": 30, "hits": 100}]),
        (1, [{"filtered": "genre:horror"}]),
        (2, [{"strategy": "no-cache"}]),
        (3, [{"last_save": "the movie"}]),
        (4, [{"broken": True}, {"broken": True, "cursor": 30}, {"cursor": 30}]),
    ],
)
def test_a_step_is_done_once_all_of_it_was_done(number: int, scenes: list[dict[str, object]]) -> None:
    tour = Tour(START)
    tour.go(number, START)
    tour.look(START)
    for changes in scenes:
        assert not tour.done
        tour.look(structs.replace(START, **changes))
    assert tour.done
    tour.look(START)
    assert tour.done, "it stays done"


def test_a_filter_that_was_in_force_before_its_step_is_noticed() -> None:
    filtered = structs.replace(START, filtered="genre:horror")
    tour = Tour(filtered)
    tour.go(1, filtered)
    tour.look(filtered)
    assert tour.done
    assert "in force already" in tour.praise
    fresh = Tour(START)
    fresh.go(1, START)
    fresh.look(filtered)
    assert fresh.done
    assert fresh.praise == STEPS[1].praise


def test_hits_that_come_by_themselves_do_not_count() -> None:
    tour = Tour(START)
    tour.look(structs.replace(START, hits=500))
    assert not tour.done


def test_without_a_cache_the_first_step_begins_with_choosing_one() -> None:
    scene = structs.replace(START, strategy="no-cache")
    assert "choose cache-aside" in Tour(scene).task(scene)
    assert Tour(START).task(START) == STEPS[0].task


async def test_the_whole_tour_by_keyboard(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("f1")
        assert "Tour 1 of 5" in box(at)
        await at.press("pagedown", "r")
        await at.until(lambda: "✓ The second look" in box(at))
        await at.press("n")
        assert at.app.focused is at.screen.query_one("#genres")
        await at.press("slash", *"movie", "enter")
        await at.until(lambda: "✓ All three" in box(at))
        await at.press("n", "c", "2")
        await at.until(lambda: "✓ Its line" in box(at))
        await at.press("n", "e")
        await at.until(lambda: isinstance(at.app.screen, EditScreen))
        await save_through_review(at.pilot, "!")
        await at.until(lambda: "✓ The log has" in box(at))
        await at.press("n", "x", "1")
        await at.until(lambda: at.catalogue.faults.active)
        await at.press("1", "pagedown")
        cursor = at.table.cursor
        await at.pilot.pause(0.6)
        assert cursor > 0
        assert "▸ Press x" in box(at)
        await at.press("x", "enter")
        await at.until(lambda: "✓ The table went on" in box(at))
        await at.press("n")
        await at.until(lambda: not shown_box(at))
        assert at.table.has_focus


def shown_box(at: Desk) -> bool:
    return bool(at.screen.query_one(TourBox).region)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_each_step_shows_its_panel_and_its_whole_task_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press("f1")
        for step in STEPS:
            await at.until(lambda: shown(at, step.pane))  # noqa: B023
            words = " ".join(box(at).replace("│", " ").split())
            assert step.title in words
            assert step.task in words
            assert "Esc leaves the tour" in words
            assert at.screen.query_one(f"#{step.pane}").region.height > 3
            await at.press("n")


async def test_back_and_leaving_at_any_time(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        await at.press("b", "n")
        assert not shown_box(at), "without a tour these keys do nothing"
        await at.press("f1", "b", "n", "n", "b")
        assert "Tour 2 of 5" in box(at)
        await at.press("slash", "a", "escape")
        assert shown_box(at), "Esc leaves the filter's box first"
        await at.press("escape")
        await at.until(lambda: not shown_box(at))
        await at.press("f1")
        assert "Tour 1 of 5" in box(at)


async def test_the_tour_is_offered_in_one_line_at_the_very_first_start_alone(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, memory=Memory(file)) as at:
        assert "F1 shows around" in box(at)
        assert at.screen.query_one(TourBox).region.height == 1
        assert at.table.has_focus
    async with desk(tmp_path, memory=Memory(file)) as at:
        assert not shown_box(at)


async def test_nothing_is_offered_where_nothing_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert not shown_box(at)
