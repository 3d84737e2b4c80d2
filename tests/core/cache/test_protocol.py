"""The protocol by rule: each test names the race or rule that it holds."""

from __future__ import annotations

from core.cache.entry import Entry
from core.cache.protocol import Gate, Holder, State, abort, acquire, begin, fill, finish, forget, invalidate

NOW = 1_000
ALIVE, DEAD = 500, -1


def value(version: int) -> Entry:
    return Entry(True, version, 0, 0, "m", b"v%d" % version)


ABSENCE = Entry(False, 0, 0, 0, "m", b"")


def with_token(token: str = "r", state: State | None = None) -> State:
    state, verdict, _ = acquire(state or State(), NOW, token, ALIVE, refresh=True)
    assert verdict == "token"
    return state


def writing(*tokens: str, entry: Entry | None = None, hide: bool = True) -> State:
    state = State(entry)
    for token in tokens:
        state = begin(state, NOW, token, ALIVE, hide=hide)
    return state


def test_acquire_gives_the_entry_first() -> None:
    assert acquire(State(value(1)), NOW, "r", ALIVE)[1:] == ("hit", value(1))


def test_acquire_gives_one_token_per_key() -> None:
    state = with_token("r1")
    assert acquire(state, NOW, "r2", ALIVE)[1] == "loading"


def test_a_refresh_gets_a_token_though_the_entry_is_there() -> None:
    state, verdict, _ = acquire(State(value(1)), NOW, "r", ALIVE, refresh=True)
    assert (verdict, state.entry) == ("token", value(1))


def test_an_expired_lease_goes_to_the_next_reader() -> None:
    state, _, _ = acquire(State(), NOW, "r1", DEAD)
    state, verdict, _ = acquire(state, NOW, "r2", ALIVE)
    assert verdict == "token"
    assert fill(state, NOW, "r1", value(1))[1] == "lease_lost"


def test_nobody_fills_while_a_write_is_in_progress() -> None:
    assert acquire(writing("w"), NOW, "r", ALIVE)[1] == "writing"


def test_r1_a_finished_write_voids_the_token_of_an_older_load() -> None:
    state = begin(with_token(), NOW, "w", ALIVE)
    state, verdict = finish(state, NOW, "w", 2, None)
    assert verdict == "dropped"
    assert fill(state, NOW, "r", value(1)) == (state, "lease_lost")


def test_r2_a_load_during_a_write_has_no_token() -> None:
    state = writing("w", entry=value(1))
    state, verdict, _ = acquire(state, NOW, "r", ALIVE)
    assert (verdict, state.entry) == ("writing", None)
    assert fill(state, NOW, "r", value(1))[1] == "lease_lost"


def test_r3_reordered_finishes_keep_the_higher_version() -> None:
    state, verdict = finish(writing("w2", "w3"), NOW, "w3", 3, value(3))
    assert verdict == "contended"
    state, verdict = finish(state, NOW, "w2", 2, value(2))
    assert (verdict, state.entry) == ("contended", None)


def test_r3_a_lower_version_never_replaces_a_live_one() -> None:
    state = State(value(3), writing("w").gate)
    assert finish(state, NOW, "w", 2, value(2))[1] == "newer"
    assert finish(state, NOW, "w", 2, None)[1] == "newer"
    assert finish(state, NOW, "w", 2, value(2))[0].entry == value(3)


def test_r4_an_absent_entry_is_no_proof() -> None:
    state, verdict = finish(State(), NOW, "lost", 2, value(2))
    assert (verdict, state.entry) == ("token_lost", None)
    assert fill(State(), NOW, "lost", value(1)) == (State(), "lease_lost")


def test_a_live_lower_value_is_proof_without_a_token() -> None:
    state, verdict = finish(State(value(1)), NOW, "lost", 2, value(2))
    assert (verdict, state.entry) == ("set", value(2))


def test_a_known_absence_is_no_proof_without_a_token() -> None:
    # Row inserted (5), updated (6), removed (7), absence filled: the late finish of 5 must not bring it back.
    state, verdict = finish(State(ABSENCE), NOW, "lost", 5, value(5))
    assert (verdict, state.entry) == ("token_lost", None)


def test_r5_a_vanished_writer_takes_the_entry_and_voids_every_token() -> None:
    state = begin(State(value(1)), NOW, "live", ALIVE, hide=False)
    state = begin(state, NOW, "vanished", DEAD, hide=False)
    state, verdict, _ = acquire(state, NOW, "r", ALIVE)
    assert (verdict, state) == ("writing", State(None, Gate(writers=frozenset({Holder("live", NOW + ALIVE, True)}))))
    assert finish(state, NOW, "live", 2, value(2)) == (State(None, Gate(floor=2)), "token_lost")


def test_poison_keeps_the_floor() -> None:
    state, _ = invalidate(State(), NOW, 7)
    state = begin(state, NOW, "vanished", DEAD)
    assert abort(state, NOW, "other").gate == Gate(floor=7)


def test_a_deadline_is_over_at_its_moment() -> None:
    state, _, _ = acquire(State(), NOW, "r", 10)
    assert fill(state, NOW + 9, "r", value(1))[1] == "set"
    assert fill(state, NOW + 10, "r", value(1))[1] == "lease_lost"


def test_fill_installs_once() -> None:
    state, verdict = fill(with_token(), NOW, "r", value(1))
    assert (verdict, state.entry) == ("set", value(1))
    assert fill(state, NOW, "r", value(1))[1] == "lease_lost"


