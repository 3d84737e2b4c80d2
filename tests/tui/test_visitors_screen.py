"""Simulated visitors as a person lets them in: by one key, in plain sight, and out again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.tui.desk import desk
from tui.screens.visitors import KNOBS, VisitorsScreen


def visiting() -> int:
    return sum(task.get_name() == "visitor" for task in asyncio.all_tasks())


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_they_come_by_two_keys_are_named_in_every_size_and_go(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        assert "VISITORS" not in at.text
        await at.press("V")
        await at.until(lambda: "Nobody is here" in at.text)
        assert not visiting()
        await at.press("enter", "escape")
        await at.until(lambda: "VISITORS 8 × 5/s" in at.text)
        await at.until(lambda: at.screen.visitors.done.read)
        assert visiting() == 8
        await at.press("V")
        await at.until(lambda: "They are here" in at.text and "browsed" in at.text)
        await at.press("V")
        await at.until(lambda: "Nobody is here" in at.text and not visiting())
        await at.press("escape")
        await at.until(lambda: "VISITORS" not in at.text)


async def test_the_plan_is_adjusted_while_they_are_at_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        visitors = at.screen.visitors
        await at.press("V", "enter", "left", "left", "down", "right")
        await at.until(lambda: "VISITORS 2 × 10/s" in at.text and visiting() == 2)
        await at.press("up", "up")
        await at.until(lambda: "Edits are REAL" in at.text)
        await at.press("right", "right")
        assert visitors.plan.edits == 2
        for _ in range(20):
            await at.press("left")
        assert visitors.plan.edits == KNOBS[-1].steps[0]


async def test_they_leave_with_the_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("V", "enter", "escape")
        await at.until(visiting)
        await at.press("q")
        await at.until(lambda: not at.app.is_running)
    assert not visiting()


async def test_they_are_not_asked_in_twice(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.press("V", "V", "V")
        assert len([screen for screen in at.app.screen_stack if isinstance(screen, VisitorsScreen)]) == 1
