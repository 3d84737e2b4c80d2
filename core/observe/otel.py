"""OpenTelemetry: snapshots pushed to a collector over OTLP/HTTP. Imported only where that is wanted; needs the extra
`otel`.

The SDK's instruments would ask for values in a thread of its own, each for itself, and have no histogram that is
observed. Here a whole snapshot, taken in the event loop, becomes the SDK's data and goes through its exporter, which
reads the standard OTEL_* variables.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as SdkMetric
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from core.errors import SettingsError
from core.masking import masked_address
from core.observe.histogram import COARSE_BOUNDS, coarse
from core.observe.metrics import Metric, Sample, metrics
from core.observe.stats import LatencyStats, Stats

INTERVAL: Final = 60.0
"""Seconds between two exports where OTEL_METRIC_EXPORT_INTERVAL (milliseconds) says nothing else."""
PARTING: Final = 2.0
"""Seconds that the end of the program waits for the last export."""
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


class Export:
    """Pushes snapshots to the collector that the OTEL_* variables name. Raises SettingsError on what they cannot
    mean."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.place = _endpoint(environment)
        """Where the collector is, without a secret."""
        self._interval = _interval(environment)
        for variable, allowed in (
            ("PROTOCOL", ("http/protobuf",)),
            ("METRICS_PROTOCOL", ("http/protobuf",)),
            ("METRICS_TEMPORALITY_PREFERENCE", ("cumulative",)),
        ):
            _only(environment, f"OTEL_EXPORTER_OTLP_{variable}", allowed)
        self._exporter = OTLPMetricExporter()
        ours = {"service.name": "reelcache", "service.instance.id": str(uuid.uuid4())}
        self._resource = Resource(ours).merge(OTELResourceDetector().detect())
        self._started = time.time_ns()

    @asynccontextmanager
    async def running(self, stats: Callable[[], Stats], failed: Callable[[str], object]) -> AsyncIterator[None]:
        """Export now and then, and once more at the end. `failed` is told once of each time that begins to fail."""
        with _log_kept() as log:
            exporting = asyncio.create_task(self._run(stats, failed, log))
            try:
                yield
            finally:
                exporting.cancel()
                await asyncio.gather(exporting, return_exceptions=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(PARTING):
                        await self._exported(stats())
                self._exporter.shutdown()

    async def _run(self, stats: Callable[[], Stats], failed: Callable[[str], object], log: _Log) -> None:
        well = True
        while True:
            was_well, well = well, await self._exported(stats())
            if was_well and not well:
                failed(f"{self.place} did not take the metrics: {log.last}")
            await asyncio.sleep(self._interval)

    def _exported(self, stats: Stats) -> asyncio.Future[bool]:
        """Whether the collector took this snapshot. The exporter blocks, in a thread that nobody has to wait for: its
        patience is longer than a person's who quits."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[bool] = loop.create_future()

        def tell(well: bool) -> None:
            if not taken.done():
                taken.set_result(well)

        def export() -> None:
            result = self._exporter.export(self.data(stats))
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(tell, result is MetricExportResult.SUCCESS)

        threading.Thread(target=export, name="otel", daemon=True).start()
        return taken

    def data(self, stats: Stats) -> MetricsData:
        """A snapshot as the SDK's exporters take it."""
        made = [_metric(each, self._started, time.time_ns()) for each in metrics(stats)]
        scope = ScopeMetrics(InstrumentationScope("reelcache"), made, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])


def _metric(metric: Metric, started: int, now: int) -> SdkMetric:
    data: Sum | Gauge | Histogram
    if metric.kind == "histogram":
        data = Histogram([_histogram(sample, started, now) for sample in metric.samples], _CUMULATIVE)
    else:
        points = [_number(sample, started, now) for sample in metric.samples]
        data = Gauge(points) if metric.kind == "gauge" else Sum(points, _CUMULATIVE, is_monotonic=True)
    return SdkMetric(metric.name, metric.about, metric.unit or "1", data)


def _number(sample: Sample, started: int, now: int) -> NumberDataPoint:
    assert not isinstance(sample.value, LatencyStats)
    return NumberDataPoint(dict(sample.labels), started, now, sample.value)


def _histogram(sample: Sample, started: int, now: int) -> HistogramDataPoint:
    assert isinstance(sample.value, LatencyStats)
    unknown: Any = None  # the least and the most of all are optional in the protocol, but not in its type here
    return HistogramDataPoint(
        attributes=dict(sample.labels),
        start_time_unix_nano=started,
        time_unix_nano=now,
        count=sample.value.count,
        sum=sample.value.total,
        bucket_counts=coarse(sample.value),
        explicit_bounds=COARSE_BOUNDS,
        min=unknown,
        max=unknown,
    )


# ------------------------------------------------------------------------------------------------ what variables say


def _endpoint(environment: Mapping[str, str]) -> str:
    for variable, path in (("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/metrics")):
        if address := environment.get(variable):
            try:
                parts = urlsplit(address)
                known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                known = False
            if not known:
                raise SettingsError(
                    f"{variable} cannot be {masked_address(address)!r}.",
                    remedy="Write it as a URL, such as http://127.0.0.1:4318.",
                )
            return masked_address(address.rstrip("/") + path)
    return "http://localhost:4318/v1/metrics"


def _interval(environment: Mapping[str, str]) -> float:
    text = environment.get("OTEL_METRIC_EXPORT_INTERVAL") or str(INTERVAL * 1000)
    with suppress(ValueError):
        if 100 <= (milliseconds := float(text)) <= 86_400_000:
            return milliseconds / 1000
    raise SettingsError(
        f"OTEL_METRIC_EXPORT_INTERVAL cannot be {text!r}.",
        remedy="Give milliseconds, from 100 to a day's, such as 60000.",
    )


def _only(environment: Mapping[str, str], variable: str, allowed: tuple[str, ...]) -> None:
    value = environment.get(variable)
    if value and value.strip().lower() not in allowed:
        raise SettingsError(f"{variable} cannot be {value!r} here.", remedy=f"Leave it out, or give {allowed[0]}.")


# ---------------------------------------------------------------------------------------------------- what went wrong


class _Log(logging.Handler):
    """Keeps what the exporter's libraries say, which would else be written over the screen."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = "no reason was given"

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the newest alone."""
        self.last = " ".join(record.getMessage().split())[:200]


class _log_kept:  # a context
    """The loggers of the exporter speak to a _Log inside this context, and to nobody else."""

    def __enter__(self) -> _Log:
        self._loggers = [(logger := logging.getLogger(name), logger.propagate) for name in ("opentelemetry", "urllib3")]
        self._log = _Log()
        for logger, _ in self._loggers:
            logger.addHandler(self._log)
            logger.propagate = False
        return self._log

    def __exit__(self, *error: object) -> None:
        for logger, propagated in self._loggers:
            logger.removeHandler(self._log)
            logger.propagate = propagated
