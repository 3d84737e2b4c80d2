"""What Prometheus is told of a snapshot: every figure once, under few labels, in base units."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.observe.counters import Observer
from core.observe.histogram import BOUNDS, COARSE_BOUNDS
from core.observe.metrics import FILLS, FINISHES
from core.observe.prometheus import CONTENT_TYPE, exposition
from core.observe.stats import NearStats, RedisStats, Stats
from core.settings import STRATEGIES

LABELS = {"strategy", "tier", "result", "cause", "store", "op", "source", "state", "age", "le"}
TITLE = "Tears of Steel"


def values(stats: Stats) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels."""
    families = text_string_to_metric_families(exposition(stats).decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value for each in families for sample in each.samples
    }


@pytest.fixture
def observer() -> Observer:
    """Counts of every kind, each figure another one."""
    counting = Observer(STRATEGIES, now=lambda: 0.0)
    counting.hits("cache-aside", 100, 0.0005, negative=3, stale=5)
    counting.hits("cache-aside", 7, 0.0005, fail_safe=7)
    counting.hits("cache-aside", 11, 2e-6, tier="near")
    counting.misses("cache-aside", 13, 0.02)
    counting.bypass("no-cache", 17, 0.03)
    counting.error("cache-aside")
    counting.error("cache-aside", write=True)
    counting.write("write-through", 0.004)
    counting.trace("get", TITLE, "cache-aside", "redis", TITLE, 1, 0.1)
    for verdict in (*FILLS, "set"):
        counting.filled(verdict)
    for verdict in FINISHES:
        counting.finished(verdict)
    counting.invalidated("cdc", 19)
    counting.relayed(2, 0.2)
    counting.audited(1.0, 4, 1)
    return counting


@pytest.fixture
def stats(observer: Observer) -> Stats:
    redis = RedisStats(version="8.2.3", used_memory=42, max_memory=99, keys=1, evicted=2, expired=3, clients=4)
    near = NearStats(on=True, entries=6, pushed=8, evicted=9, age=0.1)
    return observer.snapshot(at=1.0, store="mongodb", strategy="cache-aside", redis=redis, near=near, pending=5)


def test_each_record_read_is_counted_under_one_tier_and_one_result(stats: Stats) -> None:
    requests = {labels: n for (name, labels), n in values(stats).items() if name == "cache_requests_total"}
    found = {tuple(value for _, value in sorted(labels)): n for labels, n in requests.items() if n}
    assert found == {
        ("hit", "cache-aside", "l1"): 11,
        ("hit", "cache-aside", "l2"): 100 - 3 - 5,
        ("stale", "cache-aside", "l2"): 5 + 7,
        ("negative", "cache-aside", "l2"): 3,
        ("miss", "cache-aside", "store"): 13,
        ("bypass", "no-cache", "store"): 17,
        ("error", "cache-aside", "store"): 1,
    }
    reads = sum(each.hits + each.misses + each.bypasses for each in stats.strategies.values())
    assert sum(found.values()) == reads + 1, "the error"


def test_names_have_base_units_and_labels_say_nothing_of_any_movie(stats: Stats) -> None:
    text = exposition(stats).decode()
    assert TITLE not in text
    found = values(stats)
    assert {name for _, labels in found for name, _ in labels} <= LABELS
    assert found["redis_memory_used_bytes", frozenset()] == 42
    assert found["cache_push_age_seconds", frozenset()] == 0.1
    assert found["cache_outbox_pending", frozenset()] == 5
    assert found["cache_writes_total", frozenset({("strategy", "cache-aside"), ("result", "error")})] == 1
    assert found["cache_invalidations_total", frozenset({("source", "cdc")})] == 19
    assert found["cache_invalidations_total", frozenset({("source", "write")})] == len(FINISHES)
    assert found["cache_fills_total", frozenset({("result", "set")})] == 2
    assert found["cache_in_force", frozenset({("strategy", "cache-aside"), ("store", "mongodb")})] == 1
    assert stats.refused == {
        "lease_lost": 1,
        "writing": 1,
        "below_floor": 1,
        "newer": 2,
        "contended": 1,
        "token_lost": 1,
    }
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_histograms_are_cumulative_and_exact_at_each_bound(observer: Observer) -> None:
    durations = [*BOUNDS, BOUNDS[-1] * 2, 0.0, 0.01, 0.01]
    for seconds in durations:
        observer.waited_for_lease(seconds)
    stats = observer.snapshot(at=1.0, store="mongodb", strategy="cache-aside")
    found = values(stats)
    for bound in COARSE_BOUNDS:
        expected = sum(seconds <= bound for seconds in durations)
        (at_bound,) = (
            n
            for (name, labels), n in found.items()
            if name == "cache_lease_wait_seconds_bucket" and float(dict(labels)["le"]) == bound
        )
        assert at_bound == expected
    assert found["cache_lease_wait_seconds_bucket", frozenset({("le", "+Inf")})] == len(durations)
    assert found["cache_lease_wait_seconds_count", frozenset()] == len(durations)
    assert found["cache_lease_wait_seconds_sum", frozenset()] == pytest.approx(sum(durations))


def test_what_is_not_known_is_left_out(stats: Stats) -> None:
    away = msgspec.structs.replace(stats, redis=None, near=NearStats(), cache_problem="gone")
    names = {name for name, _ in values(away)}
    assert {name for name in names if name.startswith("redis_")} == {"redis_up"}
    assert "cache_push_age_seconds" not in names
    assert values(away)["cache_believed", frozenset()] == 0
    assert values(stats)["cache_believed", frozenset()] == 1
