"""Past problems: every error and warning that was shown can be read again and copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CacheUnavailable, InvalidQuery, OutcomeUnknown, StoreUnavailable
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tests.tui.stage import Stage, screen_text, until
from tui.messages import WorkFailed
from tui.problems import MOST_KEPT, Notice, Problems, still_works
from tui.screens.problems import ProblemsScreen

AWAY = StoreUnavailable("PostgreSQL", "does not answer [/x]", remedy="Start it, or press t for the other store.")


def test_what_was_shown_is_kept_whole_the_newest_first_and_bounded(tmp_path: Path) -> None:
    problems = Problems(tmp_path)
    for number in range(MOST_KEPT + 5):
        problems.keep(Notice("Fault", f"number {number}", "warning"), float(number))
    assert len(problems.past) == MOST_KEPT
    assert problems.past[0].notice.text == f"number {MOST_KEPT + 4}"
    notice = problems.notice(AWAY, "read the movies", 0.0)
    assert notice is not None
    problems.keep(notice, 1_700_000_000.0)
    rows = dict(problems.past[0].rows())
    assert rows["what"] == "Could not read the movies"
    assert rows["why"] == "PostgreSQL: does not answer [/x]"
    assert rows["what to do"] == "Start it, or press t for the other store."
    assert rows["still works"].startswith("Browsing")
    unforeseen = problems.notice(ZeroDivisionError(), "count the genres", 0.0)
    assert unforeseen is not None
    assert "Details are in" in unforeseen.remedy


def test_what_still_works_is_said_of_every_kind() -> None:
    errors = (AWAY, OutcomeUnknown("MongoDB", "lost"), CacheUnavailable("Redis", "away"), InvalidQuery("no"))
    texts = [still_works(error) for error in errors]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("size", [(60, 16), (120, 40)], ids=str)
async def test_an_error_and_a_warning_are_read_again_and_copied(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        await at.press("exclamation_mark")
        await at.until(lambda: "Nothing has gone wrong so far" in " ".join(at.text.replace("│", " ").split()))
        await at.press("escape")
        at.screen.post_message(WorkFailed(AWAY, "read the movies"))
        at.screen.post_message(WorkFailed(AWAY, "read the movies"))
        await at.until(lambda: at.app.problems.past)
        at.screen.notify("An export is under way.", title="Export", severity="warning", markup=False)
        at.screen.notify("Saved.", title="Saved", markup=False)
        await at.press("exclamation_mark")
        await at.until(lambda: isinstance(at.app.screen, ProblemsScreen))
        await at.until(lambda: "Problems · 2 notices" in at.text)
        assert "✗" in at.text
        assert "Export: An export is under way." in at.text
        await at.press("j", "c")
        await at.until(lambda: "Copied" in at.text)
        assert "what to do   Start it, or press t for the other store." in at.app.clipboard
        assert "why          PostgreSQL: does not answer [/x]" in at.app.clipboard
        assert "does not answer [/x]" in at.text
        await at.press("question_mark")
        await at.until(lambda: "Keys of the problems" in at.text)
        await at.press("escape", "k", "Y")
        assert "An export is under way." in at.app.clipboard
        await at.press("exclamation_mark")
        assert at.table.has_focus


async def test_a_hundred_problems_and_one_of_a_thousand_words_fit_a_small_screen(tmp_path: Path) -> None:
    problems = Problems(tmp_path)
    for number in range(100):
        problems.keep(Notice("Could not read", f"{number} " + "word " * 1_000, "error"), float(number))
    screen = ProblemsScreen(problems.past)
    async with Stage(screen).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "99 word" in screen_text(pilot.app))
        await pilot.press("end")
        await until(pilot, lambda: " 0 word" in screen_text(pilot.app))
        assert "esc close" in screen_text(pilot.app)


class Pooled(MemoryCatalogue):
    """One that stands where something cannot be had."""

    @property
    def limits(self) -> tuple[str, ...]:
        return ("A pooler [/x] stands in between.",)


async def test_what_cannot_be_had_is_said_at_the_start_and_can_be_read_again(tmp_path: Path) -> None:
    async with desk(tmp_path, catalogue=Pooled(movies(10))) as at:
        await at.until(lambda: "Not to be had here: A pooler [/x] stands in between." in at.toasts())
        await at.press("exclamation_mark")
        await at.until(lambda: "A pooler [/x] stands in between." in at.text)
