"""The live counters as a person sets them: window, pause, clear."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.tui.desk import Desk, desk
from tui.remembered import Memory
from tui.widgets.trace import TracePanel


def says(at: Desk, *parts: str) -> bool:
    return all(part in at.text for part in parts)


async def test_the_window_goes_round_and_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    async with desk(tmp_path, memory=Memory(file)) as at:
        await at.until(lambda: "window: 10 s" in at.text)
        for label in ("1 min", "5 min", "since the switch", "10 s", "1 min"):
            await at.press("w")
            await at.until(partial(says, at, f"window: {label}", f"({label})"))
    async with desk(tmp_path, memory=Memory(file)) as at:
        await at.until(lambda: "window: 1 min" in at.text)


async def test_a_window_that_is_remembered_but_no_longer_there_is_the_first(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.change(window="1 aeon")
    async with desk(tmp_path, memory=memory) as at:
        await at.until(lambda: "window: 10 s" in at.text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_pausing_holds_counters_and_log_still_and_says_so(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.until(lambda: at.screen.query_one(TracePanel)._trace)
        await at.press("p")
        await at.until(lambda: "PAUSED, p goes on" in at.text)
        held = at.screen.query_one(TracePanel)._trace
        await at.press("end", "home")
        newer = at.catalogue.stats().trace[-1].number
        await at.until(lambda: at.screen._newest is not None and at.screen._newest.trace[-1].number >= newer)
        assert at.screen.query_one(TracePanel)._trace is held
        await at.press("p")
        await at.until(lambda: "PAUSED" not in at.text)
        assert at.screen.query_one(TracePanel)._trace[-1].number >= newer


async def test_clearing_counts_from_now_on(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.until(lambda: "in all" in at.text and at.text.count(" 0 in all") < 2)
        await at.press("C")
        await at.until(lambda: "since you cleared them" in at.text and at.text.count(" 0 in all") == 2)
        await at.press("end")
        await at.until(lambda: at.text.count(" 0 in all") < 2)