def test_fill_below_the_floor_is_refused_and_spends_the_token() -> None:
    state, _ = invalidate(State(), NOW, 5)
    state = with_token(state=state)
    state, verdict = fill(state, NOW, "r", value(4))
    assert (verdict, state.entry, state.gate.reader) == ("below_floor", None, None)


def test_fill_never_lowers_a_version_but_may_renew_it() -> None:
    state = with_token(state=State(value(5)))
    assert fill(state, NOW, "r", value(4))[1] == "newer"
    assert fill(state, NOW, "r", value(5))[1] == "set"


def test_fill_is_refused_where_a_writer_stands_beside_the_token() -> None:
    gate = Gate(reader=Holder("r", NOW + 1), writers=frozenset({Holder("w", NOW + 1)}))
    assert fill(State(None, gate), NOW, "r", value(1))[1] == "writing"


def test_any_value_replaces_an_absence() -> None:
    filled, verdict = fill(with_token(state=State(ABSENCE)), NOW, "r", value(0))
    assert (verdict, filled.entry) == ("set", value(0))
    finished = finish(State(ABSENCE, writing("w").gate), NOW, "w", 1, value(1))
    assert finished == (State(value(1), Gate(floor=1)), "set")
    assert invalidate(State(ABSENCE), NOW, 1) == (State(None, Gate(floor=1)), "dropped")


def test_r9_an_absence_under_its_token_drops_a_value_that_is_gone_from_the_store() -> None:
    state, verdict = fill(with_token(state=State(value(5))), NOW, "r", ABSENCE)
    assert (verdict, state.entry) == ("newer", None)


def test_i11_an_absence_never_hides_a_known_write() -> None:
    state, _ = invalidate(State(), NOW, 5)
    state, verdict = fill(with_token(state=state), NOW, "r", ABSENCE)
    assert (verdict, state.entry) == ("below_floor", None)


def test_begin_hides_the_entry_only_when_strict() -> None:
    assert writing("w", entry=value(1)).entry is None
    assert writing("w", entry=value(1), hide=False).entry == value(1)


def test_a_repeated_begin_renews_its_deadline() -> None:
    state = begin(writing("w"), NOW, "w", 2 * ALIVE)
    assert state.gate.writers == {Holder("w", NOW + 2 * ALIVE)}


def test_finish_installs_for_the_only_writer() -> None:
    state, verdict = finish(writing("w"), NOW, "w", 2, value(2))
    assert (verdict, state) == ("set", State(value(2), Gate(floor=2)))


def test_finish_below_the_floor_leaves_a_miss() -> None:
    state, _ = invalidate(writing("w"), NOW, 9)
    state, verdict = finish(state, NOW, "w", 2, value(2))
    assert (verdict, state.entry, state.gate.floor) == ("contended", None, 9)


def test_abort_ends_only_its_own_write() -> None:
    state = abort(writing("w1", "w2"), NOW, "w1")
    assert {writer.token for writer in state.gate.writers} == {"w2"}
    assert abort(State(value(1)), NOW, "w1") == State(value(1))


def test_invalidate_keeps_what_is_as_new() -> None:
    assert invalidate(State(value(5)), NOW, 5)[1] == "newer"
    assert invalidate(State(value(5)), NOW, 6) == (State(None, Gate(floor=6)), "dropped")
    assert invalidate(State(), NOW, 6)[1] == "absent"


def test_invalidate_voids_the_readers_token_and_leaves_the_writers() -> None:
    state, _ = invalidate(with_token(), NOW, 1)
    assert state.gate.reader is None
    assert invalidate(writing("w"), NOW, 1)[0].gate.writes("w")


def test_r9_a_forced_invalidation_trusts_nothing() -> None:
    state, verdict = invalidate(State(value(5), writing("w").gate), NOW, 0, force=True)
    assert (verdict, state) == ("dropped", State(None, Gate(writers=frozenset({Holder("w", NOW + ALIVE, True)}))))
    assert finish(state, NOW, "w", 6, value(6)) == (State(None, Gate(floor=6)), "token_lost")


def test_i7_a_writer_whose_token_is_void_still_keeps_readers_from_filling() -> None:
    state, _ = invalidate(writing("w"), NOW, 0, force=True)
    assert acquire(state, NOW, "r", ALIVE)[1] == "writing"
    assert acquire(abort(state, NOW, "w"), NOW, "r", ALIVE)[1] == "token"
    assert acquire(state, NOW + ALIVE, "r", ALIVE)[1] == "token"


def test_a_void_token_is_not_made_good_by_a_repeated_begin() -> None:
    state, _ = invalidate(writing("w"), NOW, 0, force=True)
    assert begin(state, NOW, "w", ALIVE) == state


def test_a_forgotten_key_has_no_writers() -> None:
    assert acquire(forget(), NOW, "r", ALIVE)[1] == "token"


def test_r8_every_verb_may_run_twice() -> None:
    once, _ = finish(writing("w"), NOW, "w", 2, value(2))
    assert finish(once, NOW, "w", 2, value(2)) == (once, "newer")
    gone, _ = finish(writing("w"), NOW, "w", 2, None)
    assert finish(gone, NOW, "w", 2, None) == (gone, "dropped")
    assert invalidate(State(None, Gate(floor=3)), NOW, 3) == (State(None, Gate(floor=3)), "absent")
    assert begin(writing("w"), NOW, "w", ALIVE) == writing("w")


def test_r8_a_begin_that_runs_after_its_finish_costs_only_misses() -> None:
    state, _ = finish(writing("w"), NOW, "w", 2, value(2))
    state = begin(state, NOW, "w", ALIVE)
    assert acquire(state, NOW, "r", ALIVE)[1] == "writing"
    assert acquire(state, NOW + ALIVE, "r", ALIVE)[1] == "token"
