"""The latency histogram: counts, percentiles and windows."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.observe.histogram import BOUNDS, LatencyHistogram, combined, difference, percentile
from core.observe.stats import LatencyStats


def recorded(*seconds: float) -> LatencyStats:
    histogram = LatencyHistogram()
    for value in seconds:
        histogram.record(value)
    return histogram.snapshot()


def test_the_bounds_reach_from_a_microsecond_beyond_a_minute() -> None:
    assert math.isclose(BOUNDS[0], 1e-6)
    assert BOUNDS[-1] > 60
    assert list(BOUNDS) == sorted(BOUNDS)


def test_without_data_there_is_no_percentile() -> None:
    assert percentile(LatencyStats(), 0.95) is None
    assert percentile(LatencyHistogram().snapshot(), 0.5) is None


@given(st.lists(st.floats(min_value=2e-6, max_value=60), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_within_one_bucket_of_the_exact_one(seconds: list[float], q: float) -> None:
    exact = sorted(seconds)[max(math.ceil(q * len(seconds)) - 1, 0)]
    estimate = percentile(recorded(*seconds), q)
    assert estimate is not None
    assert exact / 1.16 <= estimate <= exact * 1.16


def test_percentiles_rise_with_their_share() -> None:
    chance = random.Random(7)
    stats = recorded(*(chance.lognormvariate(-6, 1) for _ in range(2000)))
    values = [percentile(stats, q / 100) for q in range(101)]
    assert all(value is not None for value in values)
    assert values == sorted(value for value in values if value is not None)


@pytest.mark.parametrize("odd", [0.0, -1.0])
def test_a_clock_that_stepped_back_counts_as_no_time(odd: float) -> None:
    stats = recorded(odd)
    assert (stats.count, stats.total) == (1, 0.0)
    value = percentile(stats, 0.99)
    assert value is not None
    assert value <= 1e-6


def test_what_is_beyond_the_last_bound_counts_as_the_last_bound() -> None:
    assert percentile(recorded(1e6), 0.5) == BOUNDS[-1]


def test_the_difference_of_two_snapshots_is_what_came_between() -> None:
    histogram = LatencyHistogram()
    for _ in range(100):
        histogram.record(0.001)
    before = histogram.snapshot()
    for _ in range(10):
        histogram.record(0.1)
    window = difference(histogram.snapshot(), before)
    assert window.count == 10
    assert window.total == pytest.approx(1.0)
    p50 = percentile(window, 0.5)
    assert p50 == pytest.approx(0.1, rel=0.16)


def test_the_difference_from_the_very_start_is_everything() -> None:
    assert difference(recorded(0.5), LatencyStats()).count == 1


def test_nothing_between_two_snapshots_is_empty_and_shares_one_object() -> None:
    histogram = LatencyHistogram()
    histogram.record(0.2)
    before = histogram.snapshot()
    assert histogram.snapshot() is before
    assert difference(histogram.snapshot(), before).count == 0


def test_two_histograms_combine() -> None:
    both = combined(recorded(0.001), recorded(0.1, 0.1))
    assert both.count == 3
    assert both.total == pytest.approx(0.201)
    assert combined(LatencyStats(), both) is both
    assert combined(both, LatencyStats()) is both
