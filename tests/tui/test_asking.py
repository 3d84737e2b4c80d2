"""How often the table asks, on a clock of the tests' own."""

from __future__ import annotations

from core.model import Movie
from core.query import Page
from tui.asking import PACE, PATIENCE, Asking
from tui.row_window import Request, RowWindow

TOTAL = 1_000_000
KEY_REPEAT = 1 / 30
MOUSE = 1 / 60


class Person:
    """Moves the view of a window over a million rows, before a store that answers after `answers` seconds."""

    def __init__(self, *, answers: float) -> None:
        self.now = 100.0
        self.window = RowWindow()
        self.asked: list[Request] = []
        self.gave_up = 0
        self._answers = answers
        self._asking = Asking(self.window, lambda: self.now)
        self._due: float | None = None
        self._again: float | None = None
        self.look(0)
        self.rest(10.0)
        self.asked.clear()

    def look(self, first: int, rows: int = 40) -> None:
        self.window.look(first, rows)
        self._turn()

    def rest(self, seconds: float) -> None:
        """Let time pass, with what falls due in it."""
        end = self.now + seconds
        while (due := min((moment for moment in (self._due, self._again) if moment is not None), default=end)) < end:
            self.now = max(self.now, due)
            if due == self._due:
                self._answer()
            else:
                self._again = None
                self._turn()
        self.now = end

    def _turn(self) -> None:
        request, wait, gave_up = self._asking.turn()
        if gave_up:
            self.gave_up += 1
            self._due = None
        if request is not None:
            self.asked.append(request)
            self._due = self.now + self._answers
        self._again = None if wait is None else self.now + wait + 1e-6  # a float's last place is no time

    def _answer(self) -> None:
        self._due = None
        request = self.asked[-1]
        movies = tuple(Movie(id=f"Q{n}", title="") for n in range(request.offset, request.offset + request.limit))
        assert self.window.answer(request, Page(movies, TOTAL, request.offset))
        self._turn()

    def sees(self, first: int) -> bool:
        return all(self.window.row(number) is not None for number in range(first, first + 40))


def test_a_leap_is_asked_for_at_once() -> None:
    person = Person(answers=0.005)
    person.look(TOTAL - 40)
    assert [request.offset for request in person.asked] == [TOTAL - 100]
    person.rest(0.006)
    assert person.sees(TOTAL - 40)


def test_a_dragged_scrollbar_is_followed_at_a_steady_pace_and_its_end_is_shown_soon() -> None:
    person = Person(answers=0.005)
    for step in range(300):
        person.look(step * 3_000)
        person.rest(MOUSE)
    assert 5.0 / PACE / 2 < len(person.asked) <= 5.0 / PACE + 1
    person.look(TOTAL - 40)
    person.rest(PACE + 0.011)
    assert person.sees(TOTAL - 40)


def test_held_keys_find_every_row_read_before_they_come_to_it() -> None:
    for rows in (1, 40):
        person = Person(answers=0.02)
        for step in range(1, 300):
            person.look(step * rows)
            assert person.sees(step * rows), (rows, step)
            person.rest(KEY_REPEAT)
        assert len(person.asked) <= 300 * rows / 100 + 2
        assert not person.gave_up


def test_what_a_slow_store_is_at_for_rows_out_of_sight_is_given_up_for_those_in_sight() -> None:
    person = Person(answers=3.0)
    for step in range(120):
        person.look(step * 8_000)
        person.rest(MOUSE)
    assert person.gave_up <= 120 * MOUSE / PATIENCE + 1
    person.look(500_000)
    person.rest(PATIENCE + PACE + 3.01)
    assert person.sees(500_000), "it did not wait for the answer to a place that the view had left"


def test_what_is_under_way_for_rows_in_sight_is_never_given_up() -> None:
    person = Person(answers=3.0)
    person.look(500_000)
    for step in range(20):
        person.look(500_000 + step % 3)
        person.rest(KEY_REPEAT)
    assert not person.gave_up
    assert len(person.asked) == 1
