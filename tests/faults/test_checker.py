"""The checker on histories made by hand: the good ones must pass, each bad one must be found out."""

from __future__ import annotations

from tests.faults.checker import Verdict, check
from tests.faults.history import (
    Edited,
    Filled,
    Happened,
    Held,
    History,
    Leased,
    Operation,
    Sampled,
    Seen,
)

SECOND = 1_000_000_000
KEY, STORE = "hot1", "postgresql"


def held(version: int = 10, token: str = "hseedr", *, last: bool = False, key: str = KEY) -> Held:
    """What the store held at first, or in the end."""
    return Held(STORE, key, version, token, 1 if not last else 1000, last)


def save(
    began: int,
    ended: int | None,
    base: int,
    version: int | None,
    token: str,
    outcome: str = "ok",
    operation: str = "save",
) -> Operation:
    """A save by the session `w`; one without a version never reached the store's acknowledgement."""
    committed = None if version is None else ended
    return Operation("w", operation, KEY, STORE, began, base, token, "", ended, outcome, version, committed)


def remove(began: int, ended: int | None, base: int, version: int | None, outcome: str = "ok") -> Operation:
    """A removal."""
    return save(began, ended, base, version, "", outcome, "remove")


def read(began: int, ended: int, version: int, token: str, session: str = "r", **more: object) -> Operation:
    """A read that found a movie."""
    seen = (Seen(KEY, version, token, "redis"),)
    return Operation(session, "get", KEY, STORE, began, ended=ended, outcome="ok", seen=seen, **more)  # type: ignore[arg-type]


def missing(began: int, ended: int) -> Operation:
    """A read that found none."""
    return Operation("r", "get", KEY, STORE, began, ended=ended, outcome="missing")


def window(began: int, ended: int, shown: tuple[Seen, ...], total: int, question: str = "genre Chaos") -> Operation:
    """A browse."""
    return Operation(
        "r", "browse", "", STORE, began, question=question, ended=ended, outcome="ok", seen=shown, total=total
    )


def judged(*operations: Operation, **more: object) -> Verdict:
    """The verdict on these operations after a first state of version 10."""
    history = History(list(operations), held=[held()])
    for name, value in more.items():
        setattr(history, name, value)
    return check(history)


def found(*operations: Operation, **more: object) -> set[str]:
    """The invariants that these operations break."""
    return set(judged(*operations, **more).counts())


SAVED = save(100, 200, 10, 20, "hnewb")


def test_reads_before_during_and_after_a_write_may_show_what_they_could_see() -> None:
    before = read(50, 90, 10, "hseedr", "a")
    during_old = read(110, 150, 10, "hseedr", "b")
    during_new = read(151, 160, 20, "hnewb", "c")
    after = read(210, 220, 20, "hnewb", "d")
    assert found(before, during_old, SAVED, during_new, after) == set()


def test_a_read_that_overlaps_the_acknowledgement_may_be_old() -> None:
    assert found(SAVED, read(199, 300, 10, "hseedr")) == set()


def test_a_stale_read_after_an_acknowledged_write_is_found() -> None:
    assert found(SAVED, read(201, 210, 10, "hseedr")) == {"I4"}


def test_a_stale_read_is_named_after_the_old_dump_or_the_switch_before_it() -> None:
    stale = read(3 * SECOND, 3 * SECOND + 1, 10, "hseedr")
    dump = Happened("redis-old-dump", "", SECOND, 2 * SECOND)
    switch = Happened("store-switch", "", 2 * SECOND, 2 * SECOND + 1)
    assert found(SAVED, stale, faults=[dump]) == {"I13"}
    assert found(SAVED, stale, faults=[switch]) == {"I15"}


def test_a_session_that_misses_its_own_write_breaks_read_your_writes_too() -> None:
    assert found(SAVED, read(201, 210, 10, "hseedr", "w")) == {"I4", "I5"}


def test_a_session_that_reads_backwards_is_found_though_nothing_was_acknowledged() -> None:
    running = save(100, 900, 10, 20, "hnewb")
    assert found(running, read(300, 310, 20, "hnewb"), read(320, 330, 10, "hseedr")) == {"I6", "I7"}


def test_a_reader_behind_another_reader_is_found() -> None:
    running = save(100, 900, 10, 20, "hnewb")
    assert found(running, read(300, 310, 20, "hnewb", "a"), read(320, 330, 10, "hseedr", "b")) == {"I7"}
    assert found(running, read(300, 325, 20, "hnewb", "a"), read(320, 330, 10, "hseedr", "b")) == set()


def test_a_labelled_read_may_be_old_but_not_invented() -> None:
    assert found(SAVED, read(201, 210, 10, "hseedr", labelled=True)) == set()
    assert found(SAVED, read(201, 210, 15, "hghostr", labelled=True)) == {"I2"}


