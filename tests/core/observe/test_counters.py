"""The observer: each operation is counted once, under its own strategy."""

from __future__ import annotations

import sys

import pytest

from core.observe.counters import Observer
from core.observe.stats import Stats
from core.observe.trace import KEPT, Trace


def observer(at: float = 1_700_000_000.0) -> Observer:
    return Observer(("cache-aside", "no-cache"), now=lambda: at)


def snapshot(counting: Observer) -> Stats:
    return counting.snapshot(at=1.0, store="postgresql", strategy="cache-aside")


def test_strategies_never_used_have_zeroes() -> None:
    strategies = snapshot(observer()).strategies
    assert list(strategies) == ["cache-aside", "no-cache"]
    assert strategies["no-cache"].hits == 0
    assert strategies["no-cache"].hit_latency.count == 0


def test_a_page_counts_its_records_and_one_latency() -> None:
    counting = observer()
    counting.hits("cache-aside", 40, 0.002, tier="redis", negative=1, stale=3)
    counting.hits("cache-aside", 5, 0.0001, tier="near")
    counting.misses("cache-aside", 10, 0.02)
    with counting.load("cache-aside"):
        pass
    counting.saved("cache-aside", 40)
    stats = snapshot(counting).strategies["cache-aside"]
    assert (stats.hits, stats.near_hits, stats.misses) == (45, 5, 10)
    assert (stats.negatives, stats.stale) == (1, 3)
    assert (stats.store_reads, stats.saved) == (1, 40)
    assert (stats.hit_latency.count, stats.near_latency.count, stats.miss_latency.count) == (1, 1, 1)


def test_nothing_read_is_not_a_hit_with_a_latency() -> None:
    counting = observer()
    counting.hits("cache-aside", 0, 0.5, tier="redis")
    counting.misses("cache-aside", 0, 0.5)
    counting.bypass("cache-aside", 0, 0.5)
    assert snapshot(counting).strategies["cache-aside"] == snapshot(observer()).strategies["cache-aside"]


def test_each_strategy_counts_for_itself() -> None:
    counting = observer()
    counting.bypass("no-cache", 50, 0.03)
    counting.write("cache-aside", 0.004)
    counting.conflict("cache-aside")
    counting.error("no-cache")
    strategies = snapshot(counting).strategies
    assert (strategies["no-cache"].bypasses, strategies["no-cache"].bypass_latency.count) == (50, 1)
    assert strategies["no-cache"].errors == 1
    assert (strategies["cache-aside"].writes, strategies["cache-aside"].conflicts) == (1, 1)
    assert strategies["cache-aside"].write_latency.count == 1


def test_an_unknown_strategy_is_a_fault_of_the_caller() -> None:
    with pytest.raises(KeyError):
        observer().write("write-around", 0.1)


def test_a_snapshot_does_not_change_afterwards() -> None:
    counting = observer()
    counting.filled("lease_lost")
    before = snapshot(counting)
    counting.finished("lease_lost")
    counting.filled("newer")
    counting.write("cache-aside", 0.1)
    assert before.refused == {"lease_lost": 1}
    assert before.strategies["cache-aside"].writes == 0
    assert snapshot(counting).refused == {"lease_lost": 2, "newer": 1}


def test_the_trace_has_the_wall_clock_and_a_number() -> None:
    counting = observer(at=1234.5)
    counting.trace("read", "movie:Q1", "cache-aside", "redis", "hit", 7, 0.0004)
    (line,) = snapshot(counting).trace
    assert (line.number, line.at, line.key, line.tier, line.version) == (1, 1234.5, "movie:Q1", "redis", 7)


def test_the_trace_keeps_the_newest_and_goes_on_numbering() -> None:
    trace = Trace()
    for number in range(KEPT + 20):
        trace.add(0.0, "read", f"movie:{number}", "cache-aside", None, "miss", None, 0.1)
    lines = trace.snapshot()
    assert len(lines) == KEPT
    assert (lines[0].number, lines[-1].number) == (21, KEPT + 20)
    assert trace.snapshot() is lines


def test_reads_that_are_noted_together_have_a_line_each() -> None:
    """In whatever pieces they come, and whenever somebody looks: the newest KEPT, numbered without a gap."""
    counting, noted = observer(), list[str]()
    for piece in range(40):
        ids = [f"Q{piece}.{n}" for n in range(piece * 7 % 60)]
        counting.hits_together("cache-aside", ids, [1] * len(ids), 0.002)
        counting.trace("save", f"W{piece}", "cache-aside", None, "saved", 2, 0.1)
        noted += [*ids, f"W{piece}"]
        for n in range(piece % 3 and 650):
            counting.near_hit("cache-aside", f"N{piece}.{n}", 3, 0.0, 1e-6)
            noted.append(f"N{piece}.{n}")
        if piece % 4 == 0:
            lines = snapshot(counting).trace
            assert [line.key for line in lines] == noted[-KEPT:]
            assert [line.number for line in lines] == [*range(len(noted) - len(lines) + 1, len(noted) + 1)]
            assert snapshot(counting).trace is lines
    assert {(line.operation, line.tier, line.version) for line in snapshot(counting).trace} <= {
        ("get", "redis", 1),
        ("save", None, 2),
        ("get", "near", 3),
    }


def test_what_idle_counters_leave_behind_is_small() -> None:
    counting = observer()
    for _ in range(10):
        counting.hits("cache-aside", 1, 0.001, tier="redis")
    one, other = snapshot(counting), snapshot(counting)
    assert one.strategies["cache-aside"].hit_latency is other.strategies["cache-aside"].hit_latency
    assert sys.getsizeof(one.strategies["cache-aside"].hit_latency.buckets) < 1200
