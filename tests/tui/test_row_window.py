from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.model import Movie
from core.query import Page
from tui.row_window import Request, RowWindow

STOCK = [Movie(id=f"Q{number}", title=str(number)) for number in range(5_000)]


def page(request: Request, total: int = 5_000, version: int = 0) -> Page:
    rows = STOCK[:total][request.offset : request.offset + request.limit]
    return Page(tuple(Movie(id=m.id, title=m.title, version=version) for m in rows), total, request.offset)


def wanted(window: RowWindow) -> Request:
    request = window.next_request()
    assert request is not None
    return request


def test_asks_for_aligned_pages_one_at_a_time_and_then_for_the_next() -> None:
    window = RowWindow()
    request = wanted(window)
    assert (request.offset, request.limit) == (0, 100)
    assert window.next_request() is None
    assert window.answer(request, page(request))
    assert wanted(window).offset == 100
    assert window.row(99) is not None
    assert window.row(100) is None


def test_rows_that_are_not_counted_yet_show_while_their_request_goes_on() -> None:
    window = RowWindow()
    request = wanted(window)
    window.answer(request, page(request))
    window.restart()
    assert window.restarted
    again = wanted(window)
    begun = Page(tuple(STOCK[7:57]), 50, 0, counted=False)
    assert window.answer(again, begun)
    assert (window.total, window.restarted) == (50, False)
    assert window.row(0).movie.id == "Q7"  # type: ignore[union-attr]  # which the assertion is about
    assert window.next_request() is None
    assert window.answer(again, page(again))
    assert window.total == 5_000
    assert wanted(window).offset == 100


def test_the_newest_viewport_wins_and_travel_decides_the_neighbour() -> None:
    window = RowWindow()
    first = wanted(window)
    window.look(1_000, 20)
    window.look(3_050, 20)
    window.answer(first, page(first))
    jump = wanted(window)
    assert jump.offset == 3_000
    window.answer(jump, page(jump))
    window.look(3_010, 20)
    assert wanted(window).offset == 2_900


def test_an_answer_to_an_earlier_query_is_dropped_and_old_rows_stay_until_the_new_ones() -> None:
    window = RowWindow()
    first = wanted(window)
    window.answer(first, page(first))
    late = wanted(window)
    window.restart()
    assert window.row(5) is not None
    assert not window.answer(late, page(late))
    fresh = wanted(window)
    assert window.answer(fresh, page(fresh, total=3))
    assert window.total == 3
    assert window.row(5) is None
    assert window.next_request() is None


def test_renew_keeps_rows_readable_and_replaces_those_in_view() -> None:
    window = RowWindow()
    first = wanted(window)
    window.answer(first, page(first))
    window.renew()
    assert window.outdated
    assert window.row(0) is not None
    again = wanted(window)
    window.answer(again, page(again, version=7))
    row = window.row(0)
    assert row is not None
    assert row.movie.version == 7
    assert not window.outdated


def test_a_failed_request_can_be_asked_again() -> None:
    window = RowWindow()
    request = wanted(window)
    assert window.give_up(request)
    assert not window.give_up(request)
    assert wanted(window).number != request.number


def test_an_empty_answer_asks_for_nothing_more() -> None:
    window = RowWindow()
    request = wanted(window)
    window.answer(request, page(request, total=0))
    assert window.total == 0
    assert window.next_request() is None


def test_finds_a_movie_among_the_rows_held() -> None:
    window = RowWindow()
    request = wanted(window)
    window.answer(request, page(request))
    assert window.find("Q42") == 42
    assert window.find("Q4200") is None


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 250), st.booleans()), max_size=60))
def test_every_viewport_is_filled_in_the_end_and_memory_is_bounded(looks: list[tuple[int, int, bool]]) -> None:
    window = RowWindow(keep=8)
    for first, count, renew in looks:
        window.look(first, count)
        if renew:
            window.renew()
        asked = 0
        while (request := window.next_request()) is not None:
            assert window.answer(request, page(request))
            asked += 1
            assert asked < 12
        assert all(window.row(number) is not None for number in range(first, min(first + count, 5_000)))
        assert len(window._held) <= 8