def test_what_was_never_committed_is_found() -> None:
    assert found(SAVED, read(210, 220, 21, "hghostr")) == {"I2"}
    assert found(SAVED, read(210, 220, 20, "hseedr")) == {"I2"}, "the version of one state with the content of another"
    assert found(read(50, 60, 20, "hnewb"), SAVED) == {"I2"}, "read before it was written"


def test_a_write_that_was_reported_as_failed_must_not_show() -> None:
    failed = save(100, 200, 10, None, "hnewb", "conflict")
    assert found(failed, read(210, 220, 10, "hseedr")) == set()
    assert found(failed, read(210, 220, 20, "hnewb")) == {"lost"}
    assert found(save(100, 200, 10, 20, "hnewb", "conflict")) == {"lost"}


def test_a_write_of_unknown_outcome_may_have_happened_or_not() -> None:
    killed = save(100, None, 10, None, "hnewb", "killed")
    assert found(killed, read(210, 220, 10, "hseedr")) == set()
    assert found(killed, read(210, 220, 20, "hnewb")) == set()
    assert found(killed, read(210, 220, 20, "hnewb", "a"), read(230, 240, 10, "hseedr", "b")) == {"I7"}
    removed = remove(100, None, 10, None, "killed")
    assert found(removed, missing(210, 220)) == set()
    assert found(removed, read(210, 220, 10, "hseedr")) == set()


def test_of_two_writes_on_one_base_only_one_happened() -> None:
    killed = remove(100, None, 10, None, "killed")
    assert found(killed, save(110, 200, 10, 20, "hnewb"), missing(210, 220)) == {"I11"}


def test_an_absence_needs_a_removal() -> None:
    assert found(missing(50, 60)) == {"I11"}
    assert found(remove(100, 200, 10, 20), missing(150, 160), missing(210, 220)) == set()
    added = save(300, 400, 0, 30, "hagainb", operation="add")
    assert found(remove(100, 200, 10, 20), added, missing(350, 360), missing(410, 420)) == {"I11"}
    assert found(remove(100, 200, 10, 20), read(210, 220, 10, "hseedr")) == {"I4"}


def test_an_added_movie_may_have_been_seen_before_it_was_raised_above_a_removal() -> None:
    removed = remove(100, 200, 10, 28)
    added = save(300, 400, 0, 30, "hagainb", operation="add")
    assert found(removed, added, read(350, 360, 25, "hagainb"), read(410, 420, 30, "hagainb")) == set()
    assert found(removed, added, read(350, 360, 35, "hagainb")) == {"I2"}
    assert found(removed, added, read(250, 260, 25, "hagainb")) == {"I2"}
    edited = save(500, 600, 30, 40, "hnewb")
    assert found(removed, added, edited, read(610, 620, 25, "hagainb")) == {"I4"}
    assert found(edited, read(550, 560, 35, "hnewb")) == {"I2"}
    killed = save(300, None, 0, None, "hagainb", "killed", "add")
    assert found(removed, killed, read(350, 360, 25, "hagainb"), read(410, 420, 30, "hagainb")) == set()
    assert found(removed, killed, read(350, 360, 30, "hagainb"), read(410, 420, 25, "hagainb")) == set()


def test_edits_behind_the_back_are_acknowledged_by_nobody() -> None:
    edit = Edited(STORE, KEY, 20, 0, "hoob1b", 100, 200)
    assert found(read(210, 220, 20, "hoob1b", "a"), read(230, 240, 10, "hseedr", "a"), edits=[edit]) == set()
    gone = Edited(STORE, KEY, 20, 0, "", 100, 200)
    assert found(missing(210, 220), read(230, 240, 10, "hseedr"), edits=[gone]) == set()
    assert found(missing(50, 60), edits=[gone]) == {"I11"}


def test_an_edit_of_unknown_outcome_may_have_happened_or_not() -> None:
    edit = Edited(STORE, KEY, 0, 3, "hoob3r", 100, 200)
    assert found(read(210, 220, 10, "hseedr"), edits=[edit]) == set()
    assert found(read(210, 220, 10, "hoob3r"), edits=[edit]) == set()
    removal = Edited(STORE, KEY, 0, 3, "", 100, 200)
    assert found(missing(210, 220), missing(9 * SECOND, 9 * SECOND + 1), edits=[removal]) == set()


def test_edits_without_a_version_are_told_apart_by_content() -> None:
    edits = [Edited(STORE, KEY, 10, 1, "hoob1r", 100, 200), Edited(STORE, KEY, 10, 2, "hoob2r", 300, 400)]
    verdict = judged(read(450, 460, 10, "hoob1r"), edits=edits)
    assert verdict.counts() == {}
    assert verdict.ages == [50 / SECOND]


