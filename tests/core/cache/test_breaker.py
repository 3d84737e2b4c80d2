from __future__ import annotations

import pytest

from core.cache.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock, random=lambda: 0.0)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed("no answer")


def half_open(breaker: Breaker, clock: Clock) -> None:
    clock.now += breaker.wait
    assert breaker.probe()


def test_five_failures_in_a_row_open_it(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.opened == 0
    fail(breaker, 1)
    assert (breaker.state, breaker.problem, breaker.opened) == ("open", "no answer", 1)


def test_a_success_ends_the_row(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.succeeded()
    fail(breaker, 4)
    assert breaker.state == "closed"


def test_half_of_the_last_twenty_calls_open_it(breaker: Breaker) -> None:
    for _ in range(9):
        breaker.succeeded()
        breaker.failed("flapping")
    breaker.succeeded()
    assert breaker.opened == 0
    breaker.failed("flapping")
    assert breaker.state == "open"


def test_a_short_history_has_no_rate(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.failed("flapping")
        breaker.failed("flapping")
        breaker.succeeded()
    assert breaker.state == "closed"


def test_a_trip_opens_it_at_once(breaker: Breaker) -> None:
    breaker.trip("refused")
    assert (breaker.state, breaker.problem) == ("open", "refused")


def test_no_probe_before_the_back_off(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    assert not breaker.probe()
    clock.now += 0.19
    assert not breaker.probe()
    clock.now += 0.01
    assert breaker.probe()
    assert breaker.state == "half-open"


def test_half_open_has_exactly_one_probe(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    half_open(breaker, clock)
    clock.now += 100
    assert not breaker.probe()


def test_each_failed_probe_doubles_the_back_off_to_its_limit(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    waits = [breaker.wait]
    for _ in range(6):
        half_open(breaker, clock)
        breaker.failed("still away")
        waits.append(breaker.wait)
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
    assert breaker.problem == "still away"
    assert breaker.opened == 1


def test_jitter_shortens_the_back_off_by_up_to_half(clock: Clock) -> None:
    breaker = Breaker(clock=clock, random=lambda: 0.999)
    breaker.trip("refused")
    assert breaker.wait == pytest.approx(0.1, rel=0.01)


def test_an_answered_probe_closes(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    half_open(breaker, clock)
    breaker.close()
    assert (breaker.state, breaker.problem) == ("closed", None)


def test_a_failed_probe_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    half_open(breaker, clock)
    breaker.trip("gone again")
    assert (breaker.state, breaker.problem) == ("open", "gone again")
    breaker.close()
    assert breaker.state == "open"


def test_a_late_success_closes_nothing(breaker: Breaker, clock: Clock) -> None:
    breaker.trip("refused")
    breaker.succeeded()
    assert breaker.wait > 0
    half_open(breaker, clock)
    breaker.succeeded()
    assert breaker.state == "half-open"


def test_a_closed_breaker_begins_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    half_open(breaker, clock)
    breaker.close()
    fail(breaker, 4)
    assert breaker.state == "closed"
    fail(breaker, 1)
    assert breaker.wait == pytest.approx(0.2)
