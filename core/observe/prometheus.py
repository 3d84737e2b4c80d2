"""Prometheus: a snapshot in the text format that Prometheus scrapes. Imported only where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from core.observe.histogram import COARSE_BOUNDS, coarse
from core.observe.metrics import Metric, metrics
from core.observe.stats import LatencyStats, Stats

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""What the bytes of `exposition` are, as an HTTP header says it."""
_BOUNDS: Final = (*map(floatToGoString, COARSE_BOUNDS), "+Inf")
_SUFFIXES: Final = {"": "", "s": "_seconds", "By": "_bytes"}
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class StatsCollector(Collector):
    """The metrics of one snapshot, as prometheus-client collects them."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Family]:
        """Each metric with its samples."""
        return map(_family, metrics(self._stats))


def exposition(stats: Stats) -> bytes:
    """The snapshot in Prometheus' text format (CONTENT_TYPE)."""
    return generate_latest(StatsCollector(stats))


def prometheus_name(metric: Metric) -> str:
    """A metric's name without the suffixes of its samples: `cache.load.duration` is `cache_load_duration_seconds`."""
    return metric.name.replace(".", "_") + _SUFFIXES[metric.unit]


def _family(metric: Metric) -> Family:
    name, labels = prometheus_name(metric), [*metric.samples[0].labels]
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(name, metric.about, labels=labels)
        for sample in metric.samples:
            assert isinstance(sample.value, LatencyStats)
            histogram.add_metric([*sample.labels.values()], _buckets(sample.value), sample.value.total)
        return histogram
    family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(name, metric.about, labels=labels)
    for sample in metric.samples:
        assert not isinstance(sample.value, LatencyStats)
        family.add_metric([*sample.labels.values()], sample.value)
    return family


def _buckets(stats: LatencyStats) -> list[tuple[str, float]]:
    """How many durations were not above each bound."""
    return list(zip(_BOUNDS, accumulate(coarse(stats)), strict=True))