def test_the_age_of_outdated_answers_is_bounded() -> None:
    edit = Edited(STORE, KEY, 20, 0, "hoob1b", 1 * SECOND, 2 * SECOND)
    young, old = read(4 * SECOND, 4 * SECOND + 1, 10, "hseedr"), read(9 * SECOND, 9 * SECOND + 1, 10, "hseedr")
    assert judged(young, edits=[edit]).ages == [2.0]
    assert found(young, edits=[edit]) == set()
    assert found(old, edits=[edit]) == {"I8"}
    outage = Happened("redis-pause", "", 3 * SECOND, 8 * SECOND)
    assert found(old, edits=[edit], faults=[outage]) == set(), "counted from the end of the disturbance"


def test_a_window_shows_what_was_acknowledged_and_nothing_that_left() -> None:
    red, blue = Seen(KEY, 10, "hseedr", "redis"), Seen(KEY, 20, "hnewb", "redis")
    assert found(window(50, 60, (red,), 1, "genre Red")) == set()
    assert found(window(50, 60, (), 0, "genre Red")) == {"I11"}
    assert found(SAVED, window(210, 220, (), 0, "genre Red")) == set()
    assert found(SAVED, window(210, 220, (blue,), 1, "genre Red")) == {"I11"}
    assert found(SAVED, window(150, 160, (blue,), 1, "genre Red")) == set(), "the window may be older than its movies"
    assert found(SAVED, window(210, 220, (blue,), 2)) == {"I11"}, "the total counts one too many"
    lacking = Operation("r", "browse", KEY, STORE, 210, question="token hnewb", ended=220, outcome="ok", total=0)
    assert found(SAVED, lacking) == {"I11"}


def test_a_histogram_counts_what_was_acknowledged() -> None:
    def histogram(began: int, counts: dict[str, int]) -> Operation:
        return Operation("r", "genres", "", STORE, began, ended=began + 10, outcome="ok", counts=counts)

    assert found(histogram(50, {"Chaos": 1, "Red": 1})) == set()
    assert found(SAVED, histogram(150, {"Chaos": 1, "Red": 1}), histogram(161, {"Chaos": 1, "Blue": 1})) == set()
    assert found(SAVED, histogram(210, {"Chaos": 1, "Red": 1})) == {"I11"}
    assert found(SAVED, histogram(210, {"Chaos": 2, "Blue": 1})) == {"I11"}


def test_entries_never_go_back_while_redis_is_intact() -> None:
    samples = [
        Sampled(STORE, KEY, 20, "hnewb", 210, 220),
        Sampled(STORE, KEY, 0, "", 230, 240),
        Sampled(STORE, KEY, 10, "hseedr", 250, 260),
    ]
    assert found(SAVED, samples=samples) == {"I3"}
    assert found(SAVED, samples=samples[::2], faults=[Happened("redis-flushall", "", 225, 226)]) == set()
    assert found(SAVED, samples=samples[:2]) == set()


def test_an_entry_that_was_never_committed_is_found() -> None:
    assert found(SAVED, samples=[Sampled(STORE, KEY, 20, "hghostr", 210, 220)]) == {"I2"}
    assert found(SAVED, samples=[Sampled(STORE, KEY, 20, "hnewb", 50, 60)]) == {"I2"}


def test_two_readers_must_not_fill_under_overlapping_leases() -> None:
    leases = [Leased(STORE, KEY, "a", 100, 110), Leased(STORE, KEY, "b", 120, 130)]
    fill = Filled(STORE, KEY, "a", "set", 140, 150)
    assert found(leases=leases, fills=[fill]) == {"I9"}
    assert found(leases=leases, fills=[Filled(STORE, KEY, "a", "lease_lost", 140, 150)]) == set()
    assert found(leases=leases, fills=[Filled(STORE, KEY, "a", "set", 115, 125)]) == set()


def test_nobody_fails_while_the_store_is_well() -> None:
    failed = save(100, 200, 10, None, "hnewb", "unavailable")
    assert found(failed) == {"I12"}
    assert found(failed, faults=[Happened("store-restart", "", 90, 95)]) == set()
    assert found(failed, faults=[Happened("redis-kill", "", 90, 300)]) == {"I12"}
    assert found(save(100, 200, 10, None, "hnewb", "error TypeError")) == {"I12"}


def test_an_acknowledged_write_is_in_the_store_in_the_end() -> None:
    first, other = held(), held(5, "hother", key="hot2")
    assert found(SAVED, held=[first, held(20, "hnewb", last=True)]) == set()
    assert found(SAVED, held=[first, held(10, "hseedr", last=True)]) == {"lost"}
    assert found(SAVED, held=[first, other, held(5, "hother", last=True, key="hot2")]) == {"lost"}
    gone = remove(300, 400, 20, 30)
    assert found(SAVED, gone, held=[first, other, held(5, "hother", last=True, key="hot2")]) == set()
